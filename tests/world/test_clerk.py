"""The clerk: hands a run in again when its server died, and says how it ended when nobody else does."""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from broker import events as ev
from fleetbeat import clerk
from fleetbeat.clerk import MOST_IN_A_ROW, Clerk
from fleetbeat.live_app import RESUMES
from fleetbeat.submission import Connection, Standing, SuperLinkAway, SuperLinkRefused

RUNNING, COMPLETED = Standing("running", ""), Standing("finished:completed", "")
STOPPED = Standing("finished:stopped", "")
DIED = Standing("finished:failed", "No heartbeat received from the task")
RAISED = Standing("finished:failed", "ServerApp failed with exception: nobody told the time")


@dataclass
class FakeFlower:
    """A SuperLink that says what it is told to, to whoever asks; the last word again and again."""

    words: list[Standing | type[SuperLinkRefused] | None] = field(default_factory=lambda: [RUNNING])
    handed_in: list[Mapping[str, Any]] = field(default_factory=list)
    stopped: int = 0

    def submit(self, _connection: Connection, settings: Mapping[str, Any], _said: Mapping[str, Any]) -> "FakeRun":
        self.handed_in.append(settings)
        return FakeRun(self, len(self.handed_in))


@dataclass
class FakeRun:
    flower: FakeFlower
    run_id: int

    def status(self) -> Standing | None:
        words = self.flower.words
        word = words.pop(0) if len(words) > 1 else words[0]
        if isinstance(word, type):
            raise word("away")
        return word

    def stop(self) -> None:
        self.flower.stopped += 1


class Office:
    """Hears how the run ended, and keeps the clerk."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.ends: list[tuple[str, str]] = []
        self.ended = threading.Event()
        self.clerk: Clerk

    def end(self, cause: str, reason: str) -> None:
        self.ends.append((cause, reason))
        self.ended.set()


@pytest.fixture
def flower(monkeypatch: pytest.MonkeyPatch) -> FakeFlower:
    fake = FakeFlower()
    monkeypatch.setattr(clerk, "submit", fake.submit)
    for name in ("LOOK_EVERY_WALL_S", "LISTENS_EVERY_WALL_S", "LAST_WORDS_WALL_S", "LATE_WORDS_WALL_S"):
        monkeypatch.setattr(clerk, name, 0.01)
    return fake


@pytest.fixture
def office(unused_tcp_port: int) -> Iterator[Callable[[], Office]]:
    opened: list[Office] = []

    def opens() -> Office:
        office = Office()
        connection = Connection(f"127.0.0.1:{unused_tcp_port}", insecure=True)
        office.clerk = Clerk(connection, {"fleet": "household"}, {}, office.said.append, office.end)
        opened.append(office)
        return office

    yield opens
    for one in opened:
        one.clerk.close()


def until(claim: Callable[[], bool]) -> None:
    never = threading.Event()
    for _ in range(1_000):
        if claim():
            return
        never.wait(0.01)
    pytest.fail("not within ten seconds")


def test_a_run_that_its_superlink_forgot_is_handed_in_again_and_goes_on(
    flower: FakeFlower, office: Callable[[], Office]
) -> None:
    flower.words = [RUNNING, None, RUNNING]

    here = office()
    until(lambda: len(flower.handed_in) == 2)

    assert [settings.get(RESUMES) for settings in flower.handed_in] == [None, True]
    assert len([line for line in here.said if "handed in again" in line]) == 1
    assert here.ends == []


def test_a_server_that_died_without_a_word_is_replaced(flower: FakeFlower, office: Callable[[], Office]) -> None:
    flower.words = [DIED, RUNNING]

    office()

    until(lambda: len(flower.handed_in) == 2)


def test_a_server_that_was_stopped_by_somebody_is_not(flower: FakeFlower, office: Callable[[], Office]) -> None:
    here = office()
    until(lambda: bool(flower.handed_in))
    flower.words = [STOPPED]
    here.clerk.heard(ev.ServerEnded(5.0, None, "stopped", "the run was stopped at the SuperLink"))

    assert here.ended.wait(10.0)
    assert here.ends == [("stopped", "the run was stopped at the SuperLink")]
    assert len(flower.handed_in) == 1


def test_what_the_app_raised_is_the_end_of_the_run(flower: FakeFlower, office: Callable[[], Office]) -> None:
    flower.words = [RAISED]

    here = office()

    assert here.ended.wait(10.0)
    assert here.ends == [("failed", RAISED.details)]


def test_a_run_whose_servers_die_again_and_again_is_given_up(flower: FakeFlower, office: Callable[[], Office]) -> None:
    flower.words = [None]

    here = office()

    assert here.ended.wait(10.0)
    assert len(flower.handed_in) == 1 + MOST_IN_A_ROW
    assert "died 5 times and ended no round in between" in here.ends[0][1]


def test_rounds_that_end_in_between_show_that_all_is_well(flower: FakeFlower, office: Callable[[], Office]) -> None:
    here = office()
    for number in range(2 * MOST_IN_A_ROW):
        until(lambda number=number: len(flower.handed_in) == number + 1)  # type: ignore[misc]  # mypy: lambda defaults
        here.clerk.heard(ev.RoundEnded(1.0, None, number + 1))
        flower.words = [None, RUNNING]

    until(lambda: len(flower.handed_in) == 2 * MOST_IN_A_ROW + 1)
    assert here.ends == []


def test_who_said_itself_how_it_ended_is_not_asked_again(flower: FakeFlower, office: Callable[[], Office]) -> None:
    here = office()
    until(lambda: bool(flower.handed_in))
    here.clerk.heard(ev.ServerEnded(5.0, None, "rounds_done", ""))
    flower.words = [COMPLETED]
    here.clerk.close()

    assert (here.ends, len(flower.handed_in), flower.stopped) == ([], 1, 0)


def test_a_superlink_that_is_away_is_waited_for(flower: FakeFlower, office: Callable[[], Office]) -> None:
    flower.words = [SuperLinkAway]

    here = office()
    here.clerk.close()

    assert here.ends == []


def test_a_run_that_cannot_be_followed_any_more_is_stopped(flower: FakeFlower, office: Callable[[], Office]) -> None:
    flower.words = [RUNNING, SuperLinkRefused]

    here = office()

    assert here.ended.wait(10.0)
    assert (here.ends, flower.stopped) == ([("failed", "away")], 1)
