"""The live clock: an event loop whose time is life's, running *speed* times as fast as the wall's.

Agents live on it and cannot tell it from the virtual one. It has no sockets: those live on ordinary loops in threads
of their own, so that life runs faster and the wires do not.
"""

import asyncio
import selectors
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from broker.pace import Pace
from fleetbeat.real_selector import RealSelector

Result = TypeVar("Result")


def wall_unix_s() -> float:
    """Return the wall's date in seconds: where life meets the wall."""
    return time.time()  # noqa: TID251  # the one place


class _Slow(RealSelector):
    """A selector that is asked to wait in life's seconds and waits in the wall's."""

    def __init__(self, speed: float) -> None:
        super().__init__()
        self._speed = speed

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return self.real.select(None if timeout is None else timeout / self._speed)


class LiveLoop(asyncio.SelectorEventLoop):
    """An event loop that counts seconds of life since the pace's t_s = 0.

    The wall's date is asked once, at the start; from then on a monotonic clock counts, so that somebody who sets the
    date moves nobody's life.
    """

    def __init__(self, pace: Pace, unix_time: Callable[[], float] = wall_unix_s) -> None:
        self.pace = pace
        self._born_s = pace.life_s(unix_time())
        self._mark_s = time.monotonic()
        super().__init__(_Slow(pace.speed))

    def time(self) -> float:
        """Return the seconds of life."""
        return self._born_s + (time.monotonic() - self._mark_s) * self.pace.speed


def run_live(pace: Pace, life: Coroutine[Any, Any, Result]) -> Result:
    """Run *life* at *pace* and return what it returns."""
    with asyncio.Runner(loop_factory=lambda: LiveLoop(pace)) as runner:
        return runner.run(life)
