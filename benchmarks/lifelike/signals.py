"""The signals: hearts and wrists of a population, beside those of the people who were measured."""

import numpy as np
import numpy.typing as npt

from benchmarks.lifelike.people import EPOCHS, Flags, People

FIRST_H = 12.0
YOUNG_YEARS = 30.0
LAGS = {"heart_memory_30s": 1, "heart_memory_5min": 10}


def signals(people: People) -> dict[str, float]:
    """Return every figure of heart and movement by its key; correlations and waves are of one day a person."""
    asleep = people.stages > 0
    own = _mean(people.heart, asleep)
    found = {"heart_asleep": float(own.mean()), "heart_between": float(own.std(ddof=1))}
    found |= _wave(people)
    found |= _memory(people)
    found |= _unevenness(people)
    still = people.movement == 0
    found["still_awake"] = 100 * float(still[~people.in_period].mean())
    found["still_asleep"] = 100 * float(still[people.in_period].mean())
    found["movement_heart"] = _together(people)
    return found


def _mean(values: npt.NDArray[np.float32], where: Flags) -> npt.NDArray[np.float64]:
    """Return each person's mean of *values* over the epochs marked in *where*."""
    sums = np.where(where, values, 0.0).sum(axis=(1, 2), dtype=np.float64)
    return np.asarray(sums / where.sum(axis=(1, 2)), np.float64)


def _wave(people: People) -> dict[str, float]:
    """Fit a wave of 24 h to one day of each person (cosinor)."""
    angle = (FIRST_H + np.arange(EPOCHS) / 120) * (np.pi / 12)
    waves = np.c_[np.ones(EPOCHS), np.cos(angle), np.sin(angle)]
    _, cosine, sine = np.linalg.lstsq(waves, people.heart[:, 0].T.astype(np.float64))[0]
    return {
        "wave_amplitude": float(np.hypot(cosine, sine).mean()),
        "wave_peak": float(np.median(np.arctan2(sine, cosine) * 12 / np.pi % 24)),
    }


def _memory(people: People) -> dict[str, float]:
    """Return the correlation of the sleeping heart with itself a while later: the mean over persons, one night each."""
    found: dict[str, list[float]] = {key: [] for key in LAGS}
    for heart, stages in zip(people.heart[:, 0], people.stages[:, 0], strict=True):
        asleep = stages > 0
        for key, lag in LAGS.items():
            both = asleep[lag:] & asleep[:-lag]
            found[key].append(float(np.corrcoef(heart[lag:][both], heart[:-lag][both])[0, 1]))
    return {key: float(np.mean(values)) for key, values in found.items()}


def _unevenness(people: People) -> dict[str, float]:
    """Return RMSSD asleep and out of bed, and how it differs between age groups."""
    asleep = _mean(people.rmssd, people.stages > 0)
    young = people.ages < YOUNG_YEARS
    return {
        "rmssd_asleep": float(asleep.mean()),
        "rmssd_awake": float(_mean(people.rmssd, people.up).mean()),
        "rmssd_older": float(asleep[~young].mean() / asleep[young].mean()),
    }


def _together(people: People) -> float:
    """Return how log movement and heart go together awake: the mean correlation over persons, one day each."""
    found = []
    for heart, movement, awake in zip(people.heart[:, 0], people.movement[:, 0], ~people.in_period[:, 0], strict=True):
        found.append(np.corrcoef(np.log1p(movement[awake]), heart[awake])[0, 1])
    return float(np.mean(found))
