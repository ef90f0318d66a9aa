import asyncio
import threading
from collections.abc import Iterator
from functools import partial

import pytest

from broker.crossing import Crossing


@pytest.fixture
def crossing() -> Iterator[Crossing]:
    made = Crossing("wire under test")
    yield made
    made.stop()


def test_calls_are_made_on_another_thread_in_the_order_given(crossing: Crossing) -> None:
    made: list[int] = []
    threads: set[str] = set()

    def call(number: int) -> None:
        made.append(number)
        threads.add(threading.current_thread().name)

    async def last() -> None:
        call(100)

    for number in range(100):
        crossing.post(partial(call, number))
    crossing.ask(last, in_turn=True).result(5)

    assert made == list(range(101))
    assert threads == {"wire under test"}


def test_work_in_turn_holds_up_what_comes_after_it(crossing: Crossing) -> None:
    done: list[str] = []

    async def slow() -> None:
        for _ in range(10):
            await asyncio.sleep(0)
        done.append("slow")

    async def quick() -> None:
        done.append("quick")

    crossing.ask(slow, in_turn=True)
    crossing.ask(quick, in_turn=True).result(5)

    assert done == ["slow", "quick"]


def test_work_out_of_turn_holds_up_nobody(crossing: Crossing) -> None:
    gate = asyncio.Event()

    async def waits() -> str:
        await gate.wait()
        return "at last"

    async def opens() -> None:
        gate.set()

    waiting = crossing.ask(waits, in_turn=False)
    crossing.ask(opens, in_turn=True).result(5)

    assert waiting.result(5) == "at last"


def test_who_asks_hears_what_went_wrong(crossing: Crossing) -> None:
    async def fail() -> None:
        raise ValueError("no such star")

    with pytest.raises(ValueError, match="no such star"):
        crossing.ask(fail, in_turn=True).result(5)


def test_a_call_that_fails_ends_no_others(crossing: Crossing, caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise ValueError("no such star")

    async def go_on() -> str:
        return "still here"

    crossing.post(fail)

    assert crossing.ask(go_on, in_turn=True).result(5) == "still here"
    assert "a call on the wire failed" in caplog.text


def test_whoever_still_waits_when_it_ends_is_not_left_waiting() -> None:
    crossing = Crossing("short-lived")
    begun = threading.Event()

    async def never() -> None:
        begun.set()
        await asyncio.Event().wait()

    answer = crossing.ask(never, in_turn=False)
    begun.wait(5)
    crossing.stop()

    assert isinstance(answer.exception(5), asyncio.CancelledError)
