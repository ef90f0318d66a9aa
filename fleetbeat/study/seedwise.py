"""Figures that exist once a seed: each from a cell and its neighbours, the cells of the same seed by arm."""

import math
from collections.abc import Callable, Mapping, Sequence

from fleetbeat.study.cell import Cell, Lived
from fleetbeat.study.comparison import Seedwise


def auc(cell: Cell, _: Mapping[str, Cell]) -> float | None:
    """Return the AUC on strangers, or on own nights where nobody is kept aside."""
    judged = cell.strangers or cell.own
    return None if judged is None else judged.figures.get("auc")


def of_life(figure: Callable[[Lived], float | None]) -> Seedwise:
    """Return the seedwise *figure* of arms that lived."""
    return lambda cell, _: None if cell.lived is None else figure(cell.lived)


def gini(counts: Sequence[int]) -> float | None:
    """Return the Gini coefficient of *counts*: 0 where all have as many, (n - 1) / n where one has all.

    Half the mean absolute difference, relative to the mean, in the form of Dorfman 1979, A Formula for the Gini
    Coefficient, Review of Economics and Statistics 61(1). None where nobody has any.
    """
    total, n = sum(counts), len(counts)
    if not total:
        return None
    ranked = sum(rank * count for rank, count in enumerate(sorted(counts), 1))
    return 2 * ranked / (n * total) - (n + 1) / n


def lost_days(cell: Cell, neighbours: Mapping[str, Cell]) -> float | None:
    """Return the device-days on which a battery went flat that lasted on the same day without learning."""
    without = neighbours.get("no-training")
    if cell.lived is None or without is None or without.lived is None:
        return None
    lasting = without.lived.deaths
    return float(sum(len(set(days) - set(lasting.get(device, ()))) for device, days in cell.lived.deaths.items()))


def to_target(cell: Cell, neighbours: Mapping[str, Cell], gap: float) -> tuple[float, int] | None:
    """Return when (virtual seconds, round) *cell* first came within *gap* of central; infinite: never; None: unknown.

    As the yardstick of every moment, central is judged on the same strangers.
    """
    central = neighbours.get("central")
    goal = None if central is None or central.strangers is None else central.strangers.figures.get("balanced_accuracy")
    known = [(moment, moment.balanced_accuracy) for moment in cell.curve if moment.balanced_accuracy is not None]
    if goal is None or not known:
        return None
    there = (moment for moment, reached in known if reached >= goal - gap - 1e-9)
    return next(((moment.t_s, moment.round) for moment in there), (math.inf, 0))
