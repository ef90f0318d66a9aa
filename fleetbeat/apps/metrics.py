"""A guest's own metrics, by whatever names, as its run folder tells them round by round."""

from collections.abc import Mapping
from typing import Any

SOURCES = (
    ("evaluate_metrics_serverapp", "server"),
    ("evaluate_metrics_clientapp", "clients"),
    ("train_metrics_clientapp", "training"),
)
"""Flower's three tables, what is judged first, and who speaks in each."""

ByRound = Mapping[int, float]


def own_metrics(results: Mapping[str, Any]) -> Mapping[str, ByRound]:
    """Return every metric that is one number, as ``clients auc`` → round → value; *results* is results.json."""
    found: dict[str, dict[int, float]] = {}
    for table, who in SOURCES:
        for line in results["rounds"]:
            for name, value in (line[table] or {}).items():
                if isinstance(value, int | float):
                    found.setdefault(f"{who} {name}", {})[line["round"]] = float(value)
    return found
