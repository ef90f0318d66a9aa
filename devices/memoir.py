"""The memoir: what a device writes down of itself for its next process, should this one end in mid-life.

Readings have files of their own (`devices.storage`). Here is the rest: battery, energies, counters, and the task under
way. It is written whenever an interval of the device's life is complete, at the latest once an hour of life, and at
each step of a task: what a killed process did after that is forgotten. What it told last may have got no further than
itself: the next one tells it again.
"""

import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import orjson

from broker import events as ev
from broker.errors import StorageFull
from devices.circumstances import Circumstances
from devices.figures import Figures
from devices.lifelog import Lived
from devices.power import Power
from devices.storage.notes import OF_A_LIFE, Notes

KILLED = "ProcessKilled"
"""The name of what happened to a task or a device whose process ended without a word."""
TOLD_AGAIN = 8
"""So many of the last intervals: more than end while a broker that is there acknowledges one."""
_KEY = f"{OF_A_LIFE}memoir"
_KEPT = ("online_s", "charging_s", "worn_s", "battery_min", "battery_deaths", "bytes_up", "bytes_down")
"""Figures that are in no file of readings."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Task:
    """A task that is under way: the moment of its last step, and what all tasks before it had cost, in joules."""

    round: int
    phase: str
    last_s: float
    began_j: float


@dataclass(frozen=True, slots=True)
class Past:
    """An earlier process's device: it lived until *lived_until_s* at least, and *in_order* if it ended by itself."""

    lived_until_s: float
    in_order: bool
    level_j: float
    spent_j: Mapping[str, float]
    figures: Mapping[str, int | float]
    task: Task | None
    told: Sequence[Lived]
    """The last intervals; whoever hears of life may not have heard of them."""


class Memoir:
    """Of one device. What its power and figures were is put back as soon as this is made."""

    def __init__(self, device: str, notes: Notes, power: Power, figures: Figures, record: ev.Record) -> None:
        self._device = device
        self._notes = notes
        self._power = power
        self._figures = figures
        self._record = record
        self._lived_until_s = 0.0
        self._lived: Callable[[Lived], None] = lambda _line: None
        self.past = _read(notes)
        """What an earlier process left, if there was one."""
        self._task = self.past.task if self.past is not None else None
        self._told = deque(self.past.told if self.past is not None else (), TOLD_AGAIN)
        if self.past is not None:
            power.restore(self.past.level_j, self.past.spent_j)
            for name in _KEPT:
                setattr(figures, name, self.past.figures[name])

    def begin(self, now_s: float) -> None:
        """The device lives, from *now_s* on. Say what became of it, and of its task, when an earlier process ended."""
        past = self.past
        if past is not None:
            battery = round(self._power.share, 4)
            ended_s = past.lived_until_s if past.task is None else max(past.lived_until_s, past.task.last_s)
            if not past.in_order:
                self._record(ev.SoftwareCrashed(ended_s, self._device, KILLED))
            if past.task is not None:
                self._settle(past.task, ended_s)
            self._record(ev.PoweredOn(now_s, self._device, battery))
            for line in past.told:
                self._lived(line)
            self._task = None
        self.write(now_s if past is None else past.lived_until_s)  # of the time between nobody has told yet

    def keeping(self, lived: Callable[[Lived], None]) -> Callable[[Lived], None]:
        """Return *lived*, but that everything is written down first."""
        self._lived = lived

        def write_and_tell(line: Lived) -> None:
            self._told.append(line)
            self.write(line.to_s)
            lived(line)

        return write_and_tell

    def record(self, event: ev.Event) -> None:
        """Pass on what is told of the device's work, and write down how far it is."""
        if isinstance(event, ev.Work):
            if isinstance(event, ev.TaskFetched):
                self._task = Task(event.round, event.phase, event.t_s, self._power.work_j)
            elif isinstance(event, ev.TaskRefused | ev.WorkSettled):
                self._task = None
            elif self._task is not None:
                self._task = replace(self._task, last_s=event.t_s)
            self.write(self._lived_until_s)
        self._record(event)

    def write(self, lived_until_s: float, *, in_order: bool = False) -> None:
        """Write down how the device stands; its life is told until *lived_until_s*. *in_order*: nothing is to come."""
        self._lived_until_s = lived_until_s
        past = Past(
            lived_until_s,
            in_order,
            self._power.level_j,
            self._power.all_spent_j,
            {name: getattr(self._figures, name) for name in _KEPT},
            self._task,
            tuple(self._told),
        )
        try:
            self._notes.put(_KEY, orjson.dumps(past))
        except StorageFull as error:  # it lives on; the next process will know less of it
            _log.debug("%s: its memoir is not written: %s", self._device, error)

    def _settle(self, task: Task, at_s: float) -> None:
        place = at_s, self._device, task.round, task.phase
        self._record(ev.WorkCrashed(*place, KILLED))
        self._record(ev.WorkSettled(*place, 0.0, 0.0, max(0.0, self._power.work_j - task.began_j), 0, 0))


def _read(notes: Notes) -> Past | None:
    known = orjson.loads(notes.get(_KEY) or b"null")
    if known is None:
        return None
    task, told = known.pop("task"), known.pop("told", ())  # an earlier version told nothing again
    lines = [Lived(**{**line, "life": Circumstances(**line["life"])}) for line in told]
    return Past(**known, task=Task(**task) if task else None, told=lines)
