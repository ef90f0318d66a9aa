"""Turns: a server's thread and the event loop, of which exactly one runs at any time.

While the thread thinks, the loop's thread is blocked and virtual time stands still; the thread gives
the turn back by waiting for something, and gets it again when that has come. So a strategy written
with blocking calls lives in virtual time, and everything happens in one order only.
"""

import asyncio
import concurrent.futures
import queue
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from broker.errors import HeldTooLong, RunEnded

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class _Given:
    """The turn goes to the thread: with what it waited for, or with an error to raise there."""

    answer: Any = None
    error: BaseException | None = None


class Done(Generic[Answer]):
    """What has come, for a thread that waits; only the first word counts. To be called on the loop."""

    def __init__(self, give: Callable[[_Given], None]) -> None:
        self._give: Callable[[_Given], None] | None = give

    def __call__(self, answer: Answer) -> None:
        """Give the thread its turn, with *answer*."""
        self._say(_Given(answer))

    def failed(self, error: BaseException) -> None:
        """Give the thread its turn, with an *error* to raise."""
        self._say(_Given(error=error))

    def _say(self, given: _Given) -> None:
        give, self._give = self._give, None
        if give is not None:
            give(given)


Arm = Callable[[Done[Any]], object]
Hold = Callable[["concurrent.futures.Future[Arm | None]", str], Arm | None]
"""Blocks the loop's thread until the future is done; raises HeldTooLong, naming the second argument, if it never is."""

FAREWELL_S = 30.0
"""Wall seconds that a thread may take to end once it was told to."""
_REMINDERS = 3
"""A thread that goes on after so many RunEnded (it catches every Exception) is ended by SystemExit."""


class Turns:
    """Runs one function in a named daemon thread, in turns with *loop*."""

    def __init__(self, loop: asyncio.AbstractEventLoop, hold: Hold, name: str) -> None:
        self.loop = loop
        self._hold = hold
        self._name = name
        self._thread: threading.Thread | None = None
        self._to_thread: queue.SimpleQueue[_Given] = queue.SimpleQueue()
        self._back: concurrent.futures.Future[Arm | None] = concurrent.futures.Future()
        self._outcome: asyncio.Future[None] = loop.create_future()
        self._failure: BaseException | None = None
        self._ending: BaseException | None = None
        self._reminders = 0
        self._task: asyncio.Task[Any] | None = None

    @property
    def alive(self) -> bool:
        """Whether the thread has begun and not ended."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, function: Callable[[], None]) -> "asyncio.Future[None]":
        """Give *function* its first turn as soon as the loop gets to it; the future is what it comes to.

        Its exceptions arrive there, and HeldTooLong if it thinks for too long.
        """
        self._thread = threading.Thread(target=self._run, args=(function,), name=self._name, daemon=True)
        self.loop.call_soon(self._listen, self._thread.start)
        return self._outcome

    def end(self, error: BaseException | None = None) -> None:
        """End the thread wherever it is (called on the loop's side): its wait raises *error*, by default RunEnded.

        Raises HeldTooLong if it does not end.
        """
        self._ending = error or RunEnded("the run is over")
        thread = self._thread
        if thread is None or not thread.is_alive():
            if not self._outcome.done():
                self._outcome.cancel()
            return
        if self._task is not None:
            self._task.cancel()
        self._to_thread.put(_Given(error=self._ending))
        thread.join(FAREWELL_S)
        if thread.is_alive():
            raise HeldTooLong(f"{self._name} was told to end and still thinks after {FAREWELL_S:.0f} s")
        self._finish()

    def wait(self, arm: Callable[[Done[Answer]], object]) -> Answer:
        """From the thread: have *arm* called on the loop with a ``done``, and wait for what that is given."""
        if threading.current_thread() is not self._thread:
            raise RuntimeError(
                f"{threading.current_thread().name} called the grid, which only {self._name} may: nobody can wait for "
                "threads that an app starts by itself; call the grid from the thread of the ServerApp"
            )
        self._remind()
        self._back.set_result(arm)
        given = self._to_thread.get()
        if given.error is not None:
            self._remind()
            raise given.error
        answer: Answer = given.answer
        return answer

    def run(self, work: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer:
        """From the thread: have the coroutine *work* run on the loop, and wait for what it comes to."""

        def arm(done: Done[asyncio.Task[Answer]]) -> None:
            self._task = self.loop.create_task(work(), name=f"{self._name} waits")
            self._task.add_done_callback(done)

        return self.wait(arm).result()

    def _remind(self) -> None:
        """Raise if the thread must end: RunEnded first, later what no `except Exception` catches."""
        if self._ending is None:
            return
        self._reminders += 1
        if self._reminders > _REMINDERS:
            raise SystemExit from self._ending
        raise self._ending

    def _run(self, function: Callable[[], None]) -> None:
        try:
            function()
        except BaseException as failure:  # whatever it is, the loop's side has to hear of it
            self._failure = failure
        finally:
            if not self._back.done():
                self._back.set_result(None)

    def _give(self, given: _Given) -> None:
        """Give the turn to the thread, and stand still until it comes back."""
        if self._ending is None:
            self._listen(lambda: self._to_thread.put(given))

    def _listen(self, go: Callable[[], None]) -> None:
        """Let the thread run from *go* on; do what it waits for; go on at once if that has already come."""
        try:
            while True:
                self._back = concurrent.futures.Future()
                go()
                arm = self._hold(self._back, self._name)
                if arm is None:
                    self._finish()
                    return
                given = self._armed(arm)
                if given is None:
                    return
                go = _putting(self._to_thread, given)
        except Exception as error:  # this runs as a callback of the loop: nobody above could catch it
            if not self._outcome.done():
                self._outcome.set_exception(error)

    def _armed(self, arm: Arm) -> _Given | None:
        """Call *arm*; return what to give if it is there at once, or None if it will be given later."""
        at_once: list[_Given] = []
        later = False

        def give(given: _Given) -> None:
            if later:
                self.loop.call_soon(self._give, given)
            else:
                at_once.append(given)

        done: Done[Any] = Done(give)
        try:
            arm(done)
        except Exception as error:  # it happened on the thread's behalf: it travels there
            done.failed(error)
        later = True
        return at_once[0] if at_once else None

    def _finish(self) -> None:
        """Tell what the thread came to."""
        if self._outcome.done():
            return
        if self._failure is None:
            self._outcome.set_result(None)
        elif isinstance(self._failure, Exception):
            self._outcome.set_exception(self._failure)
        else:
            self._outcome.set_exception(RunEnded(f"{self._name} ended with {self._failure!r}"))


def _putting(to_thread: "queue.SimpleQueue[_Given]", given: _Given) -> Callable[[], None]:
    return lambda: to_thread.put(given)
