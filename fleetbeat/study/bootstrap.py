"""The paired bootstrap: seeds are drawn anew, and within each of them the wearers that were judged.

An interval of 95 % is the percentile interval of `DRAWS` such draws (Efron & Tibshirani 1993, An Introduction to the
Bootstrap, chapter 13). Two levels, both with replacement: Davison & Hinkley 1997, Bootstrap Methods and their
Application, section 3.8, who show that it counts the spread within a seed twice; the interval errs to the wide side.
Where the same persons are judged under every seed (recordings) they are drawn once for all of them: Owen 2007, The
pigeonhole bootstrap, Annals of Applied Statistics 1(2). Few seeds make a percentile interval too narrow, so that it is
stretched about the estimate as a t interval is beside a normal one: Hesterberg 2015, What Teachers Should Know About
the Bootstrap, The American Statistician 69(4). Few persons who are the same under every seed do as few seeds do: the
fewer of the two count.

What is compared stands in one row, so that each draw takes the same seeds and wearers for both (common random numbers).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

FloatArray = npt.NDArray[np.float64]
Statistic = Callable[[FloatArray], FloatArray]
"""From sums (…, k) to a figure (…,)."""

DRAWS = 2_000
ANYTHING = (-math.inf, math.inf)
LEVEL = 0.95
FEWEST = 2
"""One alone tells nothing of how others differ: no interval is wider than that of two."""
_KEY = 1_993
_NORMAL = 1.959964
_FEWEST_FINITE = 0.5


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval; *low* and *high* are None where there is none.

    With one seed the interval is over that seed's wearers alone and says nothing about another seed: an anecdote.
    """

    value: float
    low: float | None
    high: float | None
    seeds: int
    persons_alone: tuple[float, float] | None = None
    """The interval that no number of seeds narrows, where all judge the same persons; None: each brings its own."""

    @property
    def anecdote(self) -> bool:
        """Whether nothing is known of how it varies from seed to seed."""
        return self.seeds < FEWEST or self.low is None or self.high is None

    def turned(self) -> "Estimate":
        """Return the figure with its sign changed."""
        low, high = (None if end is None else 0.0 - end for end in (self.high, self.low))
        alone = None if self.persons_alone is None else (0.0 - self.persons_alone[1], 0.0 - self.persons_alone[0])
        return Estimate(0.0 - self.value, low, high, self.seeds, alone)

    def above(self, level: float) -> "Estimate":
        """Return how far the figure lies above *level*."""
        low, high = (None if end is None else end - level for end in (self.low, self.high))
        alone = None if self.persons_alone is None else (self.persons_alone[0] - level, self.persons_alone[1] - level)
        return Estimate(self.value - level, low, high, self.seeds, alone)

    def wants_persons(self, threshold: float) -> bool:
        """Whether *threshold* lies within what the same persons under every seed leave open: seeds cannot decide it."""
        return self.persons_alone is not None and self.persons_alone[0] <= threshold <= self.persons_alone[1]

    def further_seeds(self, threshold: float) -> int | None:
        """Return how many more seeds would take *threshold* out of the interval, if the figure stays what it is.

        An estimate: the interval's width shrinks with the root of the number of seeds, but for what `persons_alone`
        has of it (squares add up). None where no number would do (the figure lies on the threshold, or it takes more
        persons) or none can be told.
        """
        if self.anecdote or self.low is None or self.high is None or self.wants_persons(threshold):
            return None
        above = threshold > self.value
        least, most = self.persons_alone or (self.value, self.value)
        stays = (most - self.value if above else self.value - least) ** 2
        distance = (self.value - threshold) ** 2 - stays
        reach = (self.high - self.value if above else self.value - self.low) ** 2 - stays
        if distance <= 0 or not math.isfinite(reach):
            return None
        return max(1, math.ceil(self.seeds * reach / distance) - self.seeds)


@dataclass(frozen=True, slots=True)
class Sums:
    """What was counted, summed over wearers and seeds: as it is, (k,), and in every draw, (`DRAWS`, k)."""

    whole: FloatArray
    draws: FloatArray
    seeds: int
    singles: bool
    """Whether there is one row a seed, and so nothing to draw within a seed."""
    same_persons: int = 0
    """How many persons are judged, where they are the same under every seed."""
    persons: FloatArray | None = None
    """Draws of those alone, every seed taken once."""

    def of(self, columns: npt.NDArray[np.int64]) -> "Sums":
        """Return those *columns* of it."""
        persons = None if self.persons is None else self.persons[:, columns]
        return replace(self, whole=self.whole[columns], draws=self.draws[:, columns], persons=persons)


