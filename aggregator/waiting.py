"""Waiting for replies as Flower's HttpGrid does: pull, sleep, pull again, until all are here or time is up.

Only pulls that find something are made. The SuperLink says when pulling a task may give something; that
moment is put off to the next pull of the rhythm.
"""

import asyncio
import heapq
import math
from collections.abc import Callable, Iterable, Sequence

from aggregator.superlink import SuperLink
from aggregator.tasks import Reply, Task
from aggregator.turns import Done

_SLACK = 1e-9
"""Of a poll interval: so that a moment on the rhythm is not pushed to the next one by rounding."""

Seen = Callable[[Sequence[Reply], float], None]


class Waiting:
    """One ``send_and_receive``: lives on the loop, ends by calling ``done`` with the replies in the order seen."""

    def __init__(self, superlink: SuperLink, loop: asyncio.AbstractEventLoop, poll_s: float, seen: Seen) -> None:
        """Prepare; *poll_s* = 0 means to see each reply the moment it comes; *seen* is told what each pull gave."""
        self._superlink = superlink
        self._loop = loop
        self._poll_s = poll_s
        self._seen = seen
        self.left: dict[str, Task] = {}
        self._replies: list[Reply] = []
        self._bodies: list[Reply] = []
        self._coming: list[Reply] = []
        """Those of the bodies that may still be on their way; looked at from the end."""
        self._hints: list[tuple[float, int, Task]] = []
        self._hinted = 0
        self._base_s = self._end_s = 0.0
        self._polled_s = -math.inf
        self._planned_s = math.inf
        self._timer: asyncio.TimerHandle | None = None
        self._done: Done[list[Reply]] | None = None

    def begin(self, tasks: Iterable[Task], timeout_s: float | None, done: Done[list[Reply]]) -> None:
        """Wait for *tasks*, *timeout_s* at most (None: for ever); at 0 nothing is pulled, as in Flower."""
        now_s = self._base_s = self._loop.time()
        self._end_s = math.inf if timeout_s is None else now_s + timeout_s
        self._done = done
        self.left = {task.task_id: task for task in tasks}
        for task in self.left.values():
            self._hint(task, task.due_s(now_s))
        if self.left and self._end_s > now_s:
            self._plan()
        else:
            self._finish()

    def changed(self, task: Task, at_s: float) -> None:
        """Pulling *task* may give something from *at_s* on."""
        if task.task_id in self.left:
            self._hint(task, at_s)
        if self._done is not None:
            self._plan()

    def _hint(self, task: Task, at_s: float) -> None:
        if at_s < math.inf:
            self._hinted += 1
            heapq.heappush(self._hints, (at_s, self._hinted, task))

    def _plan(self) -> None:
        """Set the timer to the next moment at which there is something to do."""
        if self._bodies:
            at_s = self._whole_s()
        else:
            at_s = self._finish_s()
            if self._hints:
                at_s = min(at_s, self._poll_at_s(self._hints[0][0]))
        if at_s == self._planned_s:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._planned_s = at_s
        self._timer = self._loop.call_at(at_s, self._wake) if at_s < math.inf else None

    def _poll_at_s(self, at_s: float) -> float:
        """Return the first pull from *at_s* on."""
        if self._poll_s <= 0:
            return at_s
        polls = max(0, math.ceil((at_s - self._base_s) / self._poll_s - _SLACK))
        poll_s = self._base_s + polls * self._poll_s
        return poll_s if poll_s > self._polled_s else poll_s + self._poll_s

    def _finish_s(self) -> float:
        """Return when the time will be found to be up: HttpGrid looks only after each sleep."""
        return self._poll_at_s(self._end_s) if self._end_s < math.inf else math.inf

    def _whole_s(self) -> float:
        """Return when the bodies that a pull waits for are all here, or lost: while one still comes, nobody knows."""
        while self._coming:
            if _comes(self._coming[-1]):
                return math.inf
            self._coming.pop()
        self._coming = [reply for reply in self._bodies if _comes(reply)]  # an upload may have been taken up again
        missing = [reply.lost_s for reply in self._bodies if reply.message is None]
        return max((math.inf if lost_s is None else lost_s for lost_s in missing), default=self._loop.time())

    def _wake(self) -> None:
        self._timer, self._planned_s = None, math.inf
        try:
            self._look(self._loop.time())
        except Exception as error:  # a journal that cannot be written, say: the thread has to hear of it
            if self._done is not None:
                self._done.failed(error)

    def _look(self, now_s: float) -> None:
        if self._bodies:
            batch, self._bodies = self._bodies, []
            self._base_s = self._polled_s = now_s
        elif now_s >= self._finish_s():
            self._finish()
            return
        else:
            batch = self._pulled(now_s)
            self._polled_s = now_s
        if any(self._superlink.body_of(reply, now_s) is None for reply in batch):
            self._bodies, self._coming = batch, list(batch)
        elif batch:
            self._replies += batch
            self._seen(batch, now_s)
        if self.left or self._bodies:
            self._plan()
        else:
            self._finish()

    def _pulled(self, now_s: float) -> list[Reply]:
        """Return what one pull gives, in the order of arrival; only tasks with a hint can give anything."""
        batch = []
        while self._hints and self._hints[0][0] <= now_s:
            task = heapq.heappop(self._hints)[2]
            if task.task_id not in self.left:
                continue
            reply = self._superlink.take(task, now_s)
            if reply is not None:
                del self.left[task.task_id]
                batch.append(reply)
            elif (due_s := task.due_s(now_s)) > now_s:
                self._hint(task, due_s)  # it came back in time: what is left is its expiry
        return sorted(batch, key=lambda reply: reply.place)

    def _finish(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        done, self._done = self._done, None
        if done is not None:
            done(self._replies)


def _comes(reply: Reply) -> bool:
    return reply.message is None and reply.lost_s is None
