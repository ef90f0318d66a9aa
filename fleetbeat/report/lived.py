"""Whose lives a report shows, and those lives as stretches that a plot can draw."""

import csv
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from devices.kinds import kinds
from fleetbeat.saved_run import SavedRun

DEVICES_SHOWN = 40
STRETCHES_SHOWN = 60_000
"""So many bars, over all devices, keep a page light; longer lives are shown of fewer devices."""

FloatArray = npt.NDArray[np.float64]


@dataclass(slots=True)
class Life:
    """One device's life as life.csv tells it, interval by interval."""

    device: str
    trains: bool
    lines: list[list[str]] = field(default_factory=list)

    def battery(self) -> tuple[FloatArray, FloatArray]:
        """Return moments and the battery's share at them, without points on a straight line between others."""
        # live some last under a millisecond
        lines = [line for line in self.lines if float(line[FROM]) < float(line[TO])]
        if not lines:
            return np.empty(0), np.empty(0)
        t_s = np.array([float(line[FROM]) for line in lines] + [float(lines[-1][TO])])
        shares = np.array([float(line[BATTERY_START]) for line in lines] + [float(lines[-1][BATTERY_END])])
        slopes = np.diff(shares) / np.diff(t_s)
        # a change of slope below 0.2 % of the battery an hour is no news
        bends = np.abs(np.diff(slopes)) > 0.002 / 3_600
        keep = np.concatenate([[True], bends, [True]])
        return t_s[keep], shares[keep]

    def stretches(self, what: Callable[[list[str]], bool]) -> Iterator[tuple[float, float]]:
        """Yield the stretches [from, to) in which *what* holds, neighbours joined."""
        from_s: float | None = None
        until_s = 0.0
        for line in self.lines:
            if what(line):
                from_s = float(line[0]) if from_s is None else from_s
            elif from_s is not None:
                yield from_s, until_s
                from_s = None
            until_s = float(line[1])
        if from_s is not None:
            yield from_s, until_s


# the columns of life.csv after `device`, as they are numbered in Life.lines
FROM, TO, POWER, CHARGING, BATTERY_START, BATTERY_END, NEAR, FAR, PLACE, WORN, IN_USE, READY, WHY_NOT = range(13)


def shown_lives(run: SavedRun) -> tuple[list[Life], int]:
    """Return the lives to show, in the order of devices.csv, and how many devices there are.

    With more than `DEVICES_SHOWN`, those with the most different outcomes come first, then those selected most often.
    """
    devices = [(line["device"], line["kind"]) for line in run.table("devices.csv")]
    order = {name: place for place, (name, _) in enumerate(devices)}
    outcomes: dict[str, list[str]] = {name: [] for name, _ in devices}
    for line in run.table("outcomes.csv"):
        if line["device"] in outcomes:  # of a node that only the server knows nothing was lived here
            outcomes[line["device"]].append(line["outcome"])
    ranked = sorted(outcomes, key=lambda name: (-len(set(outcomes[name])), -len(outcomes[name]), order[name]))
    trains = {name: kinds()[kind].trains for name, kind in devices}
    lives = _lived(run, ranked[:DEVICES_SHOWN], trains)
    kept: list[Life] = []
    stretches = 0
    for name in ranked[:DEVICES_SHOWN]:
        stretches += len(lives[name].lines)
        if kept and stretches > STRETCHES_SHOWN:
            break
        kept.append(lives[name])
    return sorted(kept, key=lambda life: order[life.device]), len(devices)


def _lived(run: SavedRun, names: Collection[str], trains: dict[str, bool]) -> dict[str, Life]:
    """Read only what is shown: a city's life.csv is long."""
    lives = {name: Life(name, trains[name]) for name in names}
    with (run.path / "life.csv").open(newline="") as file:
        lines = csv.reader(file)
        next(lines, None)
        for line in lines:
            life = lives.get(line[0])
            if life is not None:
                life.lines.append(line[1:])
    return lives


def with_gaps(pairs: Sequence[tuple[float, float]]) -> FloatArray:
    """Return the ends of stretches with a NaN after each, which a line leaves out."""
    flat = np.full((len(pairs), 3), np.nan)
    if pairs:
        flat[:, :2] = pairs
    return flat.ravel()
