"""Errands: the tasks that a live server has at nodes of other processes, and what comes back from them."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from flwr.app import Message

from aggregator.desk import Desk
from aggregator.flower import Run
from aggregator.roll import Roll
from aggregator.tasks import Label
from aggregator.wall import LiveTime


class Road(Protocol):
    """What is needed of the grid behind: any of Flower's has it."""

    def set_run(self, run: Run) -> None:
        """Remember the run."""

    @property
    def run(self) -> Run:
        """The run, a copy."""

    def get_node_ids(self) -> Iterable[int]:
        """Return the nodes that the SuperLink calls online."""

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        """Lay tasks at nodes and return their ids."""

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        """Return what has come."""


@dataclass(frozen=True, slots=True)
class Errand:
    """A task that went to a node of another process; *task_id* is empty until the SuperLink has given one."""

    task_id: str
    device: str
    node_id: int
    label: Label


class Errands:
    """Sends tasks and fetches replies, and tells the desk of each. Moments are seconds of life."""

    def __init__(self, road: Road, roll: Roll, time: LiveTime, desk: Desk) -> None:
        self._road = road
        self._roll = roll
        self._time = time
        self._desk = desk
        self._open: dict[str, Errand] = {}
        self._overdue: dict[str, Errand] = {}
        self._answered: dict[str, Errand] = {}

    def online(self) -> Sequence[int]:
        """Return the nodes that the SuperLink calls online and that have a name, in one order."""
        return self._roll.call(self._road.get_node_ids(), self._time.now_s())

    def send(self, messages: Sequence[Message], asked: Callable[[Iterable[Label]], None]) -> Sequence[Errand]:
        """Tell who is selected and, *asked*, for what; then lay the tasks there: nobody hears of a work before that."""
        if not messages:
            return []
        online, now_s = self.online(), self._time.now_s()
        errands = [
            Errand("", self._roll.name(message.metadata.dst_node_id), message.metadata.dst_node_id, label)
            for message, label in zip(messages, self._desk.labels(messages), strict=True)
        ]
        asked(errand.label for errand in errands)
        self._desk.asked(errands, len(online), len(self._roll.ready()), now_s)
        ids = self._laid(messages)
        errands = [replace(errand, task_id=task_id) for errand, task_id in zip(errands, ids, strict=True)]
        self._open.update({errand.task_id: errand for errand in errands if errand.task_id})
        self._desk.gone([errand for errand in errands if not errand.task_id], self._time.now_s())
        return errands

    def fetch(self, task_ids: Collection[str]) -> list[Message]:
        """Return what has come for *task_ids*, by node; what nobody waits for any more is only written down."""
        wanted = [task_id for task_id in (*task_ids, *self._overdue) if task_id]
        if not wanted:
            return []
        pulled, now_s = list(self._road.pull_messages(wanted)), self._time.now_s()
        answers, others = [], []
        for message in pulled:
            task_id = message.metadata.reply_to_message_id
            if (late := self._overdue.pop(task_id, None)) is not None:
                self._desk.came(late, message, now_s)
            elif (errand := self._open.pop(task_id, None)) is not None:
                self._answered[task_id] = errand
                answers.append((errand, message))
            else:
                others.append(message)
        answers.sort(key=lambda answer: self._roll.place(answer[0].node_id))
        self._desk.seen(answers, now_s)
        return [*others, *(message for _, message in answers)]

    def end(self, label: Label, left: Collection[str]) -> None:
        """Wait for nobody any more; those *left* did not answer in time."""
        overdue = {task_id: self._open.pop(task_id) for task_id in left}
        self._overdue.update(overdue)
        self._desk.ended(label, overdue.values(), self._time.now_s())

    def overdue(self, task_ids: Iterable[str], *, kept: bool) -> None:
        """The strategy says that the deadline of these is over; *kept*: it will use their updates all the same."""
        errands = {task_id: self._open[task_id] for task_id in task_ids if task_id in self._open}
        self._desk.overdue(errands.values(), self._time.now_s(), kept=kept)
        if not kept:
            self._forget(errands)

    def dismiss(self, task_ids: Iterable[str], reason: str) -> None:
        """The strategy wants nothing of these any more."""
        ids = list(task_ids)
        answered = [self._answered[task_id] for task_id in ids if task_id in self._answered]
        errands = {task_id: self._open[task_id] for task_id in ids if task_id in self._open}
        self._desk.turned_down(answered, reason, self._time.now_s())
        self._desk.let_go(errands.values(), reason, self._time.now_s())
        self._forget(errands)

    def _forget(self, errands: dict[str, Errand]) -> None:
        for task_id in errands:
            del self._open[task_id]
        self._overdue.update(errands)

    def _laid(self, messages: Sequence[Message]) -> Sequence[str]:
        """Give the tasks to the SuperLink, which counts the wall's seconds, and return their ids."""
        given_s = [message.metadata.ttl for message in messages]
        for message in messages:
            message.metadata.ttl = self._time.pace.wall_s(message.metadata.ttl)
        try:
            ids = list(self._road.push_messages(messages))
        finally:
            for message, ttl_s in zip(messages, given_s, strict=True):
                message.metadata.ttl = ttl_s
        return ids or [""] * len(messages)  # Flower's grid returns nothing at all when the message is too large
