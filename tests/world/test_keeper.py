"""The keeper: what dies is started again, and what dies at once again and again is not."""

import queue
import threading

import pytest

from broker.errors import UsageError
from fleetbeat import keeper
from fleetbeat.keeper import MOST_IN_A_ROW, kept


class Fragile:
    """Dies whenever a test says so, or as soon as it lives."""

    def __init__(self, *, stillborn: bool = False, refuses: int = 0) -> None:
        self.is_running = not stillborn
        self.started = 0
        self.news = threading.Event()
        self._stillborn = stillborn
        self._refuses = refuses

    def die(self) -> None:
        self.news.clear()
        self.is_running = False

    def start_again(self) -> None:
        if self._refuses:
            self._refuses -= 1
            raise UsageError("the port is taken")
        self.started += 1
        self.is_running = not self._stillborn
        self.news.set()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "LOOK_EVERY_WALL_S", 0.005)


def nobody_is_told(words: str) -> None:
    raise AssertionError(words)


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def test_what_dies_is_started_again_with_one_line_each_time(caplog: pytest.LogCaptureFixture) -> None:
    broker, superlink = Fragile(), Fragile()
    with kept({"the broker": broker, "the SuperLink": superlink}, nobody_is_told):
        for _ in range(3):
            broker.die()
            assert broker.news.wait(10.0)

    assert (broker.started, superlink.started) == (3, 0)
    assert all(line.startswith("the broker died and was started again, which took") for line in lines(caplog))
    assert len(lines(caplog)) == 3


def test_what_does_not_start_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    broker = Fragile(refuses=2)
    with kept({"the broker": broker}, nobody_is_told):
        broker.die()
        assert broker.news.wait(10.0)

    assert lines(caplog)[:2] == ["the broker died and does not start: the port is taken"] * 2


def test_what_dies_at_once_again_and_again_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    told: queue.Queue[str] = queue.Queue()
    broker = Fragile(stillborn=True)
    with kept({"the SuperLink": Fragile(), "the broker": broker}, told.put):
        words = told.get(timeout=10.0)

    assert broker.started == MOST_IN_A_ROW
    assert words == "the broker died 6 times, each time soon after it was started: it is not started any more"
    assert lines(caplog)[-1] == words


def test_what_ends_with_the_block_stays_ended() -> None:
    broker = Fragile()
    with kept({"the broker": broker}, nobody_is_told):
        pass
    broker.die()

    assert not broker.news.wait(0.05)
