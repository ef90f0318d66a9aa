"""The server's app: a plain Flower ServerApp that runs one strategy for so many rounds and keeps what came of it."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from flwr.app import ArrayRecord, Context, MetricRecord
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import Strategy

from aggregator.course import Arrays, Course
from aggregator.server_end import told_to
from aggregator.strategies import OURS, Cohort, Options, make_strategy
from aggregator.strategy_file import strategy_path
from aggregator.watched import Tally, Watched
from broker import events as ev
from broker.errors import SettingsError

Score = Callable[[Arrays], Mapping[str, float] | None]
"""Judges a model on wearers who are in no device: loss, accuracy, balanced_accuracy, auc, kappa, majority_share …"""

SCORED = ("loss", "accuracy", "balanced_accuracy", "auc", "kappa", "majority_share")
"""The figures of a model that have columns of their own."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the server is to do; names as in a fleet file's [learning]."""

    strategy: str
    strategy_options: Options
    rounds: int
    round_deadline_s: float
    cohort: Cohort


@dataclass(frozen=True, kw_only=True)
class Witness:
    """Where the server's story goes, and what it needs to tell it."""

    record: ev.Record
    now_s: Callable[[], float]
    round_closed: Callable[[int], None]
    """Told that a round is over (0: before the first); writes RoundEnded."""
    device_of: Mapping[int, str]
    """Node id → device."""


def server_app(plan: Plan, course: Course, score: Score, witness: Witness) -> ServerApp:
    """Return a ServerApp that trains from ``course.arrays`` on and keeps *course* up to date.

    It goes on after ``course.rounds_done``, if an earlier server came that far. Raises SettingsError now, not in the
    server's thread, if the strategy cannot be had, or cannot go on.
    The app returns normally when rounds are done, when devices stayed away for too long, and when the strategy cannot
    use what it gets: ``course.cause`` and ``course.reason`` say which. Only Fleetbeat's own errors leave it (RunEnded).
    A strategy with a ``start`` of its own (an asynchronous one) is run as it is. What it aggregates is seen where it
    calls its own methods for that, and by `evaluate_fn` otherwise.
    """
    tally = Tally()
    strategy = make_strategy(plan.strategy, plan.strategy_options, plan.cohort, tally)
    rounds_before = course.rounds_done
    watched = Watched(strategy, tally, course, witness.device_of, witness.record, witness.now_s, rounds_before)
    own_loop = type(strategy).start is not Strategy.start
    if own_loop and rounds_before and plan.strategy not in OURS:
        raise SettingsError(f"{plan.strategy} has a loop of its own, which cannot begin after round {rounds_before}")
    app = ServerApp()

    def judge(round_: int, arrays: ArrayRecord) -> MetricRecord | None:
        round_ += rounds_before
        now_s, before, course.arrays = witness.now_s(), course.arrays, arrays.to_numpy_ndarrays()
        course.rounds_done = round_
        if watched.aggregated != round_ and not all(map(np.array_equal, before, course.arrays)):
            witness.record(ev.ModelAggregated(now_s, None, round_, tally.updates, tally.examples))
        metrics = score(course.arrays)
        if metrics is not None:
            witness.record(ev.ModelScored(now_s, None, round_, *(float(metrics[name]) for name in SCORED)))
            course.note("evaluate_metrics_serverapp", round_, metrics)
        witness.round_closed(round_)
        return None if metrics is None else MetricRecord({name: float(value) for name, value in metrics.items()})

    @app.main()
    def main(grid: Grid, _context: Context) -> None:
        with told_to(course, "in the strategy", strategy_path(plan.strategy)):
            strategy.start(
                grid=grid,
                initial_arrays=ArrayRecord(course.arrays),
                num_rounds=plan.rounds - rounds_before,
                timeout=plan.round_deadline_s,
                evaluate_fn=judge,
            )

    return app
