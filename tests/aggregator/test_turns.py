"""Exactly one of two runs at a time: the loop, or the server's thread; and no thread survives."""

import asyncio
import threading
from typing import Any

import pytest

from aggregator.turns import Done, Turns
from broker.errors import HeldTooLong, RunEnded
from fleetbeat.clock import VirtualLoop

pytestmark = pytest.mark.virtual_time


def turns(patience_s: float = 20.0) -> Turns:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    loop.patience_s = patience_s
    return Turns(loop, loop.hold, "the server (test)")


def sleeping(two: Turns, wait_s: float) -> None:
    def arm(done: Done[None]) -> None:
        two.loop.call_later(wait_s, done, None)

    two.wait(arm)


async def test_time_passes_only_while_the_thread_waits() -> None:
    two = turns()
    log: list[float] = []

    def thinks() -> None:
        for wait_s in (10.0, 0.5, 86_400.0):
            log.append(two.loop.time())
            sleeping(two, wait_s)
        log.append(two.loop.time())

    await two.start(thinks)

    assert log == [0.0, 10.0, 10.5, 86_410.5]
    assert not two.alive


async def test_an_answer_that_is_there_at_once_takes_no_time() -> None:
    two = turns()
    got: list[int] = []

    await two.start(lambda: got.extend(two.wait(lambda done, n=n: done(n)) for n in range(1000)))  # type: ignore[misc]

    assert got == list(range(1000))
    assert two.loop.time() == 0.0


async def test_others_live_on_while_the_thread_waits_and_stand_still_while_it_thinks() -> None:
    two = turns()
    log: list[str] = []

    async def other() -> None:
        for _ in range(3):
            await asyncio.sleep(4)
            log.append(f"other at {two.loop.time():.0f}")

    def thinks() -> None:
        sleeping(two, 5)
        threading.Event().wait(0.02)  # really thinks
        log.append(f"thread at {two.loop.time():.0f}")

    await asyncio.gather(other(), two.start(thinks))

    assert log == ["other at 4", "thread at 5", "other at 8", "other at 12"]


async def test_a_failure_in_the_thread_arrives_at_the_loop() -> None:
    def fails() -> None:
        raise ZeroDivisionError("no examples")

    with pytest.raises(ZeroDivisionError, match="no examples"):
        await turns().start(fails)


async def test_a_failure_on_the_loop_arrives_in_the_thread() -> None:
    two = turns()
    caught: list[str] = []

    def cannot(_done: Done[None]) -> None:
        raise OSError("disk full")

    def thinks() -> None:
        try:
            two.wait(cannot)
        except OSError as error:
            caught.append(str(error))

    await two.start(thinks)

    assert caught == ["disk full"]


async def test_a_coroutine_can_be_waited_for_and_its_failure_too() -> None:
    two = turns()
    got: list[Any] = []

    async def works() -> float:
        await asyncio.sleep(7)
        return two.loop.time()

    async def breaks() -> None:
        await asyncio.sleep(1)
        raise KeyError("gone")

    def thinks() -> None:
        got.append(two.run(works))
        with pytest.raises(KeyError):
            two.run(breaks)

    await two.start(thinks)

    assert got == [7.0]


async def test_an_ended_thread_gets_run_ended_where_it_waits() -> None:
    two = turns()
    outcome = two.start(lambda: sleeping(two, 1e9))
    await asyncio.sleep(50)

    two.end()

    with pytest.raises(RunEnded):
        await outcome
    assert not two.alive


async def test_a_thread_that_swallows_every_exception_ends_all_the_same() -> None:
    two = turns()

    def stubborn() -> None:
        while True:
            try:
                sleeping(two, 60)
            except Exception:
                continue

    outcome = two.start(stubborn)
    await asyncio.sleep(100)

    two.end()

    with pytest.raises(RunEnded):
        await outcome
    assert not two.alive


async def test_ending_twice_or_after_the_end_is_harmless() -> None:
    two = turns()
    await two.start(lambda: None)

    two.end()
    two.end()


async def test_a_thread_that_thinks_for_too_long_is_named() -> None:
    two = turns(patience_s=0.05)
    stop = threading.Event()

    def broods() -> None:
        stop.wait(20)

    with pytest.raises(HeldTooLong, match=r"the server \(test\)"):
        await two.start(broods)
    stop.set()
    two.end()


async def test_another_thread_of_the_server_is_told_that_it_may_not() -> None:
    two = turns()
    told: list[str] = []

    def legacy() -> None:
        try:
            sleeping(two, 1)
        except RuntimeError as error:
            told.append(str(error))

    def thinks() -> None:
        client = threading.Thread(target=legacy, name="client-1")
        client.start()
        client.join()

    await two.start(thinks)

    assert "client-1 called the grid" in told[0]
    assert "from the thread of the ServerApp" in told[0]
