"""Beats: the intervals between heartbeats in short windows, as uneven as the RMSSD of their epoch says.

Watches that show intervals do so in windows, not all day. One window is an epoch of 30 s; what its beats are follows
from its heart rate and RMSSD, and so from person, age, stage and effort.
"""

import math

import numpy as np

from devices.body.channels import EPOCH_S, FloatArray
from devices.body.noise import wandering

MEMORY_ASLEEP, MEMORY_AWAKE = 0.48, 0.78
"""Correlation of an interval with the next: from RMSSD over SDNN within 30 s, 1.02 asleep and .66 awake (MMASH,
15 persons, median, computed), by RMSSD² = 2·SDNN²·(1 - correlation)."""

MISTIMED = 0.017
"""Share of beats whose moment the sensor misses; each spoils two intervals: 3 to 4 % of intervals are off by a fifth
and more, whatever the movement (MMASH, computed)."""

MISTIMED_BY = 0.3
"""By how much of the shorter interval beside it; assumed."""

SHORTEST_S = 0.27
"""No heart beats faster than 220 a minute."""


def beats(from_s: float, bpm: float, rmssd_ms: float, *, asleep: bool, rng: np.random.Generator) -> FloatArray:
    """Return the beats of the 30 s from *from_s* on: (2, beats), their moments and the intervals they end, in s."""
    mean_s, memory = 60 / bpm, MEMORY_ASLEEP if asleep else MEMORY_AWAKE
    number = int(1.5 * EPOCH_S / mean_s) + 4
    spread_s = rmssd_ms / 1_000 / math.sqrt(2 * (1 - memory))
    course = wandering(rng.standard_normal((1, number)), np.array([memory]))[0]
    intervals = np.maximum(mean_s + spread_s * course, SHORTEST_S)
    moments = from_s - intervals[0] * rng.random() + np.cumsum(intervals)
    shorter = np.minimum(intervals, np.append(intervals[1:], intervals[-1]))
    off = (rng.random(number) < MISTIMED) * rng.choice((-MISTIMED_BY, MISTIMED_BY), number)
    shown = moments + off * shorter
    lasts = np.diff(shown, prepend=moments[0] - intervals[0])
    inside = (shown >= from_s) & (shown < from_s + EPOCH_S)
    told: FloatArray = np.floor(np.stack([shown[inside], lasts[inside]]) * 1_000) / 1_000
    return told
