"""The server's desk: who was asked in which round and phase, and what the journal hears of it."""

from collections.abc import Iterable, Sequence

from flwr.app import Message

from aggregator.flower import ErrorCode
from aggregator.tasks import Label, Laid
from broker import events as ev

PHASES = ("train", "evaluate")
"""What is accounted for; other message types (query, an app's own) pass without a word."""

_GIVEN_UP_FOR = {
    ErrorCode.NODE_UNAVAILABLE: "offline",
    ErrorCode.MESSAGE_UNAVAILABLE: "expired",
    ErrorCode.REPLY_MESSAGE_UNAVAILABLE: "expired",
}
"""Errors that the SuperLink makes, and what they say of the device."""


class Desk:
    """Labels what is sent, and records what comes of it. Moments are seconds of life."""

    def __init__(self, record: ev.Record) -> None:
        self._record = record
        self._pushes: dict[str, int] = {}
        self._overdue: set[str] = set()

    def labels(self, messages: Sequence[Message]) -> list[Label]:
        """Return round and phase of each message of one push: its ``server-round``, else the count of pushes."""
        kinds = {message.metadata.message_type.split(".")[0] for message in messages}
        for kind in kinds:
            self._pushes[kind] = self._pushes.get(kind, 0) + 1
        rounds: dict[tuple[int, str], Label] = {}
        labels = []
        for message in messages:
            kind = message.metadata.message_type.split(".")[0]
            key = (id(message.content), kind)
            if key not in rounds:
                told = _server_round(message)
                rounds[key] = Label(self._pushes[kind] if told is None else told, kind)
            labels.append(rounds[key])
        return labels

    def asked(self, tasks: Sequence[Laid], reachable: int, ready: int, now_s: float) -> None:
        """Tasks were laid at their nodes."""
        for label in dict.fromkeys(task.label for task in tasks):
            if label.phase not in PHASES:
                continue
            chosen = [task for task in tasks if task.label == label]
            self._record(ev.SelectionMade(now_s, None, label.round, label.phase, reachable, ready, len(chosen)))
            for task in chosen:
                self._record(ev.DeviceSelected(now_s, task.device, label.round, label.phase))

    def seen(self, answers: Iterable[tuple[Laid, Message]], now_s: float) -> None:
        """The strategy gets *answers* to its tasks."""
        for task, message in answers:
            round_, phase, device = task.label.round, task.label.phase, task.device
            if phase not in PHASES:
                continue
            self._overdue.discard(task.task_id)
            if not message.has_error():
                self._record(ev.ReplyReceived(now_s, device, round_, phase))
            elif message.metadata.src_node_id == task.node_id:
                error = message.error
                self._record(ev.ErrorReceived(now_s, device, round_, phase, error.code, error.reason or ""))
            else:
                cause = _GIVEN_UP_FOR.get(message.error.code, "offline")
                self._record(ev.DeviceGivenUp(now_s, device, round_, phase, cause))

    def ended(self, label: Label, overdue: Iterable[Laid], now_s: float) -> None:
        """The server waits for nobody any more; *overdue* did not answer by the deadline."""
        self.overdue(overdue, now_s, kept=False)
        if label.phase in PHASES:
            self._record(ev.PhaseEnded(now_s, None, label.round, label.phase))

    def overdue(self, tasks: Iterable[Laid], now_s: float, *, kept: bool) -> None:
        """The strategy says that the deadline of *tasks* is over; *kept*: it will use their updates all the same."""
        for task in tasks:
            if not kept:
                self._overdue.add(task.task_id)
            self._give_up(task, "deadline", now_s)

    def let_go(self, tasks: Iterable[Laid], reason: str, now_s: float) -> None:
        """The strategy wants nothing more of *tasks* that are not answered."""
        for task in tasks:
            self._overdue.add(task.task_id)
            self._give_up(task, reason, now_s)

    def turned_down(self, tasks: Iterable[Laid], reason: str, now_s: float) -> None:
        """The strategy does not use the updates that it got of *tasks*."""
        for task in tasks:
            if task.label.phase in PHASES:
                self._record(ev.UpdateRejected(now_s, task.device, task.label.round, task.label.phase, reason))

    def gone(self, tasks: Iterable[Laid], now_s: float) -> None:
        """The SuperLink did not take *tasks*: their nodes have signed off for good."""
        for task in tasks:
            self._give_up(task, "offline", now_s)

    def came(self, task: Laid, message: Message, now_s: float) -> None:
        """An answer is at the server: an update that nobody waits for any more is too late."""
        if task.task_id in self._overdue:
            self._overdue.discard(task.task_id)
            if not message.has_error():
                self.dropped(task, now_s)

    def dropped(self, task: Laid, now_s: float) -> None:
        """An update came that nobody wants."""
        if task.label.phase in PHASES:
            self._record(ev.UpdateTooLate(now_s, task.device, task.label.round, task.label.phase))

    def _give_up(self, task: Laid, cause: str, now_s: float) -> None:
        if task.label.phase in PHASES:
            self._record(ev.DeviceGivenUp(now_s, task.device, task.label.round, task.label.phase, cause))


def _server_round(message: Message) -> int | None:
    for config in message.content.config_records.values():
        number = config.get("server-round")
        if isinstance(number, int):
            return number
    return None
