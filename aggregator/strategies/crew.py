"""The crew: which devices are at work on which version of the model, and whom one may ask. Moments are seconds."""

from collections.abc import Iterable
from dataclasses import dataclass

from flwr.app import Message


@dataclass(frozen=True, slots=True)
class Task:
    """What a device is at work on: from which *version* it began, and when nobody waits for it any more."""

    node_id: int
    version: int
    overdue_s: float


class Crew:
    """Keeps nobody busy twice: not at the same time, not with the same version, and not right after a failure."""

    def __init__(self, rest_s: float) -> None:
        """*rest_s*: so long a device that failed is left alone."""
        self._rest_s = rest_s
        self.tasks: dict[str, Task] = {}
        self._asked: dict[int, int] = {}
        self._rests_until_s: dict[int, float] = {}

    def idle(self, nodes: Iterable[int], version: int, now_s: float) -> list[int]:
        """Return those of *nodes* that can be given *version* to work on."""
        busy = {task.node_id for task in self.tasks.values()}
        return [
            node_id
            for node_id in nodes
            if node_id not in busy
            and self._asked.get(node_id) != version
            and self._rests_until_s.get(node_id, now_s) <= now_s
        ]

    def begins(self, sent: dict[str, Message], version: int, overdue_s: float) -> None:
        """Tasks, by id, went to their nodes."""
        for task_id, message in sent.items():
            node_id = message.metadata.dst_node_id
            self.tasks[task_id] = Task(node_id, version, overdue_s)
            self._asked[node_id] = version

    def done(self, task_id: str) -> Task:
        """A device has delivered; it may go on with the next version."""
        return self.tasks.pop(task_id)

    def failed(self, task_id: str, now_s: float) -> None:
        """A device answered with an error, or is gone, or was too slow: it may be asked for the same again, later."""
        task = self.tasks.pop(task_id)
        self._asked.pop(task.node_id, None)
        self._rests_until_s[task.node_id] = now_s + self._rest_s

    def overdue(self, now_s: float) -> list[str]:
        """Return the tasks for which nobody waits any more."""
        return [task_id for task_id, task in self.tasks.items() if task.overdue_s <= now_s]

    def next_s(self) -> float:
        """Return when the next task is overdue; infinity if nobody is at work."""
        return min((task.overdue_s for task in self.tasks.values()), default=float("inf"))
