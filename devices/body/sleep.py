"""Sleep: the stages of one night, bout by bout, as they follow one another in a laboratory.

A semi-Markov chain whose tables change over the quarters of the night (deep sleep early, REM late). The
tables and the Weibull lengths of the bouts are those of 31 polysomnographies (Walch 2019, computed:
data/physiology_stats.json, "walch_transition_by_night_quarter" and "walch_bouts"); that bouts need lengths
of their own follows Yang & Hursch (1973), Weibull lengths Wang (2013), long-tailed awakenings Lo et al.
"""

import math
from dataclasses import dataclass

import numpy as np

from devices.body.channels import Stages
from devices.body.hidden import N1, N2, N3, REM, WAKE
from devices.body.strain import CALM, Strain
from devices.body.wearer import Wearer

STEP_30S = (
    ((0.872, 0.102, 0.021, 0.001, 0.004), (0.066, 0.557, 0.373, 0.000, 0.005), (0.017, 0.027, 0.919, 0.030, 0.006),
     (0.013, 0.001, 0.028, 0.958, 0.000), (0.019, 0.008, 0.019, 0.000, 0.953)),
    ((0.674, 0.252, 0.054, 0.000, 0.019), (0.061, 0.477, 0.429, 0.000, 0.033), (0.017, 0.027, 0.923, 0.017, 0.016),
     (0.007, 0.004, 0.038, 0.950, 0.000), (0.009, 0.019, 0.014, 0.000, 0.958)),
    ((0.693, 0.245, 0.027, 0.000, 0.035), (0.061, 0.495, 0.392, 0.000, 0.051), (0.015, 0.038, 0.929, 0.007, 0.010),
     (0.020, 0.004, 0.030, 0.946, 0.000), (0.013, 0.023, 0.010, 0.000, 0.954)),
    ((0.807, 0.155, 0.021, 0.000, 0.018), (0.087, 0.458, 0.388, 0.000, 0.067), (0.017, 0.034, 0.931, 0.004, 0.014),
     (0.013, 0.013, 0.073, 0.901, 0.000), (0.015, 0.015, 0.008, 0.000, 0.962)),
)  # fmt: skip
"""Share of epochs followed by each stage, by quarter of the night; rows and columns W N1 N2 N3 REM."""

SHAPE = (0.622, 0.85, 0.763, 0.85, 0.859)
SCALE = (2.56, 1.37, 10.88, 19.0, 20.31)
MEAN = (4.91, 1.98, 13.40, 20.70, 22.46)
"""Weibull shape and scale, and mean, of the bouts in epochs, all quarters together. Two are not the fitted ones: N1
(1.024 and 1.50) had too short a tail for its coefficient of variation of 1.0, and N3 (.717 and 16.46) too long a one
for its 1.2 and too low a median for its 12."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """How a stage is left in one quarter of the night: the chance of waking, and what else may follow."""

    wake: float
    follows: tuple[tuple[float, int], ...]
    scale: float
    power: float


def _leaving(quarter: int, stage: int) -> Leaving:
    row = STEP_30S[quarter][stage]
    gone = 1 - row[stage]
    others = [other for other in (N1, N2, N3, REM) if other != stage]
    asleep = sum(row[other] for other in others)
    shares, total = [], 0.0
    for other in others:
        total += row[other] / asleep
        shares.append((total, other))
    wake = 0.0 if stage == WAKE else row[WAKE] / (row[WAKE] + asleep)
    return Leaving(wake, tuple(shares), SCALE[stage] / (gone * MEAN[stage]), 1 / SHAPE[stage])


LEAVING = tuple(tuple(_leaving(quarter, stage) for stage in range(5)) for quarter in range(4))

LATENCY_EPOCHS = 23.0
LATENCY_SPREAD = 0.50
"""Median time to fall asleep and its spread from night to night (log): 13 ± 9 min over all (Walch)."""

BRIEF_EPOCHS = 1.2
BRIEF_POWER = 1 / 0.75
LONG_SHARE = 0.045
LONG_EPOCHS = 22.0
"""Most awakenings last an epoch or two; a few keep the sleeper awake for a quarter of an hour. With the
time to fall asleep they give bouts near Walch's: mean 4.9 epochs, 58 % of a single one, cv 2.5; a longer tail
would spread a person's nights more than LifeSnaps allows."""

