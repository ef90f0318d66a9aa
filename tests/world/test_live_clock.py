"""The live clock: life's seconds pass faster than the wall's."""

import asyncio
import time

from broker.pace import Pace
from fleetbeat.live_clock import LiveLoop, run_live


def test_a_day_of_life_passes_in_a_moment_of_the_wall() -> None:
    async def life() -> float:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        await asyncio.sleep(3_600.0)
        return loop.time() - began_s

    began_s = time.monotonic()
    passed_s = run_live(Pace(0.0, 360_000.0), life())

    assert passed_s >= 3_600.0
    assert time.monotonic() - began_s >= 0.01


def test_whoever_comes_later_begins_later_in_life() -> None:
    loop = LiveLoop(Pace(1_000.0, 60.0), unix_time=lambda: 1_010.0)

    assert 600.0 <= loop.time() < 660.0

    loop.close()


def test_who_sets_the_date_moves_nobodys_life() -> None:
    dates = iter([1_000.0])
    loop = LiveLoop(Pace(1_000.0, 1.0), unix_time=lambda: next(dates))  # asked once, never again

    assert loop.time() < 1.0

    loop.close()


def test_timers_ring_in_the_order_of_life() -> None:
    rung: list[str] = []

    async def life() -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(2_000.0, rung.append, "late")
        loop.call_later(1_000.0, rung.append, "early")
        await asyncio.sleep(3_000.0)

    run_live(Pace(0.0, 500_000.0), life())

    assert rung == ["early", "late"]
