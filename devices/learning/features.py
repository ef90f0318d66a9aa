"""The features: what a night and each of its epochs look like to a model, in words a nurse would know.

Scaled by definition: each feature has a fixed centre and scale, rounded from the recordings named beside it,
so that no device ever needs another's data. What was not measured is 0 after scaling: neither one nor the other.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from devices.buffer import FloatArray, Window
from devices.learning.trace import HOLDS_S, Trace

EPOCH_S = 30.0
LOOK_BACK_S = 1_200.0
"""The longest window of an epoch's features; facts §2: 20 causal minutes are enough, in MMASH and in Walch."""

SETTLING_S = 1_200.0
"""How fast "settling in" fades: after 20 min a third is left (sleep latency 13 ± 9 min, MMASH, facts §5)."""

STILL_EPOCHS = 20
"""A still bout is 10 min or more without a movement: sleepers move in 8 % of epochs (MMASH, facts §5)."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One column: its name, and the fixed numbers that scale it."""

    name: str
    centre: float
    scale: float
    source: str


WALCH_HEART = "Walch 2019, in bed, 23 persons: spread within nights"
WALCH_SWING = "Walch 2019, in bed, 23 persons: log of (standard deviation + 0.5 beat/min)"
BODY = "600 nights of synthetic bodies, which are drawn after MMASH (facts §5)"
MMASH = "MMASH, 15 persons, facts §5: moving 8 % asleep, 84 % awake"

OF_EPOCH = (
    Feature("heart rate now, over the night's so far", 0.0, 6.0, WALCH_HEART),
    Feature("heart rate over 5 min, over the night's so far", 0.0, 6.0, WALCH_HEART),
    Feature("heart rate over 20 min, over the night's so far", 0.0, 6.0, WALCH_HEART),
    Feature("heart rate swings over 2 min", 0.7, 0.7, WALCH_SWING),
    Feature("heart rate swings over 5 min", 0.9, 0.7, WALCH_SWING),
    Feature("heart rate swings over 20 min", 1.3, 0.6, WALCH_SWING),
    Feature("hours in bed", 4.0, 2.3, "a night of 8 h, uniform"),
    Feature("settling in", 0.0, 0.25, "a night of 8 h: standard deviation of exp(-t / 20 min) is .18"),
    Feature("moving now", 0.2, 0.4, MMASH),
    Feature("moving share of 5 min", 0.2, 0.3, MMASH),
    Feature("moving share of 20 min", 0.2, 0.25, MMASH),
    Feature("strength of movement over 5 min", 1.5, 2.5, "MMASH, log(1 + counts in 30 s): 0 asleep, 6.5 awake"),
)

OF_NIGHT = (
    Feature("moving share of the night", 0.10, 0.045, BODY),
    Feature("strength of movement", 0.50, 0.25, BODY),
    Feature("moving share of the first hour", 0.18, 0.11, BODY),
    Feature("moving share of the busiest hour", 0.25, 0.11, BODY),
    Feature("share of the night in still bouts", 0.72, 0.12, BODY),
    Feature("longest still bout", 1.1, 0.4, BODY),
    Feature("heart rate of the night", 63.0, 8.0, "65 ± 9 beat/min asleep (Walch), 59.5 ± 5 (MMASH), facts §5"),
    Feature("heart rate swings of the night", 1.6, 0.25, BODY),
    Feature("rmssd of the night", 50.0, 17.0, "55 ± 16 ms asleep (MMASH), 40 ± 19 (LifeSnaps), facts §5"),
    Feature("hours in bed", 7.7, 1.0, "460 min in bed (LifeSnaps, facts §5)"),
)


@dataclass(frozen=True, slots=True)
class Rest:
    """The time a wearer lies in bed, or any other time with a truth, cut into epochs of 30 s."""

    bed_s: float
    epochs: int
    in_bed: bool

    @property
    def ends(self) -> FloatArray:
        """When each epoch ends."""
        return self.bed_s + EPOCH_S * np.arange(1.0, self.epochs + 1)


