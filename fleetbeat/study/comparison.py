"""Cells side by side: the same seeds, the same wearers, one arm beside another."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from fleetbeat.study.bootstrap import (
    ANYTHING,
    Estimate,
    FloatArray,
    Statistic,
    Sums,
    balanced_accuracy,
    estimate,
    ratio,
    sums_of,
)
from fleetbeat.study.cell import Cell, Judged

Yardstick = Literal["strangers", "own"]
Seedwise = Callable[[Cell, Mapping[str, Cell]], float | None]
"""A figure that exists once a seed, from a cell and its neighbours: the cells of the same seed, by arm."""


class Comparison:
    """Holds the cells of a study by arm and seed, and estimates figures and paired differences from them."""

    def __init__(self, cells: Iterable[Cell], *, recorded: bool = False) -> None:
        """Compare *cells*; *recorded*: seeds judge recordings, who are the same persons under every seed."""
        self._recorded = recorded
        self.cells: dict[str, dict[int, Cell]] = {}
        self.crashed: dict[str, dict[int, str]] = {}
        for cell in sorted(cells, key=lambda cell: cell.seed):
            known, broken = self.cells.setdefault(cell.arm, {}), self.crashed.setdefault(cell.arm, {})
            if cell.error is None:
                known[cell.seed] = cell
            else:
                broken[cell.seed] = cell.error
        self._sums: dict[tuple[Yardstick, tuple[tuple[int, tuple[str, ...]], ...]], tuple[list[str], Sums]] = {}

    def neighbours(self, seed: int) -> dict[str, Cell]:
        """Return what all arms did with *seed*."""
        return {arm: cells[seed] for arm, cells in self.cells.items() if seed in cells}

    def yardstick(self, arm: str, reference: str) -> Yardstick | None:
        """Return on whom the two can be compared: strangers where both were judged on some, else own nights."""
        return next((kind for kind in ("strangers", "own") if self._shared((arm, reference), kind)), None)

    def chance(self, yardstick: Yardstick) -> float | None:
        """Return the balanced accuracy of guessing: 1 over the number of classes that occur."""
        classes = int(self._present[yardstick].sum())
        return 1 / classes if classes else None

    def accuracy(self, arm: str, yardstick: Yardstick) -> Estimate | None:
        """Return the balanced accuracy of *arm*, all judged answers of all its seeds together."""
        return self._answers((arm,), yardstick, lambda each: each[0], within=(0.0, 1.0))

    def difference(self, arm: str, reference: str, yardstick: Yardstick) -> Estimate | None:
        """Return the balanced accuracy of *arm* less that of *reference*, on the seeds and wearers both have."""
        return self._answers((arm, reference), yardstick, lambda each: each[0] - each[1], within=(-1.0, 1.0))

    def mean(self, arm: str, figure: Seedwise, within: tuple[float, float] = ANYTHING) -> Estimate | None:
        """Return the mean of *figure* over the seeds in which it exists."""
        return self.quotient(arm, (figure, lambda *_: 1.0), within)

    def quotient(
        self, arm: str, figures: tuple[Seedwise, Seedwise], within: tuple[float, float] = ANYTHING
    ) -> Estimate | None:
        """Return the sum of one figure over the sum of another, over the seeds in which both exist."""
        parts = [
            np.array([values], np.float64)
            for seed, cell in self.cells.get(arm, {}).items()
            if None not in (values := [figure(cell, self.neighbours(seed)) for figure in figures])
        ]
        return estimate(sums_of(parts) if parts else None, ratio, within)

    def mean_difference(self, arm: str, reference: str, figure: Seedwise) -> Estimate | None:
        """Return the mean of *figure* in *arm* less that in *reference*, over the seeds in which both have it."""

        def less(cell: Cell, neighbours: Mapping[str, Cell]) -> float | None:
            other = neighbours.get(reference)
            values = figure(cell, neighbours), None if other is None else figure(other, neighbours)
            return None if values[0] is None or values[1] is None else values[0] - values[1]

        return self.mean(arm, less)

    def unheard(self, arm: str) -> tuple[Estimate | None, Estimate | None, Estimate | None]:
        """Return the accuracy, on own nights, of devices that never delivered, of the others, and the difference."""
        parts, people = [], []
        for cell in self.cells.get(arm, {}).values():
            if cell.own is None or cell.lived is None or not cell.own.who:
                continue
            tables = np.asarray(cell.own.answers, np.float64)
            counts = np.stack([np.trace(tables, axis1=1, axis2=2), tables.sum(axis=(1, 2))], axis=1)
            never = np.array([not cell.lived.delivered.get(name) for name in cell.own.who])
            parts.append(np.concatenate([counts * never[:, None], counts * ~never[:, None]], axis=1))
            people.append(cell.own.who)
        statistics: Sequence[Statistic] = (
            lambda sums: ratio(sums[..., :2]),
            lambda sums: ratio(sums[..., 2:]),
            lambda sums: ratio(sums[..., :2]) - ratio(sums[..., 2:]),
        )
        sums = sums_of(parts, people if self._recorded else None) if parts else None
        bounds = ((0.0, 1.0), (0.0, 1.0), (-1.0, 1.0))  # two shares, and what one is less than the other
        unheard, others, less = (
            estimate(sums, statistic, within=within) for statistic, within in zip(statistics, bounds, strict=True)
        )
        return unheard, others, less

    def _answers(
        self,
        arms: Sequence[str],
        yardstick: Yardstick,
        compare: Callable[[Sequence[FloatArray]], FloatArray],
        within: tuple[float, float],
    ) -> Estimate | None:
        shared = self._shared(arms, yardstick)
        if not shared:
            return None
        present = self._present[yardstick]
        key = yardstick, tuple(shared.items())
        if key not in self._sums:
            self._sums[key] = self._summed(yardstick, shared)
        known, sums = self._sums[key]
        width = len(sums.whole) // len(known)
        columns = np.concatenate([known.index(arm) * width + np.arange(width) for arm in arms])

        def statistic(sums: FloatArray) -> FloatArray:
            return compare([balanced_accuracy(tables, present) for tables in np.split(sums, len(arms), axis=-1)])

        return estimate(sums.of(columns), statistic, within)

    def _summed(self, yardstick: Yardstick, shared: Mapping[int, tuple[str, ...]]) -> tuple[list[str], Sums]:
        """Return all arms that were judged on the *shared* wearers, and their answers, every draw the same for all."""
        arms = [
            arm
            for arm in self.cells
            if all(
                (judged := self._judged(arm, seed, yardstick)) and set(who) <= set(judged.who)
                for seed, who in shared.items()
            )
        ]
        parts = []
        for seed, who in shared.items():
            tables = [_tables(self._judged(arm, seed, yardstick), who) for arm in arms]
            parts.append(np.concatenate([table.reshape(len(who), -1) for table in tables], axis=1))
        return arms, sums_of(parts, [*shared.values()] if self._recorded else None)

    def _shared(self, arms: Sequence[str], yardstick: Yardstick) -> dict[int, tuple[str, ...]]:
        """Return whom all *arms* were judged on, by seed; seeds without anybody are left out."""
        first, *others = arms
        shared = {}
        for seed in self.cells.get(first, {}):
            judged = [self._judged(arm, seed, yardstick) for arm in (first, *others)]
            if any(one is None for one in judged):
                continue
            known = [one.who for one in judged if one is not None]
            common = set(known[0]).intersection(*known[1:])
            who = tuple(name for name in known[0] if name in common)
            if who:
                shared[seed] = who
        return shared

    def _judged(self, arm: str, seed: int, yardstick: Yardstick) -> Judged | None:
        cell = self.cells.get(arm, {}).get(seed)
        judged = None if cell is None else cell.strangers if yardstick == "strangers" else cell.own
        return judged if judged is not None and judged.who else None

    @cached_property
    def _present(self) -> dict[Yardstick, npt.NDArray[np.bool_]]:
        """Which classes occur at all: the same for every arm."""
        occur: dict[Yardstick, npt.NDArray[np.bool_]] = {}
        for yardstick in ("strangers", "own"):
            truths = [
                np.asarray(judged.answers).sum(axis=(0, 2))
                for arm, cells in self.cells.items()
                for seed in cells
                if (judged := self._judged(arm, seed, yardstick)) is not None
            ]
            occur[yardstick] = np.sum(truths, axis=0) > 0 if truths else np.zeros(0, np.bool_)
        return occur


def _tables(judged: Judged | None, who: Sequence[str]) -> FloatArray:
    assert judged is not None
    tables = np.asarray(judged.answers, np.float64)
    if tuple(judged.who) == tuple(who):
        return tables
    places = {name: place for place, name in enumerate(judged.who)}
    return tables[[places[name] for name in who]]
