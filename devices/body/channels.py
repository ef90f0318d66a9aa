"""The channels: what a body can show, in which unit, and between which values a sensor can show it."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.float64]
Stages: TypeAlias = npt.NDArray[np.int8]

EPOCH_S = 30
"""Sleep is scored in epochs of 30 s; a synthetic body changes from epoch to epoch."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One thing a body shows: its unit, and the least and most that a sensor can say.

    A value outside *low* and *high* is no reading but a fault: recordings that hold one are refused.
    The ranges are wide enough for everything in Walch (2019) and in MMASH (Rossi 2020): heart rates of
    30 to 220, beats 0.163 to 61.7 s apart (a lost sensor contact), at most 1,018 counts in a second.
    """

    unit: str
    low: float
    high: float


CHANNELS = {
    "heart_rate": Channel("beat/min", 20, 250),
    "rr_interval": Channel("s", 0, 120),
    "rmssd": Channel("ms", 0, 1_000),
    "movement": Channel("count", 0, 20_000),
    "light": Channel("lx", 0, 200_000),
}
"""All channels by name.

``rmssd`` is in milliseconds, as every paper and watch prints it. ``movement`` of a synthetic body is the
activity count of the 30 s from the reading's time (vector magnitude, as ActiGraph counts); a recording
brings the counting interval it was made with. ``rr_interval`` is the time since the beat before; a synthetic body
shows it in windows of 30 s.
"""

STAGES = {"unscored": -1, "wake": 0, "n1": 1, "n2": 2, "n3": 3, "rem": 4, "sleep": 5}
"""The words of a ``stage`` recording and the numbers of a night; ``sleep`` is asleep, stage unknown."""
