"""The time that passes in a server's thread: `time.sleep` and its like, virtual there and real everywhere else.

Flower's strategies ask the `time` module, not an event loop: they poll with ``time.sleep(1)`` and
measure deadlines with ``time.time()``. So those functions are replaced once, by functions that look
at who is asking. A thread that never entered a `ServerClock` notices nothing; nor do threads that a
server starts itself. (``datetime.now`` cannot be replaced: the grid stamps messages anew.)
"""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

_REAL: dict[str, Callable[..., Any]] = {"sleep": time.sleep, "time": time.time, "monotonic": time.monotonic}  # noqa: TID251  # the real ones, for all other threads


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
    virtual: dict[str, Callable[..., Any]] = {"sleep": _sleep, "time": _time, "monotonic": _monotonic}
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


def _monotonic() -> float:
    clock = _clocks.get(threading.get_ident())
    return float(_REAL["monotonic"]()) if clock is None else clock.now_s()
