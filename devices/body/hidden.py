"""The hidden state: what a body is doing and how it wanders, epoch by epoch; every signal follows from it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from devices.body.channels import FloatArray

Codes = npt.NDArray[np.int8]

WAKE, N1, N2, N3, REM, STILL, ACTIVE, EXERCISE = range(8)
"""States: the first five are a night's stages (awake in bed first), the others how the wearer spends the day."""

OF_ACTIVITY = {"in_bed": WAKE, "asleep": N2, "napping": N2, "still": STILL, "active": ACTIVE, "exercise": EXERCISE}
"""The state of each activity of a day; the stages of the night then refine what happens in bed."""

PLACES = ("home", "work", "commute", "out")


@dataclass(frozen=True, eq=False, slots=True)
class Hidden:
    """One block of a body, a value an epoch; what wanders has mean 0 and variance 1.

    *states* and *places* are codes of the tables above, *hours* the local clock. *urge* is the urge to
    move, *tone* what drives the heart by itself, *flutter* what makes its beats uneven, *flicker* how the
    light changes. *strain_bpm* and *strain_rmssd* are what the day's strain adds to the heart rate and leaves of the
    RMSSD. *spell* is one number for each spell of sitting, moving or lying, *tonight* and *sky*
    (the weather) one for the whole block.
    """

    states: Codes
    places: Codes
    hours: FloatArray
    urge: FloatArray
    tone: FloatArray
    flutter: FloatArray
    flicker: FloatArray
    strain_bpm: FloatArray
    strain_rmssd: FloatArray
    spell: FloatArray
    tonight: float
    sky: float
