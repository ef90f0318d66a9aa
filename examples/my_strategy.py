"""A strategy of one's own: a round in which few devices delivered moves the model only a little.

    fleetbeat run household --strategy examples/my_strategy.py:Cautious
    fleetbeat run ward --strategy examples/my_strategy.py:Cautious --set learning.strategy_options.full_step_at=10

FedAvg replaces the model by the mean of the updates, be they thirty or one. In the evening, when nearly all phones are
in somebody's hand, that one may be all there is, and the model forgets what thirty had taught it in the morning.
"""

from collections.abc import Iterable
from typing import Any

from flwr.app import Array, ArrayRecord, ConfigRecord, Message, MetricRecord
from flwr.serverapp import Grid
from flwr.serverapp.strategy import FedAvg


class Cautious(FedAvg):
    """FedAvg whose step is in proportion to the number of updates, and whole from *full_step_at* of them on."""

    # Parameters that are numbers, words or truths can be set under [learning.strategy_options]. Those of FedAvg come
    # from [learning]; so pass on what you do not know.
    def __init__(self, full_step_at: int = 5, **options: Any) -> None:
        super().__init__(**options)
        if full_step_at < 1:
            raise ValueError(f"`full_step_at` must be 1 or more, found {full_step_at}")  # told as a mistake in the file
        self.full_step_at = full_step_at
        self.model = ArrayRecord()

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Remember where the round begins, and select as FedAvg does."""
        self.model = arrays
        return super().configure_train(server_round, arrays, config, grid)

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        """Go from there towards FedAvg's mean. Refusals and failures are among the replies, as errors."""
        answers = list(replies)
        mean, metrics = super().aggregate_train(server_round, answers)
        if mean is None:  # nobody delivered: the model stays as it is
            return None, metrics
        step = min(1.0, sum(not answer.has_error() for answer in answers) / self.full_step_at)
        old, new = self.model.to_numpy_ndarrays(), mean.to_numpy_ndarrays()
        moved = [before + step * (after - before) for before, after in zip(old, new, strict=True)]
        return ArrayRecord({name: Array(array) for name, array in zip(mean, moved, strict=True)}), metrics
