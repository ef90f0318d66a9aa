"""The paired bootstrap: seeds are drawn anew, and within each of them the wearers that were judged.

An interval of 95 % is the percentile interval of `DRAWS` such draws (Efron & Tibshirani 1993, An Introduction to the
Bootstrap, chapter 13). Two levels, both with replacement: Davison & Hinkley 1997, Bootstrap Methods and their
Application, section 3.8, who show that it counts the spread within a seed twice; the interval errs to the wide side.
Where the same persons are judged under every seed (recordings) they are drawn once for all of them: Owen 2007, The
pigeonhole bootstrap, Annals of Applied Statistics 1(2). Few seeds make a percentile interval too narrow, so that it is
stretched about the estimate as a t interval is beside a normal one: Hesterberg 2015, What Teachers Should Know About
the Bootstrap, The American Statistician 69(4). Few persons who are the same under every seed do as few seeds do: the
fewer of the two count. One such person is drawn always, and tells nothing of others: no interval.

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
"""One alone tells nothing of how others differ."""
ROUNDING = 1e-9
"""Differences of shares are a little off in their last digits: what lies on a threshold is not beyond it."""
_KEY = 1_993
_NORMAL = 1.959964
_FEWEST_FINITE = 0.5


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval; *low* and *high* are None where there is none.

    With one seed the interval is over that seed's wearers alone and says nothing about another seed: an anecdote. One
    person who is judged under every seed is one, too, without an interval.
    """

    value: float
    low: float | None
    high: float | None
    seeds: int
    persons: int | None = None
    """How many persons are judged, where they are the same under every seed; None: each seed brings its own."""
    persons_alone: tuple[float, float] | None = None
    """The interval that no number of seeds narrows: over those persons alone."""

    @property
    def anecdote(self) -> bool:
        """Whether nothing is known of how it varies from seed to seed, or from person to person."""
        return self.seeds < FEWEST or self.low is None or self.high is None

    def turned(self) -> "Estimate":
        """Return the figure with its sign changed."""
        low, high = (None if end is None else 0.0 - end for end in (self.high, self.low))
        alone = None if self.persons_alone is None else (0.0 - self.persons_alone[1], 0.0 - self.persons_alone[0])
        return replace(self, value=0.0 - self.value, low=low, high=high, persons_alone=alone)

    def above(self, level: float) -> "Estimate":
        """Return how far the figure lies above *level*."""
        low, high = (None if end is None else end - level for end in (self.low, self.high))
        alone = None if self.persons_alone is None else (self.persons_alone[0] - level, self.persons_alone[1] - level)
        return replace(self, value=self.value - level, low=low, high=high, persons_alone=alone)

    def wants_persons(self, threshold: float) -> bool:
        """Whether *threshold* lies within what the same persons under every seed leave open: seeds cannot decide it.

        Persons who are all alike leave nothing open.
        """
        if self.persons_alone is None:
            return False
        low, high = self.persons_alone
        return high - low > ROUNDING and low - ROUNDING <= threshold <= high + ROUNDING

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
        if distance <= ROUNDING**2 or not math.isfinite(reach):
            return None
        return max(1, math.ceil(self.seeds * reach / distance) - self.seeds)


@dataclass(frozen=True, slots=True)
class Sums:
    """What was counted, summed over wearers and seeds: as it is, (k,), and in every draw, (`DRAWS`, k)."""

    whole: FloatArray
    draws: FloatArray
    seeds: int
    singles: bool
    """Whether nothing is drawn within a seed: it has one row, or all have the same one person."""
    persons: int | None = None
    """How many persons are judged, where they are the same under every seed."""
    persons_alone: FloatArray | None = None
    """Draws of those alone, every seed taken once."""

    def of(self, columns: npt.NDArray[np.int64]) -> "Sums":
        """Return those *columns* of it."""
        alone = None if self.persons_alone is None else self.persons_alone[:, columns]
        return replace(self, whole=self.whole[columns], draws=self.draws[:, columns], persons_alone=alone)


def sums_of(parts: Sequence[FloatArray], persons: Sequence[Sequence[str]] | None = None) -> Sums:
    """Return the sums of *parts*: one part a seed, (w, k), a row a wearer, in an order that is the same for all arms.

    Where seeds judge the same persons, *persons* names those of each part's rows; a seed may lack some. Figures that
    exist only once a seed are parts of one row.
    """
    if persons is not None and len(parts) > 1:
        return _of_persons(parts, persons)
    seeds, columns = len(parts), parts[0].shape[1]
    times = _times(seeds)
    draws = np.zeros((DRAWS, columns))
    for place, part in enumerate(parts):
        wearers = len(part)
        weights = times[:, [place]]
        if wearers > 1:
            # a seed that was drawn m times has its wearers drawn m times
            chances = [1 / wearers] * wearers
            weights = np.random.default_rng((_KEY, place)).multinomial(times[:, place] * wearers, chances)
        draws += weights @ part
    return Sums(_whole(parts), draws, seeds, all(len(part) == 1 for part in parts))


def _of_persons(parts: Sequence[FloatArray], persons: Sequence[Sequence[str]]) -> Sums:
    """Draw persons once for all seeds: who is drawn m times is so wherever that person has a row."""
    place_of = {name: place for place, name in enumerate(dict.fromkeys(name for own in persons for name in own))}
    count, columns, times = len(place_of), parts[0].shape[1], _times(len(parts))
    drawn = np.random.default_rng((_KEY, 0)).multinomial(count, [1 / count] * count, DRAWS)
    draws, alone = np.zeros((DRAWS, columns)), np.zeros((DRAWS, columns))
    for place, (part, own) in enumerate(zip(parts, persons, strict=True)):
        here = drawn[:, [place_of[name] for name in own]] @ part
        alone += here
        draws += times[:, [place]] * here
    return Sums(_whole(parts), draws, len(parts), singles=count == 1, persons=count, persons_alone=alone)


def _whole(parts: Sequence[FloatArray]) -> FloatArray:
    whole: FloatArray = np.sum([part.sum(axis=0) for part in parts], axis=0)
    return whole


def estimate(sums: Sums | None, statistic: Statistic, within: tuple[float, float] = ANYTHING) -> Estimate | None:
    """Return *statistic* of *sums* with its interval; None if it does not exist.

    Of a figure that exists once, or for one person, there is no interval. No end leaves what the figure can be,
    *within*.
    """
    if sums is None:
        return None
    value = float(statistic(sums.whole))
    if not math.isfinite(value):
        return None
    if sums.singles and 1 in (sums.seeds, sums.persons):
        return Estimate(value, None, None, sums.seeds, sums.persons)
    few, alone = sums.seeds, None
    if sums.persons is not None and sums.persons_alone is not None:
        alone = _ends(value, statistic(sums.persons_alone), sums.persons, within)
        few = min(few, sums.persons)
    low, high = _ends(value, statistic(sums.draws), few, within) or (None, None)
    return Estimate(value, low, high, sums.seeds, sums.persons, alone)


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
