"""The clock jumps when everybody sleeps, stands still for real work, and never hangs."""

import asyncio
import concurrent.futures
import signal
import threading

import pytest

from broker.errors import HeldTooLong
from broker.waiting import finished
from fleetbeat.clock import VirtualLoop, interruptible, run_virtual


def test_a_week_passes_at_once() -> None:
    async def sleeper() -> float:
        await asyncio.sleep(7 * 86_400)
        return asyncio.get_running_loop().time()

    assert run_virtual(sleeper()) == 7 * 86_400


def test_sleepers_wake_in_the_order_of_their_moments() -> None:
    log: list[tuple[str, float]] = []

    async def sleeper(name: str, wait_s: float) -> None:
        await asyncio.sleep(wait_s)
        log.append((name, asyncio.get_running_loop().time()))

    async def everybody() -> None:
        await asyncio.gather(sleeper("late", 20), sleeper("early", 0.5), sleeper("middle", 3))

    run_virtual(everybody())

    assert log == [("early", 0.5), ("middle", 3.0), ("late", 20.0)]


def test_a_million_small_steps_do_not_drift() -> None:
    async def ticker() -> float:
        for _ in range(100_000):
            await asyncio.sleep(0.1)
        return asyncio.get_running_loop().time()

    assert run_virtual(ticker()) == 10_000.0


def test_time_stands_still_while_real_work_is_under_way() -> None:
    work: concurrent.futures.Future[str] = concurrent.futures.Future()

    async def waits() -> tuple[str, float]:
        await asyncio.sleep(5)
        threading.Timer(0.01, work.set_result, ["done"]).start()
        asyncio.get_running_loop().call_later(0.001, work.cancel)  # would come first if time went on
        return await finished(work, "the work"), asyncio.get_running_loop().time()

    assert run_virtual(waits()) == ("done", 5.0)


def test_a_hold_that_never_ends_names_who_holds() -> None:
    async def waits() -> None:
        await finished(concurrent.futures.Future(), "the fit of phone-7")

    with pytest.raises(HeldTooLong, match=r"waiting for the fit of phone-7"):
        run_virtual(waits(), patience_s=0.01)


def test_an_error_of_the_work_reaches_who_waits() -> None:
    work: concurrent.futures.Future[str] = concurrent.futures.Future()
    work.set_exception(TimeoutError("the work's own"))

    async def waits() -> None:
        await finished(work, "the work")

    with pytest.raises(TimeoutError, match="the work's own"):
        run_virtual(waits())


def test_a_world_in_which_nothing_will_ever_happen_says_who_waits() -> None:
    async def waits() -> None:
        waiter = asyncio.create_task(asyncio.Event().wait(), name="watch-1/live")
        await waiter

    with pytest.raises(HeldTooLong, match="watch-1/live"):
        run_virtual(waits(), patience_s=0.01)


def test_a_thread_may_bring_news_to_a_world_that_waits() -> None:
    async def waits() -> str:
        loop = asyncio.get_running_loop()
        news: asyncio.Future[str] = loop.create_future()
        threading.Timer(0.01, lambda: loop.call_soon_threadsafe(news.set_result, "news")).start()
        return await news

    assert run_virtual(waits(), patience_s=10) == "news"


def test_an_ordinary_loop_waits_for_real_work_too() -> None:
    work: concurrent.futures.Future[str] = concurrent.futures.Future()

    async def waits() -> str:
        threading.Timer(0.01, work.set_result, ["done"]).start()
        return await finished(work, "the work")

    assert asyncio.run(waits()) == "done"


def test_who_asks_for_the_end_is_heard_between_two_events() -> None:
    lived: list[float] = []

    async def ticker() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        with interruptible(loop) as asked:
            while not asked.done():
                await asyncio.sleep(1)
                lived.append(loop.time())
                if len(lived) == 3:
                    signal.raise_signal(signal.SIGTERM)

    run_virtual(ticker())

    assert lived[2:] in ([3.0], [3.0, 4.0])  # the next event may be under way already


def test_who_asks_twice_does_not_wait_for_what_is_under_way() -> None:
    async def stuck() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        with interruptible(loop):
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run_virtual(stuck())


def test_whoever_waits_for_a_moment_between_two_microseconds_does_not_wait_for_ever() -> None:
    moment_s = 10.0 + 1e-7 + 2 / 3
    looks: list[float] = []

    async def life() -> None:
        loop = asyncio.get_running_loop()
        while loop.time() < moment_s:
            looks.append(loop.time())
            assert len(looks) < 10
            due = loop.create_future()
            loop.call_at(moment_s, due.set_result, None)
            await due

    run_virtual(life())

    assert len(looks) <= 2
