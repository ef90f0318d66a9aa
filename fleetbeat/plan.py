"""The plan: what a fleet file's ``[learning]`` means for its server, in virtual time and live."""

from aggregator.habits import Habits
from aggregator.server_app import Plan
from aggregator.strategies import Cohort, is_asynchronous
from aggregator.timetable import Timetable
from devices.settings import Fleet

DAY_S = 86_400.0
PATIENCE_DAYS = 2
"""So many rounds' distances the server waits for enough devices before it gives the run up."""
SERVER_POLL_S = 3.0
"""Flower's HttpGrid looks for replies every 3 s."""


def plan_of(fleet: Fleet, trainers: int) -> Plan:
    """Return what the server of *fleet* is to do with so many devices that could train."""
    learning = fleet.learning
    cohort = Cohort(
        devices=trainers,
        fraction_train=learning.fraction_train,
        fraction_evaluate=learning.fraction_evaluate,
        min_train_devices=learning.min_train_devices,
    )
    return Plan(
        strategy=learning.strategy,
        strategy_options=learning.strategy_options,
        rounds=learning.rounds,
        round_deadline_s=learning.round_deadline_s,
        cohort=cohort,
    )


def habits_of(fleet: Fleet, poll_s: float) -> Habits:
    """Return how the server of *fleet* selects and waits, looking for replies every *poll_s*."""
    learning = fleet.learning
    return Habits(
        seed=fleet.seed,
        poll_s=poll_s,
        selectable=learning.selectable,
        needed=learning.min_train_devices,
        patience_s=PATIENCE_DAYS * max(learning.round_every_s, DAY_S),
    )


def timetable_of(fleet: Fleet) -> Timetable:
    """Return when its rounds begin; versions of an asynchronous strategy follow each other without a calendar."""
    learning = fleet.learning
    every_s = 0.0 if is_asynchronous(learning.strategy) else learning.round_every_s
    return Timetable(learning.first_round_s, every_s)
