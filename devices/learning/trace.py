"""A trace: readings of one channel with running sums, so that any number of time windows costs the same."""

import numpy as np
import numpy.typing as npt

from devices.buffer import FloatArray, IntArray

HOLDS_S = 300.0
"""A value counts as present for this long: watches sample the heart every 3 to 7 minutes in the background
(facts: Apple, V; median 4.96 min measured in the Walch recordings)."""


class Trace:
    """Values at times in ascending order. Windows are ``[from, to)``; what was not measured is NaN."""

    def __init__(self, times: npt.NDArray[np.floating], values: npt.NDArray[np.number]) -> None:
        """Take *values* at *times*, both of one length."""
        self._times = times
        self._centre = float(values[0]) if len(values) else 0.0  # small numbers keep their digits in the sums
        self._values = values - self._centre
        self._sums = np.concatenate(((0.0,), np.cumsum(self._values)))
        self._squares = np.concatenate(((0.0,), np.cumsum(self._values * self._values)))

    def before(self, moments: FloatArray) -> IntArray:
        """Return how many values lie before each of *moments*."""
        return np.searchsorted(self._times, moments)

    def mean(self, start: IntArray, end: IntArray) -> FloatArray:
        """Return the means of values *start* to *end* (counts from `before`)."""
        return self._centre + (self._sums[end] - self._sums[start]) / _or_nan(end - start, 1)

    def spread(self, start: IntArray, end: IntArray) -> FloatArray:
        """Return the standard deviations of values *start* to *end*; NaN below two values."""
        count = _or_nan(end - start, 2)
        mean = (self._sums[end] - self._sums[start]) / count
        return np.sqrt(np.maximum((self._squares[end] - self._squares[start]) / count - mean * mean, 0.0))

    def latest(self, moments: FloatArray, before: IntArray) -> FloatArray:
        """Return the last value before each of *moments*, NaN where it is older than `HOLDS_S`."""
        if not len(self._times):
            return np.full(len(moments), np.nan)
        last = np.maximum(before - 1, 0)
        known = (before > 0) & (self._times[last] >= moments - HOLDS_S)
        return np.where(known, self._centre + self._values[last], np.nan)


def _or_nan(counts: IntArray, least: int) -> FloatArray:
    """Return *counts* as divisors, NaN where there are fewer than *least*."""
    return np.where(counts >= least, counts, np.nan)
