"""An alarm clock: waits until a moment of life, unless somebody rings first."""

import asyncio
import math

MICROSECONDS = 1_000_000


class Alarm:
    """One waiter at a time; a ring that finds nobody waiting is kept for the next who does."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._ring: str | None = None

    async def until(self, moment_s: float) -> str | None:
        """Wait until the loop's time is *moment_s* or just after; return None then, or at once what was rung."""
        if self._ring is None:
            if self._loop is None:  # asked once: before Python 3.12 every answer costs a system call
                self._loop = asyncio.get_running_loop()
            loop = self._loop
            self._waiter = loop.create_future()
            handle = loop.call_at(_not_before(moment_s), _wake, self._waiter)
            try:
                await self._waiter
            finally:
                handle.cancel()
                self._waiter = None
        rung, self._ring = self._ring, None
        return rung

    def ring(self, why: str) -> None:
        """Wake the waiter; of several rings before it wakes, the first says why."""
        if self._ring is None:
            self._ring = why
        if self._waiter is not None:
            _wake(self._waiter)


def _not_before(moment_s: float) -> float:
    """Return the first whole microsecond from *moment_s* on: the clock counts those, and nobody may wake too early."""
    ticks = math.ceil(moment_s * MICROSECONDS)
    return (ticks + 1 if ticks / MICROSECONDS < moment_s else ticks) / MICROSECONDS


def _wake(waiter: "asyncio.Future[None]") -> None:
    if not waiter.done():
        waiter.set_result(None)
