"""What a device lived, as intervals: the lines of life.csv."""

from collections.abc import Callable
from dataclasses import dataclass

from broker import events as ev
from devices.circumstances import COLUMNS, Circumstances, said


@dataclass(frozen=True, slots=True)
class Lived:
    """One interval of one device's life; battery as a share of its capacity."""

    device: str
    from_s: float
    to_s: float
    power: bool
    battery_start: float
    battery_end: float
    life: Circumstances
    why_not: str | None
    """None: ready to train."""


def told(line: Lived) -> ev.IntervalLived:
    """Return *line* as an event, to be told when it is complete."""
    around = {column: getattr(line.life, column) for column in COLUMNS}
    return ev.IntervalLived(
        line.to_s,
        line.device,
        line.from_s,
        line.to_s,
        line.power,
        battery_start=line.battery_start,
        battery_end=line.battery_end,
        why_not=line.why_not,
        **around,
    )


def lived_in(event: ev.IntervalLived) -> Lived:
    """Return the line that `told` told."""
    life = Circumstances(event.from_s, event.to_s, **{column: getattr(event, column) for column in COLUMNS})
    span, batteries = (event.from_s, event.to_s), (event.battery_start, event.battery_end)
    return Lived(event.device or "", *span, event.power, *batteries, life, event.why_not)


class LifeLog:
    """Closes an interval whenever anything in it changes; intervals tile the run."""

    def __init__(self, device: str, tell: Callable[[Lived], None]) -> None:
        """Hand each interval that is complete to *tell*."""
        self._device = device
        self._tell = tell
        self._open: tuple[float, float, bool, Circumstances, str | None] | None = None

    def note(self, now_s: float, battery: float, *, power: bool, life: Circumstances, why_not: str | None) -> None:
        """Say how things stand from *now_s* on."""
        if self._open is not None:
            _from_s, _battery, was_on, was, reason = self._open
            if (was_on, reason) == (power, why_not) and said(was) == said(life):
                return
            self._close(now_s, battery)
        self._open = (now_s, battery, power, life, why_not)

    def cut(self, now_s: float, battery: float) -> None:
        """Close the open interval here and begin another like it: whoever reads now misses nothing."""
        if self._open is not None and now_s > self._open[0]:
            _from_s, _battery, power, life, why_not = self._open
            self._close(now_s, battery)
            self._open = (now_s, battery, power, life, why_not)

    def finish(self, now_s: float, battery: float) -> None:
        """Close the last interval at the end of the run."""
        self._close(now_s, battery)
        self._open = None

    def open_interval(self, now_s: float, battery: float) -> Lived | None:
        """Return the open interval as if it ended at *now_s*; it goes on. None if there is nothing of it yet."""
        if self._open is None or now_s <= self._open[0]:
            return None
        from_s, battery_start, power, life, why_not = self._open
        return Lived(self._device, from_s, now_s, power, battery_start, battery, life, why_not)

    def _close(self, now_s: float, battery: float) -> None:
        line = self.open_interval(now_s, battery)
        if line is not None:
            self._tell(line)
