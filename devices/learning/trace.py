"""A trace: readings of one channel with running sums, so that any number of time windows costs the same."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from devices.buffer import FloatArray, IntArray

HOLDS_S = 300.0
"""A value counts as present for this long: watches sample the heart every 3 to 7 minutes in the background
(facts: Apple, V; median 4.96 min measured in the Walch recordings)."""


class Until(NamedTuple):
    """What came before each of some moments: how many readings, their weight, and the sums of values and squares."""

    readings: IntArray
    weight: FloatArray
    values: FloatArray
    squares: FloatArray


class Trace:
    """Values at times in ascending order. Windows are ``[from, to)``; what was not measured is NaN.

    Readings weigh alike; or, *by_time*, each as long as it holds: until the next one, the end of the window, or for
    `HOLDS_S`. Then it does not matter how often was measured, and the last value before a window reaches into it.
    """

    def __init__(
        self, times: npt.NDArray[np.floating], values: npt.NDArray[np.number], *, by_time: bool = False
    ) -> None:
        """Take *values* at *times*, both of one length."""
        self._times = times
        self._by_time = by_time
        self._centre = float(values[0]) if len(values) else 0.0  # small numbers keep their digits in the sums
        self._values: FloatArray = np.asarray(values - self._centre, np.float64)
        weights: FloatArray = np.ones(len(times))
        if by_time:
            weights = np.minimum(np.diff(times, append=np.inf), HOLDS_S)
        self._weights = _running(weights)
        self._sums = _running(weights * self._values)
        self._squares = _running(weights * (self._values * self._values))

    def before(self, moments: FloatArray) -> IntArray:
        """Return how many values lie before each of *moments*."""
        return np.searchsorted(self._times, moments)

    def until(self, moments: FloatArray) -> Until:
        """Return what came before each of *moments*: two of these are the edges of windows."""
        count = self.before(moments)
        if not self._by_time or not len(self._times):
            return Until(count, self._weights[count], self._sums[count], self._squares[count])
        last = np.maximum(count - 1, 0)
        held_s = np.clip(moments - self._times[last], 0.0, HOLDS_S)
        value = self._values[last]
        return Until(
            count,
            self._weights[last] + held_s,
            self._sums[last] + held_s * value,
            self._squares[last] + held_s * (value * value),
        )

    def mean(self, start: Until, end: Until) -> FloatArray:
        """Return the means from *start* to *end*."""
        weight = end.weight - start.weight
        return self._centre + (end.values - start.values) / np.where(weight > 0, weight, np.nan)

    def spread(self, start: Until, end: Until) -> FloatArray:
        """Return the standard deviations from *start* to *end*; NaN below two values."""
        weight = np.where(end.readings - start.readings >= 2, end.weight - start.weight, np.nan)
        mean = (end.values - start.values) / weight
        return np.sqrt(np.maximum((end.squares - start.squares) / weight - mean * mean, 0.0))

    def latest(self, moments: FloatArray) -> FloatArray:
        """Return the last value before each of *moments*, NaN where it is older than `HOLDS_S`."""
        if not len(self._times):
            return np.full(len(moments), np.nan)
        before = self.before(moments)
        last = np.maximum(before - 1, 0)
        known = (before > 0) & (self._times[last] >= moments - HOLDS_S)
        return np.where(known, self._centre + self._values[last], np.nan)


def _running(parts: FloatArray) -> FloatArray:
    """Return the sums of the first none, one, two … of *parts*."""
    return np.concatenate(((0.0,), np.cumsum(parts)))
