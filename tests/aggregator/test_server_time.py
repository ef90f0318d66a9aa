"""`time` is virtual in a server's thread and real in every other."""

import threading
import time
from time import monotonic, sleep  # noqa: TID251  # bound at import, as strategies do

import flwr.serverapp.strategy.strategy_utils as utils
import pytest

from aggregator import server_time


class Clock:
    """Stands at 100 s of life; remembers who slept and who looked."""

    def __init__(self) -> None:
        self.t_s = 100.0
        self.looks: list[bool] = []

    def now_s(self) -> float:
        return self.t_s

    def unix_s(self, *, seen: bool) -> float:
        self.looks.append(seen)
        return 1_767_636_000.0 + self.t_s

    def sleep(self, seconds: float) -> None:
        self.t_s += seconds


def test_a_thread_with_a_clock_sleeps_and_looks_there() -> None:
    clock = Clock()

    with server_time.lived_by(clock):
        time.sleep(3_600)  # noqa: TID251  # what a strategy does
        sleep(60)
        utils.sleep(1)  # type: ignore[attr-defined]  # bound by Flower at import

        assert time.monotonic() == monotonic() == 3_761.0
        assert time.time() == 1_767_639_761.0  # noqa: TID251  # what a strategy does


def test_other_threads_keep_real_time() -> None:
    seen: list[float] = []

    with server_time.lived_by(Clock()):
        other = threading.Thread(target=lambda: seen.append(time.time()))  # noqa: TID251  # to see that it is the real one
        other.start()
        other.join()

    assert abs(seen[0] - time.time()) < 60  # noqa: TID251  # likewise


def test_time_is_real_again_afterwards() -> None:
    clock = Clock()
    with server_time.lived_by(clock):
        pass

    sleep(0)

    assert clock.t_s == 100.0


def test_a_log_line_is_no_look_at_the_clock() -> None:
    clock = Clock()

    with server_time.lived_by(clock):
        import logging

        record = logging.LogRecord("strategy", logging.INFO, "x.py", 1, "hello", None, None)
        time.time()  # noqa: TID251  # a strategy looks

    assert record.created == 1_767_636_100.0
    assert clock.looks == [False, True]


def test_a_negative_sleep_is_refused_as_python_does() -> None:
    with server_time.lived_by(Clock()), pytest.raises(ValueError, match="non-negative"):
        sleep(-1)
