"""Strain: what makes one day unlike the others of the same person: alcohol in the evening, an illness, a nap.

Each comes from a stream of its own, by date, so that a day without them is as it would be if they did not exist.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from devices.body.channels import FloatArray
from devices.body.wearer import Wearer
from devices.randomness import stream

DOSE_SHARES = (0.376, 0.847)
"""Of evenings with alcohol, up to which chance the dose is low (≤ .25 g/kg), then moderate (≤ .75); else it is high:
1,752, 2,194 and 716 of 4,662 recorded days (Pietilä 2018)."""

DOSE_BPM = (1.4, 4.0, 8.7)
DOSE_RMSSD = (0.96, 0.87, 0.71)
"""What a dose does to heart rate and RMSSD in the first three hours of sleep (Pietilä 2018, n = 4,098; beats a minute
recalled, and RMSSD from 2.0, 5.7 and 12.9 ms less, recalled, of 45)."""

DOSE_UNREST = (1.05, 1.2, 1.5)
DOSE_LATENCY = (0.95, 0.85, 0.7)
DOSE_LATER_H = (0.1, 0.4, 0.9)
"""More awakenings in the second half of the night, a shorter way into sleep (Ebrahim 2013, directions recalled), and a
later evening; sizes assumed."""

FREE_EVENING, WORKING_EVENING = 1.6, 0.7
"""How much more, or less, often people drink before a free day, or a working one; assumed."""

SOBER_AFTER_H = 3.0
SOBERING_H = 3.0
"""The effect is whole for the first hours in bed and then fades; assumed."""

WINDOW_DAYS = 28
DAYS_A_YEAR = 365
SHORTEST_DAYS, LONGEST_DAYS = 3, 9
"""How long an illness shows in a resting heart (assumed; influenza-like illness: JMIR 2023;25:e41050, some days)."""

PEAK_BPM = 4.0
PEAK_SPREAD = 0.6
"""Median height of an illness in beats a minute and its spread (log): a few of ten and more, as a fifth of all people
have in some week of two years (Quer 2020). Heights assumed."""

RMSSD_PER_BPM = -0.03
UNREST_PER_BPM = 0.06
LONGER_H = 0.6
"""Less RMSSD (log), more awakenings, longer in bed: directions from JMIR 2023;25:e41050 (sleep efficiency down, sleep
duration and resting heart rate up); sizes assumed."""

AT_HOME_BPM = 4.0
"""From this height on one stays at home; assumed."""


@dataclass(frozen=True, slots=True)
class Strain:
    """What a day and the night after it carry: *ill_bpm* all the time, *drunk_bpm* from bedtime on.

    *latency* and *unrest* (of the first and of the second half of the night) multiply what is usual.
    """

    ill_bpm: float = 0.0
    drunk_bpm: float = 0.0
    drunk_rmssd: float = 1.0
    latency: float = 1.0
    unrest: tuple[float, float] = (1.0, 1.0)
    later_h: float = 0.0
    longer_h: float = 0.0

    @property
    def at_home(self) -> bool:
        """Whether the wearer is too ill to go out."""
        return self.ill_bpm >= AT_HOME_BPM

    def heart_bpm(self, hours: FloatArray, bed_h: float) -> FloatArray:
        """Return what it adds to the heart rate at these *hours* of a block's clock, if bedtime is at *bed_h*."""
        added: FloatArray = self.ill_bpm + self.drunk_bpm * _drunk(hours, bed_h)
        return added

    def rmssd_share(self, hours: FloatArray, bed_h: float) -> FloatArray:
        """Return what it leaves of the RMSSD at these *hours*."""
        left: FloatArray = np.exp(RMSSD_PER_BPM * self.ill_bpm + math.log(self.drunk_rmssd) * _drunk(hours, bed_h))
        return left


CALM = Strain()
"""A day like any other."""