NIGHT_SPREAD = 0.10
"""Spread of a person's restlessness from night to night (log), for SE within persons sd .035 (LifeSnaps)."""

LYING_EPOCHS = 9.0
"""Mean time awake in bed before getting up; assumed."""


NAP_LATENCY_EPOCHS = 16.0
"""Mean time to fall asleep by day; assumed."""


@dataclass(frozen=True, eq=False, slots=True)
class Night:
    """One night in bed; times in seconds of life.

    *stages* has one number for each 30 s from *bed_s*: -1 unscored, 0 wake, 1 n1, 2 n2, 3 n3, 4 rem,
    5 asleep (stage unknown). What they were is known at *known_s*, in the morning.
    """

    index: int
    bed_s: float
    rise_s: float
    known_s: float
    stages: Stages

    @property
    def efficiency(self) -> float:
        """Share of the scored time in bed that was slept; NaN where nothing was scored."""
        scored = int(np.count_nonzero(self.stages >= 0))
        return int(np.count_nonzero(self.stages > 0)) / scored if scored else math.nan


Bout = tuple[int, int]
"""A stage and how many epochs it lasts."""


def bouts(wearer: Wearer, epochs: int, rng: np.random.Generator, today: Strain = CALM) -> list[Bout]:
    """Draw the bouts of a night of so many *epochs* in bed, in order; their lengths add up to *epochs*."""
    unrest, falling = rng.standard_normal(2).tolist()
    restless = wearer.restless * math.exp(NIGHT_SPREAD * unrest)
    latency = LATENCY_EPOCHS * wearer.slow_to_sleep * today.latency * math.exp(LATENCY_SPREAD * falling)
    lying = min(int(rng.exponential(LYING_EPOCHS)), epochs // 8)
    asleep_until = epochs - lying
    now = min(max(int(latency), 2), asleep_until - 1)
    night = [(WAKE, now)]
    stage = N1
    while now < asleep_until:
        for chance, choice, wait in _dice(rng):
            way = LEAVING[4 * now // epochs][stage]
            if stage == WAKE:
                long = choice < LONG_SHARE
                length = 8 + LONG_EPOCHS * wait if long else BRIEF_EPOCHS * wait**BRIEF_POWER
            else:
                length = way.scale * wait**way.power
            lasts = min(math.ceil(length), asleep_until - now)
            night.append((stage, lasts))
            now += lasts
            if now >= asleep_until:
                break
            wakes = min(way.wake * restless * today.unrest[2 * now // epochs], 1.0)
            if chance < wakes:
                stage = WAKE
            else:
                fate = (chance - wakes) / (1 - wakes)
                stage = next(follower for share, follower in way.follows if fate <= share + 1e-9)
    if lying:
        night.append((WAKE, lying))
    return night


def nap_bouts(epochs: int, rng: np.random.Generator) -> list[Bout]:
    """Draw the bouts of a nap: some minutes to fall asleep, then a night's first quarter; who wakes gets up.

    Not measured by us: naps of minutes are N1 and N2, longer ones reach N3, as first quarters of nights do (assumed).
    """
    now = min(1 + int(rng.exponential(NAP_LATENCY_EPOCHS)), epochs)
    nap, stage = [(WAKE, now)], N1
    while now < epochs:
        chance, wait = float(rng.random()), float(rng.standard_exponential())
        way = LEAVING[0][stage]
        lasts = min(math.ceil(way.scale * wait**way.power), epochs - now)
        nap.append((stage, lasts))
        now += lasts
        stage = next(follower for share, follower in way.follows if chance <= share + 1e-9)
    return nap


def _dice(rng: np.random.Generator, throws: int = 160) -> list[tuple[float, float, float]]:
    """Return enough chances, choices and waits for most nights, drawn in two calls."""
    chances = rng.random((2, throws)).tolist()
    return list(zip(chances[0], chances[1], rng.standard_exponential(throws).tolist(), strict=True))


def stages(night: list[Bout]) -> Stages:
    """Return the stage of every epoch of a night given as bouts."""
    kinds, lengths = zip(*night, strict=True)
    scored = np.repeat(np.array(kinds, dtype=np.int8), lengths)
    scored.setflags(write=False)  # a night is told to many
    return scored
