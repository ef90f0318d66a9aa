"""The figures of an arm: what it reached, when, at what price, and for whom."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from aggregator.accounting import OUTCOMES
from fleetbeat.study.bootstrap import Estimate, FloatArray, estimate, sums_of
from fleetbeat.study.cell import Lived
from fleetbeat.study.comparison import Comparison, Yardstick
from fleetbeat.study.seedwise import auc, gini, lost_days, of_life, to_target
from fleetbeat.study.settings import Study


@dataclass(frozen=True, slots=True)
class ToTarget:
    """When an arm first came within the allowed gap of its seed's central model; None is never, in most of the seeds.

    The median counts a seed that never came there as later than all others. Virtual seconds since the start.
    """

    reached: int
    seeds: int
    median_s: float | None
    low_s: float | None
    high_s: float | None
    median_rounds: float | None


@dataclass(frozen=True, slots=True)
class KindCost:
    """What learning takes from one device of a kind a day."""

    devices: int
    battery_min_a_day: Estimate
    battery_day_share: Estimate
    mb_a_month: Estimate


@dataclass(frozen=True, slots=True)
class ArmFigures:
    """All that is told of one arm; None or empty is what does not exist or is not known."""

    seeds: int
    crashed: Mapping[int, str]
    balanced_accuracy: Estimate | None
    own_balanced_accuracy: Estimate | None
    auc: Estimate | None
    gap_to_central: Estimate | None
    gap_yardstick: Yardstick | None
    gain_over_local: Estimate | None
    to_target: ToTarget | None
    virtual_s: Estimate | None
    rounds: Estimate | None
    aggregated_rounds: Estimate | None
    outcomes: Mapping[str, Estimate]
    kinds: Mapping[str, KindCost]
    learning_j: Estimate | None
    energy_per_point_j: Estimate | None
    wasted_share: Estimate | None
    gini: Estimate | None
    unheard_accuracy: Estimate | None
    heard_accuracy: Estimate | None
    unheard_less_heard: Estimate | None
    lost_days: Estimate | None

    @property
    def worst_kind(self) -> str | None:
        """The kind from which learning takes the largest share of a battery day."""
        return max(self.kinds, key=lambda kind: self.kinds[kind].battery_day_share.value, default=None)


def figures_of(arm: str, study: Study, comparison: Comparison) -> ArmFigures:
    """Return the figures of *arm*."""
    yardstick = comparison.yardstick(arm, "central")
    gap = None if yardstick is None or arm == "central" else comparison.difference(arm, "central", yardstick)
    unheard, heard, less = comparison.unheard(arm)
    count = partial(comparison.mean, arm, within=(0.0, math.inf))
    share = partial(comparison.quotient, arm, within=(0.0, 1.0))
    spent = of_life(lambda lived: lived.learning_j)
    return ArmFigures(
        seeds=len(comparison.cells.get(arm, {})),
        crashed=comparison.crashed.get(arm, {}),
        balanced_accuracy=comparison.accuracy(arm, "strangers"),
        own_balanced_accuracy=comparison.accuracy(arm, "own"),
        auc=comparison.mean(arm, auc, within=(0.0, 1.0)),
        gap_to_central=None if gap is None else gap.turned(),
        gap_yardstick=yardstick,
        gain_over_local=None if arm == "local-only" else comparison.difference(arm, "local-only", "own"),
        to_target=_to_target(arm, comparison, study.thresholds.gap_to_central),
        virtual_s=count(of_life(lambda lived: lived.virtual_s)),
        rounds=count(of_life(lambda lived: lived.rounds)),
        aggregated_rounds=count(of_life(lambda lived: lived.aggregated_rounds)),
        outcomes={
            outcome: known
            for outcome in OUTCOMES
            if (known := share((of_life(partial(_outcome, outcome)), of_life(lambda lived: lived.selected))))
            is not None
        },
        kinds=_kinds(arm, comparison),
        learning_j=count(spent),
        energy_per_point_j=_energy_per_point(arm, comparison),
        wasted_share=share((of_life(lambda lived: lived.wasted_j), spent)),
        gini=comparison.mean(arm, of_life(lambda lived: gini(list(lived.delivered.values()))), (0.0, 1.0)),
        unheard_accuracy=unheard,
        heard_accuracy=heard,
        unheard_less_heard=less,
        lost_days=count(lost_days),
    )


def _kinds(arm: str, comparison: Comparison) -> dict[str, KindCost]:
    lived = [cell.lived for cell in comparison.cells.get(arm, {}).values() if cell.lived is not None]
    names = sorted({kind for one in lived for kind, cost in one.kinds.items() if cost.devices})
    costs = {}
    for name in names:
        known = [
            comparison.mean(arm, of_life(partial(_cost, name, figure)), (0.0, math.inf))
            for figure in ("battery_min_a_day", "battery_day_share", "mb_a_month")
        ]
        minutes, share, traffic = known
        if minutes is not None and share is not None and traffic is not None:
            devices = max(one.kinds[name].devices for one in lived if name in one.kinds)
            costs[name] = KindCost(devices, minutes, share, traffic)
    return costs


def _cost(kind: str, figure: str, lived: Lived) -> float | None:
    cost = lived.kinds.get(kind)
    return None if cost is None or not cost.devices else float(getattr(cost, figure))


def _outcome(outcome: str, lived: Lived) -> float | None:
    return lived.outcomes.get(outcome, 0)


def _energy_per_point(arm: str, comparison: Comparison) -> Estimate | None:
    """Joules for each point of balanced accuracy above guessing, both means over seeds; None where there is none."""
    chance = comparison.chance("strangers")
    parts = [
        np.array([[cell.lived.learning_j, 100 * (reached - chance)]])
        for cell in comparison.cells.get(arm, {}).values()
        if chance is not None
        and cell.lived is not None
        and cell.strangers is not None
        and (reached := cell.strangers.figures.get("balanced_accuracy")) is not None
    ]
    return estimate(sums_of(parts) if parts else None, _price, within=(0.0, math.inf))


def _price(sums: FloatArray) -> FloatArray:
    joules, points = sums[..., 0], sums[..., 1]
    return np.divide(joules, points, out=np.full_like(joules, np.nan), where=points > 0)


def _to_target(arm: str, comparison: Comparison, gap: float) -> ToTarget | None:
    known = [
        reached
        for seed, cell in comparison.cells.get(arm, {}).items()
        if (reached := to_target(cell, comparison.neighbours(seed), gap)) is not None
    ]
    if not known:
        return None
    times = np.array([t_s for t_s, _ in known])
    rounds = np.array([number if math.isfinite(t_s) else math.inf for t_s, number in known])
    seeds = len(known)
    once = np.array([1.0] * seeds)
    low, high = _median_interval(times)
    return ToTarget(
        reached=int(np.isfinite(times).sum()),
        seeds=seeds,
        median_s=_finite(float(_medians(times, once[None])[0])),
        low_s=_finite(low),
        high_s=_finite(high),
        median_rounds=_finite(float(_medians(rounds, once[None])[0])),
    )


def _median_interval(times: FloatArray) -> tuple[float, float]:
    """Return the percentile interval of the median over drawn seeds; infinite ends are never."""
    seeds = len(times)
    weights = sums_of([row[None] for row in np.eye(seeds)]).draws
    low, high = np.quantile(_medians(times, weights), [0.025, 0.975], method="inverted_cdf")
    return float(low), float(high)


def _medians(values: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the (upper) median of *values* (n,) for each row of *weights* (…, n): never earlier than it was."""
    order = np.argsort(values)
    below = np.cumsum(weights[:, order], axis=1)
    place = np.argmax(below > weights.sum(axis=1, keepdims=True) / 2, axis=1)
    medians: FloatArray = values[order][place]
    return medians


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
