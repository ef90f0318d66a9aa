"""A legacy strategy, watched: what it aggregates and how it judges is noted; it decides everything itself."""

from typing import Any, Protocol

from flwr.app.typing import MetricRecordValues
from flwr.common import FitRes, NDArrays, Parameters, parameters_to_ndarrays

from aggregator.course import Arrays, Course
from aggregator.flower import ClientManager, ClientProxy, LegacyStrategy


class Notes(Protocol):
    """Who is told."""

    course: Course

    def aggregated(self, round_: int, arrays: Arrays, updates: int, examples: int) -> None:
        """A new model of so many updates."""

    def scored(self, round_: int, metrics: dict[str, MetricRecordValues]) -> None:
        """The server judged its model."""

    def closed(self, round_: int) -> None:
        """The round is over."""


class LegacyWatched(LegacyStrategy):
    """Any strategy of ``flwr.server.strategy``; whatever else it has, it still has."""

    def __init__(self, strategy: LegacyStrategy, notes: Notes) -> None:
        self._strategy = strategy
        self._notes = notes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._strategy, name)

    def initialize_parameters(self, client_manager: ClientManager) -> Parameters | None:
        """Let the strategy begin."""
        first = self._strategy.initialize_parameters(client_manager)
        if first is not None:
            self._notes.course.arrays = _arrays(first)
        return first

    def configure_fit(self, server_round: int, parameters: Parameters, client_manager: ClientManager) -> Any:
        """Let the strategy select and instruct."""
        return self._strategy.configure_fit(server_round, parameters, client_manager)

    def aggregate_fit(self, server_round: int, results: list[tuple[ClientProxy, FitRes]], failures: Any) -> Any:
        """Let the strategy aggregate, and note the model."""
        parameters, metrics = self._strategy.aggregate_fit(server_round, results, failures)
        if parameters is not None:
            examples = sum(result.num_examples for _, result in results)
            self._notes.aggregated(server_round, _arrays(parameters), len(results), examples)
        self._notes.course.note("train_metrics_clientapp", server_round, _own(metrics))
        return parameters, metrics

    def configure_evaluate(self, server_round: int, parameters: Parameters, client_manager: ClientManager) -> Any:
        """Let the strategy select and instruct; where it asks nobody, its round is over."""
        instructions = self._strategy.configure_evaluate(server_round, parameters, client_manager)
        if not instructions:
            self._notes.closed(server_round)
        return instructions

    def aggregate_evaluate(self, server_round: int, results: Any, failures: Any) -> Any:
        """Let the strategy aggregate: the last thing it does in a round."""
        loss, metrics = self._strategy.aggregate_evaluate(server_round, results, failures)
        told = _own(metrics) if loss is None else {"loss": float(loss)} | _own(metrics)
        self._notes.course.note("evaluate_metrics_clientapp", server_round, told)
        self._notes.closed(server_round)
        return loss, metrics

    def evaluate(self, server_round: int, parameters: Parameters) -> Any:
        """Let the strategy judge, and note what it found."""
        found = self._strategy.evaluate(server_round, parameters)
        if found is not None:
            loss, metrics = found
            self._notes.scored(server_round, {"loss": float(loss)} | _own(metrics))
        return found


def _arrays(parameters: Parameters) -> NDArrays:
    return parameters_to_ndarrays(parameters)


def _own(metrics: dict[str, Any]) -> dict[str, MetricRecordValues]:
    """Return what of legacy *metrics* is a number: words and bytes have no place in a MetricRecord."""
    return {name: value for name, value in metrics.items() if isinstance(value, int | float)}
