"""A guest: a ServerApp of somebody's own, unmodified, and somebody who notes what its strategy does."""

import inspect
import logging
import math
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zlib import crc32

from flwr.app import ArrayRecord, Context, MetricRecord
from flwr.app.typing import MetricRecordValues
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import Result, Strategy

from aggregator.course import Arrays, Course
from aggregator.draws import seed_global_generators
from aggregator.legacy import in_one_thread
from aggregator.legacy_watched import LegacyWatched
from aggregator.server_app import SCORED, Witness
from aggregator.server_end import ended_by, told_to
from aggregator.watched import Tally, Watched
from broker import events as ev

EvaluateFn = Callable[[int, ArrayRecord], MetricRecord | None]

_log = logging.getLogger(__name__)


class Notes:
    """What the run folder hears of a guest's server: its models, its metrics, the ends of its rounds."""

    def __init__(self, course: Course, witness: Witness) -> None:
        self.course = course
        self.witness = witness
        self._watched: list[Strategy] = []

    def watch(self, strategy: Strategy) -> None:
        """Look over the shoulder of *strategy* from now on."""
        if strategy not in self._watched:
            witness = self.witness
            Watched(strategy, Tally(), self.course, witness.device_of, witness.record, witness.now_s)
            self._watched.append(strategy)

    def aggregated(self, round_: int, arrays: Arrays, updates: int, examples: int) -> None:
        """A new model of so many updates."""
        self.course.arrays = arrays
        self.witness.record(ev.ModelAggregated(self.witness.now_s(), None, round_, updates, examples))

    def scored(self, round_: int, metrics: Mapping[str, MetricRecordValues]) -> None:
        """The guest's server judged its model by itself; figures that have our names stand in our columns, too."""
        self.course.note("evaluate_metrics_serverapp", round_, metrics)
        if set(SCORED) & set(metrics):
            figures = (_number(metrics.get(name)) for name in SCORED)
            self.witness.record(ev.ModelScored(self.witness.now_s(), None, round_, *figures))

    def closed(self, round_: int) -> None:
        """The round is over, evaluation included."""
        self.course.rounds_done = round_
        self.witness.round_closed(round_)


def guest_server(app: ServerApp, folder: Path, course: Course, witness: Witness) -> ServerApp:
    """Return a ServerApp that runs *app*, of the files in *folder*, as Flower would, and keeps *course* up to date.

    Whatever *app* raises is the end of the run: ``course.cause`` is failed, ``course.reason`` says what and where.
    """
    host = ServerApp()
    notes = Notes(course, witness)

    @host.main()
    def main(grid: Grid, context: Context) -> None:
        seed_global_generators(context.run_id, crc32(b"guest"))
        try:
            with (
                told_to(course, "in the ServerApp", folder),
                strategies_watched(notes),
                in_one_thread(grid, lambda strategy: LegacyWatched(strategy, notes)),
            ):
                app(grid, context)
        except SystemExit as error:
            if ended_by(error) is None:
                course.ends("failed", f"the ServerApp ended itself with sys.exit({error.code!r})")
            raise

    return host


@contextmanager
def strategies_watched(notes: Notes) -> Iterator[None]:
    """Let `Strategy.start`, called in this thread, tell *notes* what comes of it; the strategy decides everything.

    A strategy with a ``start`` of its own that does not call Flower's is not seen: its messages are accounted all the
    same, but what it makes of them stays its own affair.
    """
    original, thread = Strategy.start, threading.get_ident()
    signature = inspect.signature(original)

    def start(strategy: Strategy, *args: Any, **options: Any) -> Result:
        if threading.get_ident() != thread:
            return original(strategy, *args, **options)
        notes.watch(strategy)
        call = signature.bind(strategy, *args, **options)
        call.arguments["evaluate_fn"] = _overheard(call.arguments.get("evaluate_fn"), notes)
        return original(*call.args, **call.kwargs)

    Strategy.start = start  # type: ignore[method-assign, assignment]  # any arguments; put back below
    try:
        yield
    finally:
        Strategy.start = original  # type: ignore[method-assign]  # as it was


def _overheard(evaluate_fn: EvaluateFn | None, notes: Notes) -> EvaluateFn:
    """Return *evaluate_fn* (None: nobody judges), telling *notes* what it found, and that the round is over."""

    def judge(round_: int, arrays: ArrayRecord) -> MetricRecord | None:
        notes.course.arrays = arrays.to_numpy_ndarrays()
        found = None if evaluate_fn is None else evaluate_fn(round_, arrays)
        if found is not None:
            notes.scored(round_, dict(found))
        notes.closed(round_)
        return found

    return judge


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else math.nan
