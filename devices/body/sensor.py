"""The sensor: what is shown of a body: whole units, within limits, with errors of motion and gaps without a pulse."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from devices.body.channels import FloatArray
from devices.body.wearer import Wearer

SENSED: dict[str, tuple[type[np.unsignedinteger[Any]], float, float]] = {
    "heart_rate": (np.uint8, 30, 220),
    "rmssd": (np.uint16, 4, 300),
    "movement": (np.uint16, 0, 15_000),
    "light": (np.uint32, 0, 120_000),
}
"""What a synthetic body shows, in whole units as sensors count, and between which it stays. The kinds of
number are small because a fleet remembers many blocks: 29 kB each."""

BY_PULSE = ("heart_rate", "rmssd")
"""Channels of an optical sensor: where it finds no pulse they have no reading, kept as 0."""

MOTION_BPM = 0.06
"""Error of an optical heart rate (sd) for each √count of movement: 1.6 beats a minute on one's feet, 3.4 at sport.
At rest the error is in what wanders by itself, which was measured with its sensor (Walch). That errors grow with
movement: Bent 2020, npj Digital Medicine 3:18 (recalled); how much is assumed."""

SLIP_EPOCHS = 10.0
"""Mean length of a gap: median 9 of 98 gaps in 23 nights (Walch 2019, computed)."""


def sensed(channel: str, signal: FloatArray) -> npt.NDArray[Any]:
    """Return *signal* as the sensor of *channel* counts it."""
    kind, low, high = SENSED[channel]
    return np.rint(np.clip(signal, low, high)).astype(kind)


def motion_error_bpm(vigour: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return what movement (√counts) adds to the heart rate shown."""
    error: FloatArray = MOTION_BPM * vigour * rng.standard_normal(len(vigour))
    return error


def pulseless(wearer: Wearer, epochs: int, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Return in which of so many *epochs* the sensor sits too loosely to find a pulse: in bouts, by person."""
    lost = np.zeros(epochs, bool)
    often = -math.log1p(-wearer.slips) / SLIP_EPOCHS  # bouts may overlap: together they cover the wearer's share
    bouts = int(rng.poisson(often * epochs))
    starts, lengths = rng.integers(0, epochs, bouts), rng.exponential(SLIP_EPOCHS, bouts)
    for start, length in zip(starts.tolist(), lengths.tolist(), strict=True):
        lost[start : start + math.ceil(length)] = True
    return lost