def strain(wearer: Wearer, seed: int, name: str, date: int, *, free_evening: bool) -> Strain:
    """Return what *date* (days since the fleet's first) and the night after it carry; *free_evening*: no work after."""
    ill_bpm = _illness_bpm(wearer, seed, name, date)
    unrest = 1 + UNREST_PER_BPM * ill_bpm
    longer_h = LONGER_H if ill_bpm >= AT_HOME_BPM else 0.0
    often = wearer.drink_share * (FREE_EVENING if free_evening else WORKING_EVENING)
    drinks, dose = stream(seed, name, "alcohol", date).random(2).tolist() if often else (1.0, 0.0)
    if drinks >= often or ill_bpm >= AT_HOME_BPM:
        return Strain(ill_bpm=ill_bpm, unrest=(unrest, unrest), longer_h=longer_h) if ill_bpm else CALM
    size = sum(dose >= share for share in DOSE_SHARES)
    return Strain(
        ill_bpm=ill_bpm,
        drunk_bpm=DOSE_BPM[size],
        drunk_rmssd=DOSE_RMSSD[size],
        latency=DOSE_LATENCY[size],
        unrest=(unrest, unrest * DOSE_UNREST[size]),
        later_h=DOSE_LATER_H[size],
        longer_h=longer_h,
    )


def _illness_bpm(wearer: Wearer, seed: int, name: str, date: int) -> float:
    """Return how high an illness stands on *date*: it rises in a day and fades until its last."""
    height_bpm = 0.0
    for window in (date // WINDOW_DAYS - 1, date // WINDOW_DAYS):
        for begins, days, peak_bpm in _illnesses(wearer.ills_a_year, seed, name, window):
            since = date - begins
            if 0 <= since < days:
                height_bpm = max(height_bpm, peak_bpm * (0.5 if since == 0 else 1 - (since - 1) / days))
    return height_bpm


@lru_cache(maxsize=4_096)
def _illnesses(ills_a_year: float, seed: int, name: str, window: int) -> tuple[tuple[int, int, float], ...]:
    """Return the illnesses that begin in a *window* of some weeks: first day, how many days, how high."""
    rng = stream(seed, name, "illness", window)
    return tuple(
        (
            window * WINDOW_DAYS + int(rng.integers(WINDOW_DAYS)),
            int(rng.integers(SHORTEST_DAYS, LONGEST_DAYS + 1)),
            PEAK_BPM * math.exp(PEAK_SPREAD * float(rng.standard_normal())),
        )
        for _ in range(rng.poisson(ills_a_year * WINDOW_DAYS / DAYS_A_YEAR))
    )


def _drunk(hours: FloatArray, bed_h: float) -> FloatArray:
    """Return how much of the alcohol still works: none before bedtime, all at first, then less and less."""
    lain_h = hours - bed_h
    share: FloatArray = np.where(lain_h < 0, 0.0, np.exp(-np.maximum(lain_h - SOBER_AFTER_H, 0.0) / SOBERING_H))
    return share


NAP_FROM_H, NAP_WITHIN_H, NAP_LATEST_H = 12.8, 3.0, 19.0
"""Naps begin in the early afternoon; after work for those who are not at home then. Assumed."""

NAP_H, NAP_SPREAD = 0.75, 0.5
LONGEST_NAP_H = 2.5
"""Median length and its spread (log): half an hour (Better Sleep Council) to 51 minutes on average (OnePoll 2023)."""


def nap(wearer: Wearer, seed: int, name: str, date: int) -> tuple[float, float] | None:
    """Return from what hour of *date* on a nap would suit the wearer, and how many hours long; None: no nap."""
    rng = stream(seed, name, "nap", date)
    tired, when = rng.random(2).tolist()
    if tired >= wearer.nap_share:
        return None
    lasts_h = NAP_H * math.exp(NAP_SPREAD * float(rng.standard_normal()))
    return NAP_FROM_H + NAP_WITHIN_H * when, min(lasts_h, LONGEST_NAP_H)
