"""The people: a population's bodies, as a laboratory would hold them, one row a wearer."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from devices.body import EPOCH_S, Night, SyntheticBody
from devices.body.day import DAY_S
from devices.body.wearer import wearer

SEED = 7
START = datetime(2026, 1, 5, 12)  # noqa: DTZ001  # a label; from noon on, so that every day holds one whole night
EPOCHS = DAY_S // EPOCH_S

Epochs = npt.NDArray[np.float32]
Truths = npt.NDArray[np.int8]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class People:
    """Arrays are (wearers, days, epochs of 30 s from noon); *in_period* is from falling asleep to rising."""

    seed: int
    bodies: list[SyntheticBody]
    nights: list[list[Night]]
    ages: npt.NDArray[np.float64]
    stages: Truths
    in_bed: Flags
    in_period: Flags
    heart: Epochs
    rmssd: Epochs
    movement: Epochs

    @property
    def up(self) -> Flags:
        """Out of bed."""
        return ~self.in_bed


def gather(wearers: int, days: int, seed: int = SEED) -> People:
    """Let so many wearers live so many days of the seed's fleet, and write everything down.

    Where a sensor finds nothing, its last value stands, as on a watch's face.
    """
    names = [f"wearer-{number + 1}" for number in range(wearers)]
    bodies = [SyntheticBody(seed, name, START) for name in names]
    shape, grid = (wearers, days, EPOCHS), np.arange(0.0, DAY_S, EPOCH_S)
    signals = {channel: np.zeros(shape, np.float32) for channel in ("heart_rate", "rmssd", "movement")}
    stages, in_bed, in_period = np.zeros(shape, np.int8), np.zeros(shape, bool), np.zeros(shape, bool)
    nights: list[list[Night]] = []
    for row, body in enumerate(bodies):
        slept = []
        for day in range(days):
            from_s, to_s = float(day * DAY_S), float((day + 1) * DAY_S)
            for channel, table in signals.items():
                times, values = body.readings(channel, from_s, to_s, EPOCH_S)
                table[row, day] = values[np.maximum(np.searchsorted(times, grid + from_s, side="right") - 1, 0)]
            stages[row, day] = body.truth(from_s, to_s)[1]
            (night,) = (night for night in body.nights(from_s, to_s + DAY_S) if from_s <= night.bed_s < to_s)
            bed, rise = round((night.bed_s - from_s) / EPOCH_S), round((night.rise_s - from_s) / EPOCH_S)
            in_bed[row, day, bed:rise] = True
            in_period[row, day, bed + int(np.argmax(night.stages > 0)) : rise] = True
            slept.append(night)
        nights.append(slept)
    ages = np.array([wearer(seed, name).age_years for name in names])
    return People(
        seed=seed,
        bodies=bodies,
        nights=nights,
        ages=ages,
        stages=stages,
        in_bed=in_bed,
        in_period=in_period,
        heart=signals["heart_rate"],
        rmssd=signals["rmssd"],
        movement=signals["movement"],
    )
