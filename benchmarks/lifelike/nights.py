"""The nights: how a population sleeps, counted as in a sleep laboratory."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from benchmarks.lifelike.people import People
from devices.body import Night

STAGES = ("wake", "n1", "n2", "n3", "rem")
N1, REM = 1, 4
GOOD = 0.85


def nights(people: People) -> dict[str, float]:
    """Return every figure of sleep by its key."""
    slept = [night for own in people.nights for night in own]
    found: dict[str, float] = {}
    found |= _named("share_", _shares(slept))
    step, early, late = _steps(slept)
    found |= _named("stay_", np.diag(step) / step.sum(axis=1))
    found |= _named("bout_cv_", _unevenness(slept))
    found["n1_to_rem"] = float((late[REM] / late.sum()) / (early[REM] / early.sum()))
    return found | _efficiencies(people)


def _named(prefix: str, values: npt.NDArray[np.float64]) -> dict[str, float]:
    return {prefix + stage: float(value) for stage, value in zip(STAGES, values, strict=True)}


def _shares(slept: list[Night]) -> npt.NDArray[np.float64]:
    """Return the share of each stage in percent of the time in bed."""
    counted = sum(np.bincount(night.stages, minlength=5) for night in slept)
    return 100 * np.asarray(counted, np.float64) / np.sum(counted)


def _steps(slept: list[Night]) -> tuple[npt.NDArray[np.float64], ...]:
    """Return how often each stage follows each after 30 s, and what follows N1 in the first and the last quarter."""
    step, early, late = np.zeros((5, 5)), np.zeros(5), np.zeros(5)
    for night in slept:
        now, then, quarter = night.stages[:-1], night.stages[1:], len(night.stages) // 4
        np.add.at(step, (now, then), 1)
        np.add.at(early, then[:quarter][now[:quarter] == N1], 1)
        np.add.at(late, then[-quarter:][now[-quarter:] == N1], 1)
    return step, early, late


def _unevenness(slept: list[Night]) -> npt.NDArray[np.float64]:
    """Return the coefficient of variation of the lengths of all bouts of each stage, edges of the night included."""
    lengths: list[list[int]] = [[] for _ in STAGES]
    for night in slept:
        for stage, length in _bouts(night):
            lengths[stage].append(length)
    return np.array([np.std(own) / np.mean(own) for own in lengths])


def _bouts(night: Night) -> Iterator[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(night.stages, prepend=-9, append=-9))
    yield from zip(night.stages[edges[:-1]].tolist(), np.diff(edges).tolist(), strict=True)


def _efficiencies(people: People) -> dict[str, float]:
    """Return mean, share of good nights, and the spreads as components of variance, as an ICC is made of them."""
    efficiency = np.array([[night.efficiency for night in own] for own in people.nights])
    days = efficiency.shape[1]
    within = float(efficiency.var(axis=1, ddof=1).mean())
    between = max(0.0, float(efficiency.mean(axis=1).var(ddof=1)) - within / days)
    return {
        "efficiency": float(efficiency.mean()),
        "efficiency_between": between**0.5,
        "efficiency_within": within**0.5,
        "good_nights": float((efficiency >= GOOD).mean()),
    }
