"""The memoir: what a device writes down of itself for its next process, should this one end in mid-life.

Readings have files of their own (`devices.storage`). Here is the rest: battery, energies, counters, and the task under
way. It is written whenever an interval of the device's life is complete, at the latest once an hour of life: what a
killed process did after that is forgotten.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from broker import events as ev
from broker.errors import StorageFull
from devices.figures import Figures
from devices.lifelog import Lived
from devices.power import Power
from devices.storage.notes import OF_A_LIFE, Notes

KILLED = "ProcessKilled"
"""The name of what happened to a task or a device whose process ended without a word."""
_SELF, _TASK = f"{OF_A_LIFE}memoir", f"{OF_A_LIFE}memoir_task"
_KEPT = ("online_s", "charging_s", "worn_s", "battery_min", "battery_deaths", "bytes_up", "bytes_down")
"""Figures that are in no file of readings."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Task:
    """A task that was under way: since when, and what training and transfers had cost by then, in joules."""

    round: int
    phase: str
    since_s: float
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


class Memoir:
    """Of one device. What its power and figures were is put back as soon as this is made."""

    def __init__(self, device: str, notes: Notes, power: Power, figures: Figures, record: ev.Record) -> None:
        self._device = device
        self._notes = notes
        self._power = power
        self._figures = figures
        self._record = record
        self.past = _read(notes)
        """What an earlier process left, if there was one."""
        if self.past is not None:
            power.restore(self.past.level_j, self.past.spent_j)
            for name in _KEPT:
                setattr(figures, name, self.past.figures[name])

    def keeping(self, lived: Callable[[Lived], None]) -> Callable[[Lived], None]:
        """Return *lived*, but that everything is written down first."""

        def write_and_tell(line: Lived) -> None:
            self.write(line.to_s)
            lived(line)

        return write_and_tell

    def write(self, now_s: float, *, in_order: bool = False) -> None:
        """Write down how the device stands at *now_s*; *in_order*: there is nothing to come."""
        self._put(
            _SELF,
            {
                "lived_until_s": now_s,
                "in_order": in_order,
                "level_j": self._power.level_j,
                "spent_j": self._power.all_spent_j,
                "figures": {name: getattr(self._figures, name) for name in _KEPT},
            },
        )

    def record(self, event: ev.Event) -> None:
        """Pass on what is told of the device's work, and know which task is under way."""
        if isinstance(event, ev.TaskFetched):
            self._put(
                _TASK,
                {"round": event.round, "phase": event.phase, "since_s": event.t_s, "began_j": self._power.work_j},
            )
        elif isinstance(event, ev.TaskRefused | ev.WorkSettled):
            self._put(_TASK, None)
        self._record(event)

    def tell_the_past(self, now_s: float) -> None:
        """Say what became of the device, and of its task, when the earlier process ended; it is on again *now_s*."""
        past = self.past
        if past is None:
            return
        battery = round(self._power.share, 4)
        if not past.in_order:
            self._record(ev.SoftwareCrashed(past.lived_until_s, self._device, KILLED))
        task = past.task
        if task is not None:
            place = max(past.lived_until_s, task.since_s), self._device, task.round, task.phase
            self._record(ev.WorkCrashed(*place, KILLED))
            self._record(ev.WorkSettled(*place, 0.0, 0.0, max(0.0, self._power.work_j - task.began_j), 0, 0))
            self._put(_TASK, None)
        self._record(ev.PoweredOn(now_s, self._device, battery))

    def _put(self, key: str, what: Mapping[str, Any] | None) -> None:
        try:
            self._notes.put(key, orjson.dumps(what))
        except StorageFull as error:  # it lives on; the next process will know less of it
            _log.debug("%s: %s is not noted: %s", self._device, key, error)


def _read(notes: Notes) -> Past | None:
    known = orjson.loads(notes.get(_SELF) or b"null")
    task = orjson.loads(notes.get(_TASK) or b"null")
    return Past(**known, task=Task(**task) if task else None) if known else None
