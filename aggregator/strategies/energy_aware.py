"""Energy-aware: ask those whose batteries and time allow it, as devices report both.

A. Arouj, A. M. Abdelmoniem, *Towards Energy-Aware Federated Learning on Battery-Powered Clients* (EAFL), 2022
(arXiv:2208.04505), adds the battery to the utility of F. Lai et al., *Oort: Efficient Federated Learning via Guided
Participant Selection*, OSDI 2021: a share of the score is Oort's, the rest is the battery that is left.

Taken: the weighted sum of battery and Oort's *system* utility, the factor (T / t)^2 for devices that take longer than
T, with Oort's exponent. T is the median of the expected times that ready devices report, where Oort adapts it. A
charger counts as a full battery. Not taken: Oort's *statistical* utility (it wants the loss of every example) and its
exploration: here devices are drawn with the score as their weight, so that nobody who can is left out for good.
"""

import random
from collections.abc import Iterable, Mapping
from statistics import median
from typing import Any

from flwr.app import ArrayRecord, ConfigRecord, Message, MessageType
from flwr.serverapp import Grid
from flwr.serverapp.strategy import FedAvg

from aggregator.strategies.capabilities import Reporting
from broker.messages import Telemetry

BATTERY_WEIGHT = 0.75
"""Of the score; EAFL gives Oort's utility a quarter."""
SLOWNESS_EXPONENT = 2.0
"""Oort's penalty for devices slower than is liked."""
NO_WORTH = 0.01
"""Least score: an empty and slow device that calls itself ready can still be drawn."""


class EnergyAware(FedAvg):
    """FedAvg that draws by score among the devices that report themselves ready.

    No more are asked than are ready, but `min_train_nodes` in any case. *battery_weight*: how much of the score is the
    battery, 0 to 1. Nodes without a report count as ready, with an average score. On a Grid that has no reports it is
    FedAvg.
    """

    def __init__(self, battery_weight: float = BATTERY_WEIGHT, **options: Any) -> None:
        super().__init__(**options)
        if not 0.0 <= battery_weight <= 1.0:
            raise ValueError(f"`battery_weight` must be in the range [0, 1], found {battery_weight}")
        self.battery_weight = battery_weight

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Select as FedAvg does; where there are reports, put those in place of whom it drew who are worth more."""
        drawn = list(super().configure_train(server_round, arrays, config, grid))
        reports = grid.reports() if isinstance(grid, Reporting) else {}
        if not drawn or not reports:
            return drawn
        nodes = self.chosen(list(grid.get_node_ids()), reports, len(drawn))
        return [Message(drawn[0].content, node_id, MessageType.TRAIN) for node_id in nodes]

    def chosen(self, nodes: list[int], reports: Mapping[int, Telemetry], wanted: int) -> list[int]:
        """Return up to *wanted* of *nodes*: drawn by score among the ready; others only where these are too few."""
        willing = [node_id for node_id in nodes if node_id not in reports or reports[node_id].ready]
        others = [node_id for node_id in nodes if node_id in reports and not reports[node_id].ready]
        scores = self.scores(willing, reports)
        # Efraimidis and Spirakis 2006: the largest u^(1/w) are a draw without replacement by weights w
        lots = {node_id: random.random() ** (1.0 / scores[node_id]) for node_id in willing}
        best = sorted(willing, key=lambda node_id: lots[node_id], reverse=True)[:wanted]
        missing = max(0, min(self.min_train_nodes, wanted) - len(best))
        return best + random.sample(others, min(missing, len(others)))

    def scores(self, nodes: Iterable[int], reports: Mapping[int, Telemetry]) -> dict[int, float]:
        """Return what each of *nodes* is worth, up to 1; those without a report the mean of the others."""
        known = {node_id: reports[node_id] for node_id in nodes if node_id in reports}
        times_s = [told.expected_train_s for told in known.values() if told.expected_train_s]
        liked_s = median(times_s) if times_s else 0.0
        scores = {node_id: max(NO_WORTH, self._worth(told, liked_s)) for node_id, told in known.items()}
        mean = sum(scores.values()) / len(scores) if scores else 1.0
        return {node_id: scores.get(node_id, mean) for node_id in nodes}

    def _worth(self, told: Telemetry, liked_s: float) -> float:
        battery = 1.0 if told.charging else told.battery
        slow = told.expected_train_s is not None and told.expected_train_s > liked_s
        speed = (liked_s / told.expected_train_s) ** SLOWNESS_EXPONENT if slow and told.expected_train_s else 1.0
        return self.battery_weight * battery + (1.0 - self.battery_weight) * speed
