"""Fair: nobody's device does all the work, or nobody's work counts for more because it is there more often.

`rule = "cap"`: a device that has delivered *cap* updates is asked no more. F. Lai et al., *Oort: Efficient Federated
Learning via Guided Participant Selection*, OSDI 2021, takes clients out of the draw once they were picked in a given
number of rounds, 10 in its code. Taken: the cap. Here deliveries count, since a device that refused did no work.

`rule = "weight"`: S. Wang, M. Ji, *A Lightweight Method for Tackling Unknown Participation Statistics in Federated
Averaging* (FedAU), ICLR 2024 (arXiv:2306.03401), weighs an update by the mean number of rounds between the
participations of its device, cut off at K = 50. Taken: Algorithm 2, which estimates that number. Not taken: the sum
over all clients that the paper steps by. Models are averaged here, by examples times interval, so that a round in
which few deliver is a whole step, and one in which many do is not more than that.
"""

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from flwr.app import ArrayRecord, ConfigRecord, Message, MessageType, MetricRecord
from flwr.serverapp import Grid
from flwr.serverapp.strategy import FedAvg

from aggregator.strategies.arithmetic import weighted_mean

CAP = 10
CUTOFF = 50


@dataclass(slots=True)
class Interval:
    """How many rounds lie between a device's deliveries, as far as one knows by now (FedAU, Algorithm 2)."""

    mean: float = 1.0
    counted: int = 0
    running: int = 0

    def round_over(self, *, delivered: bool, cutoff: int) -> None:
        """A round more, in which the device *delivered* or not; *cutoff* rounds without count as an interval too."""
        self.running += 1
        if delivered or self.running >= cutoff:
            self.mean = (self.counted * self.mean + self.running) / (self.counted + 1)
            self.counted += 1
            self.running = 0


class Fair(FedAvg):
    """FedAvg that caps participation, or weighs by it.

    With *rule* "cap" at most *cap* updates are taken of a device; where fewer than `min_train_nodes` devices are below
    it, those with the fewest deliveries join them, so that it never comes to a stand. With "weight" updates count by
    examples times the mean interval between deliveries, which is *cutoff* rounds at most.
    """

    def __init__(
        self, rule: Literal["cap", "weight"] = "cap", cap: int = CAP, cutoff: int = CUTOFF, **options: Any
    ) -> None:
        super().__init__(**options)
        if min(cap, cutoff) < 1:
            raise ValueError(f"`cap` and `cutoff` must be 1 or more, found {cap} and {cutoff}")
        self.rule = rule
        self.cap = cap
        self.cutoff = cutoff
        self.delivered: Counter[int] = Counter()
        """Updates by node id."""
        self.intervals: dict[int, Interval] = {}

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Select as FedAvg does; under the cap only among those who are below it."""
        drawn = list(super().configure_train(server_round, arrays, config, grid))
        nodes = list(grid.get_node_ids())
        for node_id in nodes:
            self.intervals.setdefault(node_id, Interval())
        if self.rule == "weight" or not any(self.delivered[node_id] >= self.cap for node_id in nodes):
            return drawn
        chosen = self._below_the_cap(nodes, len(drawn))
        return [Message(drawn[0].content, node_id, MessageType.TRAIN) for node_id in chosen]

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        """Aggregate as FedAvg does, by examples times interval if that is the rule; count who delivered."""
        given = list(replies)
        arrays, metrics = super().aggregate_train(server_round, given)
        updates = [reply for reply in given if reply.has_content()]
        if self.rule == "weight" and arrays is not None:
            models = [next(iter(reply.content.array_records.values())) for reply in updates]
            arrays = weighted_mean(models, [self._weight(reply) for reply in updates])
        here = {reply.metadata.src_node_id for reply in updates}
        self.delivered.update(here)
        for node_id in here | self.intervals.keys():
            interval = self.intervals.setdefault(node_id, Interval())
            interval.round_over(delivered=node_id in here, cutoff=self.cutoff)
        return arrays, metrics

    def _below_the_cap(self, nodes: list[int], wanted: int) -> list[int]:
        free = [node_id for node_id in nodes if self.delivered[node_id] < self.cap]
        chosen = random.sample(free, min(wanted, len(free)))
        capped = [node_id for node_id in nodes if self.delivered[node_id] >= self.cap]
        spent = sorted(capped, key=lambda node_id: self.delivered[node_id])  # of as many, the first in the Grid's order
        return chosen + spent[: max(0, min(self.min_train_nodes, wanted) - len(chosen))]

    def _weight(self, reply: Message) -> float:
        metrics = next(iter(reply.content.metric_records.values()))
        examples = metrics[self.weighted_by_key]
        assert isinstance(examples, int | float), "FedAvg has checked that"
        interval = self.intervals.get(reply.metadata.src_node_id, Interval())
        return examples * interval.mean
