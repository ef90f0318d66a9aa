"""The time that passes in an app's thread: `time.sleep` and its like, virtual there and real everywhere else.

Flower's strategies ask the `time` module, not an event loop: they poll with ``time.sleep(1)`` and
measure deadlines with ``time.time()``. So those functions are replaced once, by functions that look
at who is asking. A thread that never entered a `ServerClock` notices nothing; nor do threads that a
server starts itself. (``datetime.now`` cannot be replaced so: the grid stamps messages anew, and the modules of a
guest get a `datetime` of their own, `aggregator.dates`.)
"""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

_REAL: dict[str, Callable[..., Any]] = {
    "sleep": time.sleep,  # noqa: TID251  # the real ones, for all other threads
    "time": time.time,  # noqa: TID251  # likewise
    "time_ns": time.time_ns,
    "monotonic": time.monotonic,
    "perf_counter": time.perf_counter,
}


class ServerClock(Protocol):
    """Where a server's thread gets its time from."""

    def now_s(self) -> float:
        """Return the seconds of life since the start."""

    def unix_s(self, *, seen: bool) -> float:
        """Return the virtual date as Unix time; *seen*: it is the strategy that looks, not a log."""

    def sleep(self, seconds: float) -> None:
        """Let life go on for *seconds*."""


_clocks: dict[int, ServerClock] = {}


@contextmanager
def lived_by(clock: ServerClock) -> Iterator[None]:
    """Let *clock* be this thread's time."""
    thread = threading.get_ident()
    _clocks[thread] = clock
    try:
        yield
    finally:
        del _clocks[thread]


def install() -> None:
    """Replace the functions in `time`, and where a module that was imported earlier holds them by name."""
    virtual: dict[str, Callable[..., Any]] = {
        "sleep": _sleep,
        "time": _time,
        "time_ns": _time_ns,
        "monotonic": _monotonic,
        "perf_counter": _perf_counter,
    }
    for module in list(sys.modules.values()):
        names = getattr(module, "__dict__", {})
        for name, function in virtual.items():
            if names.get(name) is _REAL[name]:
                setattr(module, name, function)


def _sleep(seconds: float) -> None:
    clock = _clocks.get(threading.get_ident())
    if clock is None:
        _REAL["sleep"](seconds)
    elif seconds < 0:
        raise ValueError("sleep length must be non-negative")
    else:
        clock.sleep(seconds)


def _time() -> float:
    clock = _clocks.get(threading.get_ident())
    if clock is None:
        return float(_REAL["time"]())
    return clock.unix_s(seen=sys._getframe(1).f_globals.get("__name__") != "logging")


def _time_ns() -> int:
    unix_s = unix_here()
    return int(_REAL["time_ns"]()) if unix_s is None else round(unix_s * 1e9)


def _monotonic() -> float:
    clock = _clocks.get(threading.get_ident())
    return float(_REAL["monotonic"]()) if clock is None else clock.now_s()


def _perf_counter() -> float:
    clock = _clocks.get(threading.get_ident())
    return float(_REAL["perf_counter"]()) if clock is None else clock.now_s()


def unix_here() -> float | None:
    """Return this thread's virtual date as Unix time; None where time is real."""
    clock = _clocks.get(threading.get_ident())
    return None if clock is None else clock.unix_s(seen=True)
