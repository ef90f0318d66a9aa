"""The course of a run at the server: the global model as it stands, and what each round came to."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flwr.app.typing import MetricRecordValues
from numpy.typing import NDArray

Arrays = list[NDArray[Any]]
ByRound = dict[int, dict[str, MetricRecordValues]]
Noted = Callable[[str, int, Mapping[str, MetricRecordValues]], None]
"""Is told each entry of a table: its name, the round, the metrics."""


@dataclass
class Course:
    """Kept up to date while the run goes on, so that a run cut short still has them.

    The three tables have Flower's own names: round → metrics, as in its ``Result``.
    """

    arrays: Arrays
    rounds_done: int = 0
    cause: str = ""
    """Why the server stopped by itself: rounds_done, too_few_devices or failed; empty while it goes on."""
    reason: str = ""
    """The sentence that goes with it."""
    train_metrics_clientapp: ByRound = field(default_factory=dict)
    evaluate_metrics_clientapp: ByRound = field(default_factory=dict)
    evaluate_metrics_serverapp: ByRound = field(default_factory=dict)
    noted: Noted = lambda _table, _round, _metrics: None

    def note(self, table: str, round_: int, metrics: Mapping[str, MetricRecordValues] | None) -> None:
        """Write *metrics* of a round into the table of that name, if there are any."""
        if metrics:
            tables: dict[str, ByRound] = {
                "train_metrics_clientapp": self.train_metrics_clientapp,
                "evaluate_metrics_clientapp": self.evaluate_metrics_clientapp,
                "evaluate_metrics_serverapp": self.evaluate_metrics_serverapp,
            }
            tables[table][round_] = dict(metrics)
            self.noted(table, round_, metrics)

    def ends(self, cause: str, reason: str = "") -> None:
        """The server stops."""
        self.cause, self.reason = cause, reason


def course_from(initial: Sequence[NDArray[Any]]) -> Course:
    """Return the course of a run that has not begun."""
    return Course(arrays=[array.copy() for array in initial])
