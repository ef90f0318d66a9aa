"""Hours of the local day: what devices of a kind do in each, from their lives. Arithmetic, no run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from devices.lifelog import Lived
from devices.residents import Device
from devices.settings import Fleet
from devices.table import DAY_S

HOURS = 24
HOUR_S = 3_600.0
CONDITIONS: dict[str, Callable[[Lived], bool]] = {
    "powered": lambda line: line.power,
    "far_link_up": lambda line: line.power and line.life.far_link != "none",
    "worn": lambda line: line.power and line.life.worn,
    "charging": lambda line: line.life.charging,
    "ready": lambda line: line.why_not is None,
}
QUANTILES = {"p10": 0.1, "p50": 0.5, "p90": 0.9}


@dataclass(frozen=True)
class KindHours:
    """One kind's life. Lists have one value an hour of the local day, from midnight; None where nobody lived in it."""

    kind: str
    devices: int
    trains: bool
    by_hour: dict[str, list[float]]
    """Shares of time, 0–1, of every condition."""
    why_not: dict[str, float]
    """Shares of all time by the reason for not being ready, the most frequent first."""
    why_not_by_hour: dict[str, list[float]]
    battery: dict[str, list[float | None]]
    """Quantiles over devices and days of the battery's share, at the full hour."""
    days_between_charges: float | None
    """Device-days per time that a charger was plugged in; None if none ever was."""
    mb_a_day: float
    """Megabytes of readings that one device sent over its near link (or kept to itself), a day."""
    j_a_day: float
    """Energy that one device drew, a day."""
    overall: dict[str, float]
    """Shares of all time of every condition."""

    def share(self, condition: str) -> float:
        """Return the share of all time in which *condition* held."""
        return self.overall[condition]


def by_kind_and_hour(
    fleet: Fleet,
    devices: Sequence[Device],
    lived: Sequence[Lived],
    life_j: Mapping[str, float],
    sent_bytes: Mapping[str, int],
) -> list[KindHours]:
    """Return the figures of every kind among *devices*; energy in joules and bytes sent by device."""
    kind_of = {device.name: device.kind.kind for device in devices}
    lines: dict[str, list[Lived]] = {kind: [] for kind in kind_of.values()}
    for line in lived:
        lines[kind_of[line.device]].append(line)
    found = []
    for kind, own in lines.items():
        alike = [device for device in devices if device.kind.kind == kind]
        device_days = len(alike) * fleet.days
        hours = Hours(fleet, own)
        shares = {name: hours.shares(holds) for name, holds in CONDITIONS.items()}
        reasons = {reason: hours.shares(_because(reason)) for reason in _reasons(own)}
        plugged = sum(line.life.charging and line.from_s > 0 and starts for line, starts in _with_starts(own))
        whole = {reason: total for reason, (_, total) in reasons.items()}
        order = sorted(whole, key=lambda reason: (-whole[reason], reason))
        found.append(
            KindHours(
                kind=kind,
                devices=len(alike),
                trains=alike[0].kind.trains,
                by_hour={name: by_hour for name, (by_hour, _) in shares.items()},
                overall={name: total for name, (_, total) in shares.items()},
                why_not={reason: whole[reason] for reason in order},
                why_not_by_hour={reason: reasons[reason][0] for reason in order},
                battery=_battery(fleet, own),
                days_between_charges=device_days / plugged if plugged else None,
                mb_a_day=sum(sent_bytes[device.name] for device in alike) / 1e6 / device_days,
                j_a_day=sum(life_j[device.name] for device in alike) / device_days,
            )
        )
    return found


class Hours:
    """The intervals of one kind's life, cut at every full hour of the local day."""

    def __init__(self, fleet: Fleet, lines: Sequence[Lived]) -> None:
        self._lines = lines
        since_s = _since_midnight_s(fleet)
        from_s = np.array([line.from_s for line in lines]) + since_s
        to_s = np.array([line.to_s for line in lines]) + since_s
        first = np.floor(from_s / HOUR_S).astype(np.int64)
        pieces = np.maximum(np.ceil(to_s / HOUR_S).astype(np.int64) - first, 1)
        self._whose = np.repeat(np.arange(len(lines)), pieces)
        nth = np.arange(len(self._whose)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
        begins_s = (first[self._whose] + nth) * HOUR_S
        self._lasts_s = np.minimum(to_s[self._whose], begins_s + HOUR_S) - np.maximum(from_s[self._whose], begins_s)
        self._hour = (first[self._whose] + nth) % HOURS
        self._total_s = np.bincount(self._hour, self._lasts_s, HOURS)

    def shares(self, holds: Callable[[Lived], bool]) -> tuple[list[float], float]:
        """Return the share of time in which *holds*, by hour and over all (0 in an hour that nobody lived)."""
        flags = np.array([holds(line) for line in self._lines], np.float64)
        held_s = np.asarray(np.bincount(self._hour, self._lasts_s * flags[self._whose], HOURS), np.float64)
        by_hour = np.divide(held_s, self._total_s, out=np.zeros(HOURS), where=self._total_s > 0)
        return [round(share, 6) for share in by_hour.tolist()], round(
            float(held_s.sum() / max(self._total_s.sum(), 1e-9)), 6
        )


def _reasons(lines: Sequence[Lived]) -> list[str]:
    return sorted({line.why_not for line in lines if line.why_not is not None})


def _because(reason: str) -> Callable[[Lived], bool]:
    return lambda line: line.why_not == reason


def _with_starts(lines: Sequence[Lived]) -> list[tuple[Lived, bool]]:
    """Return every interval with whether the one before it, of the same device, was off the charger."""
    before: dict[str, bool] = {}
    marked = []
    for line in lines:
        marked.append((line, not before.get(line.device, False)))
        before[line.device] = line.life.charging
    return marked


def _battery(fleet: Fleet, lines: Sequence[Lived]) -> dict[str, list[float | None]]:
    """Return quantiles of the battery at every full hour, over all devices and days."""
    since_s, end_s = _since_midnight_s(fleet), fleet.days * DAY_S
    first = int(np.ceil(since_s / HOUR_S))
    moments = np.arange(first, int(np.floor((since_s + end_s) / HOUR_S)) + 1) * HOUR_S - since_s
    of_hour = (np.arange(len(moments)) + first) % HOURS
    devices: dict[str, list[Lived]] = {}
    for line in lines:
        devices.setdefault(line.device, []).append(line)
    levels = np.array(
        [
            np.interp(
                moments, [s for line in own for s in (line.from_s, line.to_s)], [b for line in own for b in _ends(line)]
            )
            for own in devices.values()
        ]
    )
    result: dict[str, list[float | None]] = {name: [] for name in QUANTILES}
    for hour in range(HOURS):
        here = levels[:, of_hour == hour] if len(moments) else np.empty(0)
        for name, quantile in QUANTILES.items():
            result[name].append(round(float(np.quantile(here, quantile)), 4) if here.size else None)
    return result


def _ends(line: Lived) -> tuple[float, float]:
    return line.battery_start, line.battery_end


def _since_midnight_s(fleet: Fleet) -> float:
    return (fleet.start - fleet.start.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds()