class Seen:
    """What the sensors saw of one rest, 20 minutes before it included."""

    def __init__(self, rest: Rest, window: Window) -> None:
        """Look through *window* at heart rate and movement."""
        self.rest = rest
        self.window = window
        start_s, end_s = rest.bed_s - LOOK_BACK_S, rest.bed_s + EPOCH_S * rest.epochs
        times, values = window("heart_rate", start_s, end_s)
        # In bed everything has one rhythm. By day sport is measured more often and must not weigh more for it.
        self._by_time = not rest.in_bed
        self.heart = Trace(times, values, by_time=self._by_time)
        move_times, move_values = window("movement", start_s, end_s)
        self.readings = len(times) + len(move_times)
        length = int(LOOK_BACK_S / EPOCH_S) + rest.epochs
        # Movement comes as counts in 30 s or, recorded, in 1 s: in epochs it is the same thing.
        self.move_times, self.counts = _in_epochs(move_times, move_values, start_s, length)
        ends = rest.ends
        recent = ends - HOLDS_S
        moves = Trace(self.move_times, self.counts)
        self.covered = (self.heart.before(ends) > self.heart.before(recent)) | (
            moves.before(ends) > moves.before(recent)
        )

    def of_epochs(self) -> npt.NDArray[np.float16]:
        """Return the features of every epoch (epochs, features): nothing in them is later than the epoch's end."""
        rest, heart, ends = self.rest, self.heart, self.rest.ends
        until = heart.until(ends)
        since = {span: heart.until(ends - span) for span in (30.0, 120.0, 300.0, 1200.0)}
        so_far = heart.mean(heart.until(np.full(rest.epochs, -np.inf)), until)
        latest = heart.latest(ends)
        columns = []
        for span in (30.0, 300.0, 1200.0):
            mean = heart.mean(since[span], until)
            columns.append(np.where(np.isnan(mean), latest, mean) - so_far)
        columns.extend(np.log(heart.spread(since[span], until) + 0.5) for span in (120.0, 300.0, 1200.0))
        if rest.in_bed:
            lain_s = ends - rest.bed_s
            columns.extend((lain_s / 3600, np.exp(-lain_s / SETTLING_S)))
        else:  # nobody told the watch when its wearer went to bed
            columns.extend((np.full(rest.epochs, OF_EPOCH[6].centre), np.full(rest.epochs, OF_EPOCH[7].centre)))
        moving = Trace(self.move_times, (self.counts > 0).astype(np.float64), by_time=self._by_time)
        strength = Trace(self.move_times, np.log1p(self.counts), by_time=self._by_time)
        moved = moving.until(ends)
        now, some, long = (moving.until(ends - span) for span in (30.0, 300.0, 1200.0))
        now_moving = moving.mean(now, moved)
        columns.append(np.where(np.isnan(now_moving), moving.latest(ends), now_moving))
        columns.extend((moving.mean(some, moved), moving.mean(long, moved)))
        columns.append(strength.mean(strength.until(ends - 300.0), strength.until(ends)))
        return scaled(OF_EPOCH, np.stack(columns, axis=1))

    def of_night(self) -> npt.NDArray[np.float16]:
        """Return the features of the whole rest (1, features)."""
        rest = self.rest
        inside = self.move_times >= rest.bed_s
        counts, when = self.counts[inside], self.move_times[inside] - rest.bed_s
        moving = counts > 0
        hours = Trace(when, moving.astype(np.float64))
        starts = np.arange(0.0, max(EPOCH_S * rest.epochs - 3600.0, 0.0) + 1.0, 600.0)
        by_hour = hours.mean(hours.until(starts), hours.until(starts + 3600.0))
        gaps = np.diff(when[moving], prepend=0.0, append=EPOCH_S * rest.epochs) if len(when) else np.empty(0)
        still = gaps[gaps >= STILL_EPOCHS * EPOCH_S]
        fives = rest.bed_s + np.arange(0.0, EPOCH_S * rest.epochs, 300.0)
        means = self.heart.mean(self.heart.until(fives[:-1]), self.heart.until(fives[1:]))
        means = means[~np.isnan(means)]
        _, rmssd = self.window("rmssd", rest.bed_s, rest.bed_s + EPOCH_S * rest.epochs)
        row = (
            _mean(moving), _mean(np.log1p(counts)), by_hour[0], np.fmax.reduce(by_hour),
            still.sum() / (EPOCH_S * rest.epochs) if len(when) else np.nan,
            still.max(initial=0.0) / 3600 if len(when) else np.nan,
            _mean(means), np.log(means.std() + 0.5) if len(means) > 1 else np.nan,
            _mean(rmssd), EPOCH_S * rest.epochs / 3600,
        )  # fmt: skip
        return scaled(OF_NIGHT, np.array([row]))


def _in_epochs(times: FloatArray, values: FloatArray, start_s: float, length: int) -> tuple[FloatArray, FloatArray]:
    """Return begin and sum of the readings of each of *length* epochs from *start_s* on that has any."""
    slots = np.floor((times - start_s) / EPOCH_S).astype(np.int64)
    measured = np.flatnonzero(np.bincount(slots, minlength=length))
    sums = np.bincount(slots, values, minlength=length)[measured]
    return start_s + EPOCH_S * measured.astype(np.float64), sums.astype(np.float64)


def scaled(features: tuple[Feature, ...], raw: FloatArray) -> npt.NDArray[np.float16]:
    """Return *raw* columns centred and scaled by definition, to three digits; 0 where nothing was measured."""
    centre = np.array([feature.centre for feature in features])
    scale = np.array([feature.scale for feature in features])
    result: npt.NDArray[np.float16] = ((raw - centre) / scale).astype(np.float16)
    result[np.isnan(result)] = 0.0
    return result


def _mean(values: npt.NDArray[Any]) -> float:
    return float(np.mean(values)) if len(values) else float("nan")
