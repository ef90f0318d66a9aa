"""A strategy, watched: what it aggregates is recorded, what it cannot use is said of each update."""

import traceback
from collections.abc import Callable, Iterable, Mapping

from flwr.app import ArrayRecord, ConfigRecord, Message, MetricRecord, RecordDict
from flwr.serverapp import Grid
from flwr.serverapp.strategy import Strategy

from aggregator.course import Course
from aggregator.flower import AppExitException, aggregate_metricrecords
from broker import events as ev
from broker.errors import RunEnded


class Unusable(Exception):
    """A strategy could not aggregate what it was given; the message is its reason."""


class Tally:
    """Flower's own aggregation of metrics, which also counts the updates that a strategy really used."""

    def __init__(self) -> None:
        self.updates = self.examples = 0

    def __call__(self, contents: list[RecordDict], weighted_by: str) -> MetricRecord:
        """Aggregate as Flower does by default."""
        self.updates, self.examples = len(contents), round(sum(weights(contents, weighted_by)))
        return aggregate_metricrecords(contents, weighted_by)

    def clear(self) -> None:
        """Forget the last round."""
        self.updates = self.examples = 0


def weights(contents: Iterable[RecordDict], weighted_by: str) -> list[float]:
    """Return the weight that each update claims; 0 where it says nothing of the kind."""
    firsts = (next(iter(content.metric_records.values()), MetricRecord()) for content in contents)
    found = (first.get(weighted_by, 0.0) for first in firsts)
    return [float(weight) if isinstance(weight, int | float) else 0.0 for weight in found]


class Watched:
    """Somebody who looks over a strategy's shoulder: it decides everything itself, in Flower's loop or one of its own.

    Its four methods are replaced, on this one object, by ours, which call them.
    """

    def __init__(
        self,
        strategy: Strategy,
        tally: Tally,
        course: Course,
        device_of: Mapping[int, str],
        record: ev.Record,
        now_s: Callable[[], float],
        rounds_before: int = 0,
    ) -> None:
        """Watch *strategy*, whose ``train_metrics_aggr_fn`` is *tally* if it takes one; *device_of* names node ids.

        Where an earlier server did *rounds_before*, the strategy is told the number that a round has in the whole run.
        """
        self.aggregated = 0
        """The round that changed the model last."""
        self._configure_train = strategy.configure_train
        self._aggregate_train = strategy.aggregate_train
        self._configure_evaluate = strategy.configure_evaluate
        self._aggregate_evaluate = strategy.aggregate_evaluate
        self._tally = tally
        self._course = course
        self._device_of = device_of
        self._record = record
        self._now_s = now_s
        self._before = rounds_before
        vars(strategy).update(
            configure_train=self.configure_train,
            aggregate_train=self.aggregate_train,
            configure_evaluate=self.configure_evaluate,
            aggregate_evaluate=self.aggregate_evaluate,
        )

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Let the strategy select and instruct."""
        return self._configure_train(server_round + self._before, arrays, config, grid)

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        """Let the strategy aggregate; if nothing comes of updates that arrived, say so for each of their devices."""
        server_round += self._before
        given = list(replies)
        updates = [reply for reply in given if reply.has_content()]
        claimed = round(sum(weights([update.content for update in updates], "num-examples")))
        self._tally.clear()
        try:
            arrays, metrics = self._aggregate_train(server_round, given)
        except RunEnded:
            raise
        except Exception as error:  # of Flower's or of somebody's own strategy: either way these updates were not used
            self._reject(updates, server_round, "train")
            why = _reason(error) if updates else f"no update came, and the strategy cannot do without ({error})"
            raise Unusable(f"round {server_round}: {why}") from error
        if arrays is None:
            self._reject(updates, server_round, "train")
        else:
            self.aggregated = server_round
            self._course.arrays = arrays.to_numpy_ndarrays()
            used, examples = self._tally.updates or len(updates), self._tally.examples or claimed
            self._record(ev.ModelAggregated(self._now_s(), None, server_round, used, examples))
        self._course.note("train_metrics_clientapp", server_round, metrics)
        return arrays, metrics

    def configure_evaluate(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Let the strategy select and instruct."""
        return self._configure_evaluate(server_round + self._before, arrays, config, grid)

    def aggregate_evaluate(self, server_round: int, replies: Iterable[Message]) -> MetricRecord | None:
        """Let the strategy aggregate."""
        server_round += self._before
        given = list(replies)
        try:
            metrics = self._aggregate_evaluate(server_round, given)
        except RunEnded:
            raise
        except Exception as error:  # likewise
            self._reject([reply for reply in given if reply.has_content()], server_round, "evaluate")
            raise Unusable(f"evaluation of round {server_round}: {_reason(error)}") from error
        self._course.note("evaluate_metrics_clientapp", server_round, metrics)
        return metrics

    def _reject(self, updates: Iterable[Message], round_: int, phase: str) -> None:
        for update in updates:
            device = self._device_of.get(update.metadata.src_node_id)
            self._record(ev.UpdateRejected(self._now_s(), device, round_, phase, "invalid"))


def _reason(error: Exception) -> str:
    if isinstance(error, ZeroDivisionError) and _of_a_mean(error):
        return f"the updates cannot be weighed, all weights are 0 ({error})"
    said = str(error).strip()
    return said if said and isinstance(error, AppExitException) else f"{type(error).__name__} in the strategy: {said}"


def _of_a_mean(error: ZeroDivisionError) -> bool:
    """Whether Flower's code or ours divided, which it does by the sum of weights alone, not that of somebody's own."""
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    return str(frame.f_globals.get("__name__")).partition(".")[0] in ("flwr", "aggregator")
