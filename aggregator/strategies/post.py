"""The post: tasks out and answers in without blocking, for strategies that do not wait for everybody.

It needs nothing but a Grid of Flower's, and uses what the Grid offers beyond that.
"""

import math
import time
from collections.abc import Collection, Iterable, Sequence

from flwr.app import Message
from flwr.serverapp import Grid

from aggregator.strategies.capabilities import Accounting, Timekeeping, Unwanted

POLL_S = 3.0
"""Flower's own Grid looks for replies at this rhythm."""
GRACE_S = 60.0
"""A task lives so much longer than its deadline: what comes just before it is still there when somebody looks."""


class Post:
    """What a strategy does with its tasks. Moments are seconds of life, on a plain SuperLink seconds of the wall."""

    def __init__(self, grid: Grid) -> None:
        self._grid = grid

    def now_s(self) -> float:
        """Return the time: only differences mean something."""
        return self._grid.now_s() if isinstance(self._grid, Timekeeping) else time.monotonic()

    def send(self, messages: Sequence[Message]) -> dict[str, Message]:
        """Lay tasks at their nodes; return them by id, without those whose nodes are gone."""
        if not messages:
            return {}
        ids = self._grid.push_messages(messages)
        return {task_id: message for task_id, message in zip(ids, messages, strict=False) if task_id}

    def pull(self, task_ids: Collection[str]) -> list[Message]:
        """Take what has come."""
        return list(self._grid.pull_messages(list(task_ids))) if task_ids else []

    def rest(self, task_ids: Collection[str], until_s: float) -> None:
        """Wait until pulling may give something, at the latest until *until_s*."""
        if isinstance(self._grid, Timekeeping):
            self._grid.await_replies(task_ids, until_s)
        else:
            left_s = until_s - self.now_s()
            time.sleep(min(POLL_S, max(0.0, left_s)) if left_s < math.inf else POLL_S)  # noqa: TID251  # a plain Grid's time is the thread's

    def overdue(self, task_ids: Iterable[str], *, kept: bool) -> None:
        """Say that these were not answered by the deadline; *kept*: an update that still comes will be used."""
        if isinstance(self._grid, Accounting):
            self._grid.overdue(task_ids, kept=kept)

    def dismiss(self, task_ids: Iterable[str], reason: Unwanted) -> None:
        """Say that nothing is wanted of these any more."""
        if isinstance(self._grid, Accounting):
            self._grid.dismiss(task_ids, reason)
