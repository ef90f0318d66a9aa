"""An alarm wakes at its moment, or when somebody rings."""

import asyncio

import pytest

from devices.alarm import Alarm

pytestmark = pytest.mark.virtual_time


async def test_it_wakes_at_its_moment() -> None:
    rung = await Alarm().until(7.5)

    assert rung is None
    assert asyncio.get_running_loop().time() == 7.5


async def test_it_never_wakes_early() -> None:
    moment_s = 1 / 3

    await Alarm().until(moment_s)

    assert moment_s <= asyncio.get_running_loop().time() < moment_s + 2e-6


async def test_who_rings_wakes_it() -> None:
    alarm = Alarm()
    asyncio.get_running_loop().call_at(3.0, alarm.ring, "life")

    rung = await alarm.until(100.0)

    assert (rung, asyncio.get_running_loop().time()) == ("life", 3.0)


async def test_a_ring_that_finds_nobody_is_kept_for_the_next() -> None:
    alarm = Alarm()
    alarm.ring("early")
    alarm.ring("later")

    assert await alarm.until(100.0) == "early"
    assert await alarm.until(5.0) is None


async def test_a_moment_that_has_passed_is_now() -> None:
    await asyncio.sleep(10)

    assert await Alarm().until(3.0) is None
    assert asyncio.get_running_loop().time() == pytest.approx(10, abs=1e-5)
