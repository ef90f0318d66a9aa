"""What was taken of one source: the numbers of its batches, as runs without a gap, and their readings."""

from bisect import bisect_right
from collections.abc import Iterable

MAX_RUNS = 1_000
"""An outbox that overflows leaves one gap per outage. Only who skips numbers on purpose comes to more runs."""


class Taken:
    """Numbers may come in any order: a lost one may come later. The memory is exact, up to `MAX_RUNS` runs.

    Beyond that the oldest gap closes: numbers that were never seen there count as taken.
    """

    __slots__ = ("readings", "runs")

    def __init__(self, runs: Iterable[tuple[int, int]] = (), readings: int = 0) -> None:
        """*runs*: the first and the last number of each run, in order; *readings* that the batches held."""
        self.runs = list(runs)
        self.readings = readings

    def add(self, seq: int, readings: int) -> bool:
        """Note that the batch *seq* of so many *readings* is taken now; False, and no change, if it was before."""
        runs = self.runs
        at = bisect_right(runs, seq, key=_first)
        if at and seq <= runs[at - 1][1]:
            return False
        self.readings += readings
        start, end, first, last = at, at, seq, seq
        if at and runs[at - 1][1] == seq - 1:
            start, first = at - 1, runs[at - 1][0]
        if at < len(runs) and runs[at][0] == seq + 1:
            end, last = at + 1, runs[at][1]
        runs[start:end] = [(first, last)]
        if len(runs) > MAX_RUNS:
            runs[:2] = [(runs[0][0], runs[1][1])]
        return True


def _first(run: tuple[int, int]) -> int:
    return run[0]
