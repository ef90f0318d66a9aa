"""The rounds of a run: each begins when it is due, asks for training and then for evaluation, and ends once."""

from collections.abc import Collection, Iterable

from aggregator.desk import PHASES
from aggregator.tasks import Label
from aggregator.timetable import Timetable
from broker import events as ev


class Rounds:
    """Which round is open and what it asks for; records when it ends and that it waits. Moments are seconds of life."""

    def __init__(self, timetable: Timetable, needed: int, record: ev.Record) -> None:
        """*needed*: devices without which no training begins."""
        self._timetable = timetable
        self._needed = needed
        self._record = record
        self._asks_for = PHASES[0]
        self._complained: set[tuple[int, str]] = set()
        self._told = self._trained = False

    @property
    def open(self) -> bool:
        """Whether a round is under way."""
        return self._timetable.running

    @property
    def due_s(self) -> float:
        """When the next round may start."""
        return self._timetable.due_s

    @property
    def needed(self) -> int:
        """How many devices the phase that comes next needs."""
        return self._needed if self._asks_for == PHASES[0] else 1

    def start(self, now_s: float) -> None:
        """A round begins."""
        self._timetable.start(now_s)
        self._asks_for, self._trained = PHASES[0], False

    def asked(self, labels: Iterable[Label]) -> None:
        """Tasks with these labels went out: after training comes evaluation."""
        if any(label.phase == PHASES[0] for label in labels):
            self._asks_for = PHASES[1]

    def waits(self, reachable: int, now_s: float) -> None:
        """Write down, once per round and phase, that the server waits for devices."""
        place = self._timetable.round, self._asks_for
        if place not in self._complained:
            self._complained.add(place)
            self._record(ev.TooFewDevices(now_s, None, *place, reachable, self.needed))

    def closed(self, round_: int, now_s: float) -> None:
        """Hear from a ServerApp that *round_* is over, evaluation included.

        0 is before the first: it ends none, even if the app has asked for nodes already.
        """
        self._told = True
        if round_:
            self._close(round_, now_s)

    def answered(self, label: Label | None, now_s: float) -> None:
        """The tasks of *label* (None: there were none) are done with.

        Of an app that never tells, a round is over when its evaluation is, or asked nobody.
        """
        self._trained = self._trained or (label is not None and label.phase == PHASES[0])
        if not self._told and (label is None or label.phase == PHASES[1]):
            self._close(self._timetable.round, now_s)

    def outlived(self, phases: Collection[str], now_s: float) -> bool:
        """Whether an app that never tells now asks for training again: then the round that was open is over."""
        again = self.open and self._trained and not self._told and PHASES[0] in phases
        if again:
            self._close(self._timetable.round, now_s)
        return again

    def _close(self, round_: int, now_s: float) -> None:
        if self._timetable.running:
            self._timetable.close()
            self._record(ev.RoundEnded(now_s, None, round_))
