"""The crossing: an ordinary event loop in a thread of its own, and how work gets there in the order it was given.

Libraries that run timers and sockets live on that loop, so that the caller's clock may be virtual.
Calls pile up and cross together: one wake-up serves all that have come by then.
"""

import asyncio
import concurrent.futures
import logging
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeAlias, TypeVar

Result = TypeVar("Result")
Call: TypeAlias = Callable[[], Awaitable[None] | None]

_BREATH = 32
"""After so many calls in a row the sockets get their turn."""

_log = logging.getLogger(__name__)


class Crossing:
    """Makes calls one after the other on a loop of its own; one that returns an awaitable holds up those behind it."""

    def __init__(self, name: str) -> None:
        self.loop = asyncio.SelectorEventLoop()
        self._calls: deque[Call] = deque()
        self._more = asyncio.Event()
        self._posted = False
        self._given = 0
        self._done = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._serving: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def backlog(self) -> int:
        """Calls given and not yet finished; both sides may look."""
        return self._given - self._done

    def post(self, call: Call) -> None:
        """Have *call* made on the other side, after all those before it."""
        self._given += 1
        self._calls.append(call)
        if not self._posted:
            self._posted = True
            self.loop.call_soon_threadsafe(self._more.set)

    def ask(
        self, work: Callable[[], Coroutine[Any, Any, Result]], *, in_turn: bool
    ) -> "concurrent.futures.Future[Result]":
        """Start *work* on the other side after all calls before it; if *in_turn*, those behind it wait for its end."""
        answer: concurrent.futures.Future[Result] = concurrent.futures.Future()

        def start() -> Awaitable[None] | None:
            doing = _answer(work, answer)
            if in_turn:
                return doing
            task = self.loop.create_task(doing)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return None

        self.post(start)
        return answer

    def stop(self) -> None:
        """End the thread; calls not yet made are never made."""
        if self._thread.is_alive():
            self.loop.call_soon_threadsafe(self._end)
            self._thread.join()

    def _end(self) -> None:
        for task in (*self._tasks, self._serving):
            if task is not None:
                task.cancel()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self.loop) as runner:
            try:
                runner.run(self._serve())
            except asyncio.CancelledError:
                _log.debug("the crossing is closed")

    async def _serve(self) -> None:
        self._serving = asyncio.current_task()
        while True:
            await self._more.wait()
            self._more.clear()
            self._posted = False  # before the calls are read: what comes later wakes us again
            while self._calls:
                await self._make(self._calls.popleft())
                self._done += 1
                if not self._done % _BREATH:
                    await asyncio.sleep(0)

    async def _make(self, call: Call) -> None:
        try:
            more = call()
            if more is not None:
                await more
        except Exception:  # one call must not end the thread on which all others wait
            _log.exception("a call on the wire failed")


async def _answer(work: Callable[[], Coroutine[Any, Any, Result]], answer: "concurrent.futures.Future[Result]") -> None:
    if not answer.set_running_or_notify_cancel():
        return
    try:
        result = await work()
    except BaseException as error:  # whoever waits must hear of it, even that the thread ends
        answer.set_exception(error)
        if not isinstance(error, Exception):
            raise
    else:
        answer.set_result(result)
