"""The tables of a study folder: every arm and seed, every pair, and the verdict as a document."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from aggregator.accounting import OUTCOMES
from fleetbeat.run_folder import WholeFiles
from fleetbeat.study.bootstrap import Estimate
from fleetbeat.study.cell import Cell
from fleetbeat.study.comparison import Comparison
from fleetbeat.study.criteria import Criterion
from fleetbeat.study.figures import ArmFigures, KindCost, ToTarget
from fleetbeat.study.seedwise import gini, lost_days, to_target
from fleetbeat.study.settings import Study
from fleetbeat.study.verdict import ArmVerdict, Pair, Verdict
from fleetbeat.study.wording import asked, remark

METRICS = ("balanced_accuracy", "auc", "accuracy", "kappa", "loss", "majority_share")
LIVED = ("virtual_s", "ended", "rounds", "aggregated_rounds", "selected")
SPENT = ("learning_j", "wasted_j", "life_j", "bytes_down", "bytes_up")
COST = ("battery_min_a_day", "battery_day_share", "mb_a_month")
ARMS = ",".join(
    (
        *("arm", "seed", "error"),
        *METRICS,
        *(f"own_{name}" for name in METRICS),
        *("time_to_target_s", "rounds_to_target", "reached_target"),
        *LIVED,
        *OUTCOMES,
        *SPENT,
        "costliest_kind",
        *COST,
        *("gini", "lost_days"),
    )
)
PAIRS = "arm,reference,metric,difference,low,high,seeds"


def write_tables(folder: Path, study: Study, cells: Iterable[Cell], verdict: Verdict) -> None:
    """Write ``arms.csv``, ``pairs.csv`` and ``verdict.json`` into *folder*, each whole or not at all.

    The same cells give the same bytes, in whatever order they come. Raises RunFolderError if a file cannot be written.
    """
    files = WholeFiles(folder)
    comparison = Comparison(cells)
    files.write_table("arms.csv", ARMS, _arm_lines(study, comparison, list(verdict.figures)))
    files.write_table("pairs.csv", PAIRS, map(_pair_line, verdict.pairs))
    files.write_json("verdict.json", document(study, verdict))


def document(study: Study, verdict: Verdict) -> dict[str, Any]:
    """Return what ``verdict.json`` says; what is not known is null."""
    return {
        "verdict": verdict.verdict,
        "sentence": verdict.sentence,
        "study": study.name,
        "asks": study.asks,
        "about": study.about,
        "fleet": study.fleet,
        "seeds": sorted(study.seeds),
        "thresholds": study.thresholds.model_dump(),
        "criteria": [_criterion(one) for one in verdict.chief.criteria],
        "remarks": list(verdict.chief.remarks),
        "further_seeds": verdict.chief.further_seeds,
        "arms": {arm: _arm(one) for arm, one in verdict.arms.items()},
        "figures": {arm: _figures(one) for arm, one in verdict.figures.items()},
    }


def _arm_lines(study: Study, comparison: Comparison, arms: Sequence[str]) -> Iterator[Sequence[object]]:
    for arm in arms:
        known, broken = comparison.cells.get(arm, {}), comparison.crashed.get(arm, {})
        for seed in sorted({*known, *broken}):
            if seed in known:
                yield _arm_line(study, known[seed], comparison.neighbours(seed))
            else:
                yield arm, seed, _quoted(broken[seed]), *(None for _ in ARMS.split(",")[3:])


def _arm_line(study: Study, cell: Cell, neighbours: Mapping[str, Cell]) -> Sequence[object]:
    lived = cell.lived
    reached = to_target(cell, neighbours, study.thresholds.gap_to_central)
    there = reached if reached is not None and math.isfinite(reached[0]) else (None, None)
    costs = {kind: cost for kind, cost in lived.kinds.items() if cost.devices} if lived is not None else {}
    kind = max(sorted(costs), key=lambda name: costs[name].battery_day_share, default=None)
    return (
        *(cell.arm, cell.seed, None),
        *((judged.figures.get(name) if judged else None) for judged in (cell.strangers, cell.own) for name in METRICS),
        *(*there, None if reached is None else reached == there),
        *(getattr(lived, name, None) for name in LIVED),
        *(None if lived is None else lived.outcomes.get(outcome, 0) for outcome in OUTCOMES),
        *(getattr(lived, name, None) for name in SPENT),
        kind,
        *(None if kind is None else getattr(costs[kind], name) for name in COST),
        *(None if lived is None else gini(list(lived.delivered.values())), lost_days(cell, neighbours)),
    )


def _pair_line(pair: Pair) -> Sequence[object]:
    difference = pair.difference
    return pair.arm, pair.reference, pair.metric, difference.value, difference.low, difference.high, difference.seeds


def _arm(one: ArmVerdict) -> dict[str, Any]:
    return {
        "verdict": one.verdict,
        "sentence": one.sentence,
        "criteria": [_criterion(criterion) for criterion in one.criteria],
        "remarks": list(one.remarks),
        "further_seeds": one.further_seeds,
    }


def _criterion(criterion: Criterion) -> dict[str, Any]:
    return {
        "criterion": criterion.name,
        "state": criterion.state,
        "threshold": criterion.threshold,
        "figure": _known(criterion.estimate),
        "asked": asked(criterion),
        "kind": criterion.about or None,
        "why": remark(criterion) or None,
        "further_seeds": criterion.further_seeds,
    }


def _figures(figures: ArmFigures) -> dict[str, Any]:
    return {field.name: _known(getattr(figures, field.name)) for field in fields(figures)}


def _known(value: Any) -> Any:
    """Return a figure as JSON has it, numbers rounded as in the tables."""
    if isinstance(value, Estimate | ToTarget | KindCost):
        return {field.name: _known(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _known(one) for key, one in value.items()}
    if isinstance(value, tuple):
        return [_known(one) for one in value]
    return round(value, 6) if isinstance(value, float) else value


def _quoted(text: str) -> str:
    """Return *text* as one cell of a CSV file, on one line."""
    return '"' + " ".join(text.split()).replace('"', '""') + '"'
