"""The clock: an event loop whose time jumps when everybody sleeps and stands still while real work is under way.

Agents know ``asyncio.sleep`` and ``loop.time()`` and nothing else. On a `VirtualLoop` a week
passes as fast as its events can be handled. Real work (a fit in a worker process, the server's
thread, MQTT bytes on their way) takes no virtual time: whoever needs its result calls
`VirtualLoop.hold`, which blocks the loop's thread, and with it time, until the result is there.
"""

import asyncio
import concurrent.futures
import selectors
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

from broker.errors import HeldTooLong
from fleetbeat.real_selector import RealSelector

Result = TypeVar("Result")

PATIENCE_S = 300.0
"""Wall seconds that a hold may last: far above any fit, far below a night of CI."""

_MICROSECOND = 1e-6


class _Jump(RealSelector):
    """A selector that moves the clock to the next timer instead of waiting for it."""

    def __init__(self) -> None:
        super().__init__()
        self.loop: VirtualLoop | None = None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        loop = self.loop
        if loop is None:
            return []
        if loop.woken.is_set():  # another thread left a call for us: read it before time moves
            loop.woken.clear()
            return self.real.select(0)
        if timeout is None:
            return self._wait_for_a_thread(loop)
        if timeout > 0:
            loop.jump()
        return []

    def _wait_for_a_thread(self, loop: "VirtualLoop") -> list[tuple[selectors.SelectorKey, int]]:
        """Nothing is due, ever: only another thread can still bring news."""
        events = self.real.select(loop.patience_s)
        if not events:
            raise HeldTooLong(
                f"at t = {loop.time():.0f} s everything waits and nothing is due: "
                f"no news from another thread for {loop.patience_s:.0f} s; waiting: {loop.sleepers()}"
            )
        loop.woken.clear()
        return events


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in virtual time, counted in whole microseconds from 0 so that it never drifts.

    Sockets do not belong here: libraries that run real timers keep a loop of their own in another thread.
    """

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        self._now_us = 0
        self.patience_s = patience_s
        self.woken = threading.Event()
        jump = _Jump()
        super().__init__(jump)
        self._clock_resolution = _MICROSECOND
        jump.loop = self

    def time(self) -> float:
        """Return the seconds of life since the start."""
        return self._now_us / 1_000_000

    def jump(self) -> None:
        """Move on to the next timer, and always on: who compares the time with a moment must not wait for ever."""
        next_us = round(self._scheduled[0]._when * 1_000_000)  # type: ignore[attr-defined]  # asyncio's timer heap has no public door
        self._now_us = max(self._now_us + 1, next_us)

    def hold(self, work: "concurrent.futures.Future[Result]", who: str) -> Result:
        """Stand still until *work* is done and return its result.

        Raises HeldTooLong after `patience_s` wall seconds, naming *who* is to blame.
        """
        try:
            return work.result(timeout=self.patience_s)
        except TimeoutError:
            if work.done():
                raise
            raise HeldTooLong(
                f"the clock has stood still at t = {self.time():.0f} s for {self.patience_s:.0f} s, "
                f"waiting for {who}: it is stuck, dead, or much slower than it should be"
            ) from None

    def sleepers(self) -> str:
        """Name the tasks that are not done, for an error message."""
        names = sorted(task.get_name() for task in asyncio.all_tasks(self) if not task.done())
        return ", ".join(names[:8]) + (" …" if len(names) > 8 else "") if names else "nobody"

    def _write_to_self(self) -> None:
        self.woken.set()
        super()._write_to_self()  # type: ignore[misc]  # private, but the one place every thread passes


def run_virtual(life: Coroutine[Any, Any, Result], patience_s: float = PATIENCE_S) -> Result:
    """Run *life* from t = 0 in virtual time and return what it returns."""
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(patience_s)) as runner:
        return runner.run(life)


@contextmanager
def interruptible(loop: asyncio.AbstractEventLoop) -> Iterator["asyncio.Future[None]"]:
    """Give a future that is done once Ctrl-C or SIGTERM asked for the end: between two events, the world in order.

    Who asks twice does not want to wait for that: KeyboardInterrupt, wherever we are. Only in the main thread,
    where signals arrive.
    """
    asked = loop.create_future()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    signals: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        signals.append(number)
        if len(signals) > 1:
            raise KeyboardInterrupt
        loop.call_soon_threadsafe(asked.set_result, None)

    with _answered_by(stop):
        yield asked


@contextmanager
def undisturbed() -> Iterator[None]:
    """Pass over whoever asks for the end (see `interruptible`) in a block that ends it and takes no time."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    with _answered_by(signal.SIG_IGN):
        yield


@contextmanager
def _answered_by(handler: "Callable[[int, FrameType | None], None] | signal.Handlers") -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)
