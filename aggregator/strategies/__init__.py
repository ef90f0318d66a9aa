"""Strategies: Flower's own by name, those that real fleets need and Flower does not ship, and one's own from a file.

Ours are written against Flower's public Grid and Strategy alone: each runs unchanged on a real SuperLink. What a Grid
may offer beyond that is in `aggregator.strategies.capabilities`.
"""

from aggregator.strategies.names import (
    OURS,
    STRATEGIES,
    Cohort,
    Options,
    check_strategy,
    is_asynchronous,
    make_strategy,
)

__all__ = ["OURS", "STRATEGIES", "Cohort", "Options", "check_strategy", "is_asynchronous", "make_strategy"]