def sums_of(parts: Sequence[FloatArray], *, same_wearers: bool = False) -> Sums:
    """Return the sums of *parts*: one part a seed, (w, k), a row a wearer, in an order that is the same for all arms.

    Figures that exist only once a seed are parts of one row.
    """
    seeds, columns = len(parts), parts[0].shape[1]
    times = _times(seeds)
    draws, whole = np.zeros((DRAWS, columns)), np.sum([part.sum(axis=0) for part in parts], axis=0)
    same_persons, persons = len(parts[0]) if same_wearers else 0, None
    if same_persons:
        of_them = np.random.default_rng((_KEY, 0)).multinomial(same_persons, [1 / same_persons] * same_persons, DRAWS)
        persons = of_them @ np.sum(parts, axis=0)
    for place, part in enumerate(parts):
        wearers = len(part)
        weights = times[:, [place]]
        if same_persons:
            weights = weights * of_them
        elif wearers > 1:
            # a seed that was drawn m times has its wearers drawn m times
            chances = [1 / wearers] * wearers
            weights = np.random.default_rng((_KEY, place)).multinomial(times[:, place] * wearers, chances)
        draws += weights @ part
    return Sums(whole, draws, seeds, all(len(part) == 1 for part in parts), same_persons, persons)


def estimate(sums: Sums | None, statistic: Statistic, within: tuple[float, float] = ANYTHING) -> Estimate | None:
    """Return *statistic* of *sums* with its interval; None if it does not exist.

    Of a figure that exists once, there is no interval. No end leaves what the figure can be, *within*.
    """
    if sums is None:
        return None
    value = float(statistic(sums.whole))
    if not math.isfinite(value):
        return None
    if sums.seeds == 1 and sums.singles:
        return Estimate(value, None, None, 1)
    few, alone = sums.seeds, None
    if sums.persons is not None:
        alone = _ends(value, statistic(sums.persons), sums.same_persons, within)
        few = min(few, max(sums.same_persons, FEWEST))
    low, high = _ends(value, statistic(sums.draws), few, within) or (None, None)
    return Estimate(value, low, high, sums.seeds, alone)


def _ends(value: float, draws: FloatArray, seeds: int, within: tuple[float, float]) -> tuple[float, float] | None:
    low, high = (float(end) for end in interval(value, draws, seeds))
    return None if math.isnan(low) or math.isnan(high) else (max(low, within[0]), min(high, within[1]))


def interval(value: FloatArray | float, draws: FloatArray, seeds: int) -> tuple[FloatArray, FloatArray]:
    """Return the ends of the interval about *value* (…,) from its *draws* (`DRAWS`, …).

    Draws in which the figure does not exist are left out; NaN where they are more than half.
    """
    finite = np.isfinite(draws)
    enough = finite.mean(axis=0) > _FEWEST_FINITE
    known = np.where(finite, draws, np.nan)
    known = np.where(enough, known, 0.0)
    tail = (1 - LEVEL) / 2
    low, high = np.nanquantile(known, [tail, 1 - tail], axis=0)
    stretch = stretched(seeds)
    lower = np.where(enough, np.minimum(value, value + (low - value) * stretch), np.nan)
    upper = np.where(enough, np.maximum(value, value + (high - value) * stretch), np.nan)
    return lower, upper


def stretched(seeds: int) -> float:
    """Return how much wider than the percentiles the interval of so few seeds has to be (1: of one seed, or many)."""
    if seeds < FEWEST:
        return 1.0
    return math.sqrt(seeds / (seeds - 1)) * float(stdtrit(seeds - 1, 1 - (1 - LEVEL) / 2)) / _NORMAL


def balanced_accuracy(tables: FloatArray, present: npt.NDArray[np.bool_]) -> FloatArray:
    """Return the mean recall over the *present* classes (c,) of summed confusion *tables* (…, c × c).

    NaN where one of them does not occur: without it the figure would be another one.
    """
    classes = len(present)
    square = tables.reshape(*tables.shape[:-1], classes, classes)
    right, truth = np.diagonal(square, axis1=-2, axis2=-1)[..., present], square.sum(axis=-1)[..., present]
    recall = np.divide(right, truth, out=np.full_like(right, np.nan), where=truth > 0)
    mean: FloatArray = recall.mean(axis=-1) if present.any() else np.full(tables.shape[:-1], np.nan)
    return mean


def ratio(sums: FloatArray) -> FloatArray:
    """Return first over second column: a mean, where the second counts seeds."""
    first, second = sums[..., 0], sums[..., 1]
    return np.divide(first, second, out=np.full_like(first, np.nan), where=second != 0)


@cache
def _times(seeds: int) -> npt.NDArray[np.int64]:
    """How often each seed is drawn, (`DRAWS`, seeds): the same for every figure."""
    return np.random.default_rng(_KEY).multinomial(seeds, [1 / seeds] * seeds, DRAWS)
