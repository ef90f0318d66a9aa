"""What a fleet of made-up wearers learns about strangers: something, and not everything."""

from datetime import datetime

import pytest

from devices.body import SyntheticBody
from devices.buffer import Examples
from devices.learning.baselines import central, local_only, mean_score
from devices.learning.history import DAY_S, nights_of
from devices.learning.holdout import joined
from devices.learning.metrics import score
from devices.learning.models import Fit
from devices.learning.task import TASKS, Task
from tests.learning.federation import federated

START = datetime.fromisoformat("2026-01-05T18:00:00")
SENSES = {"heart_rate": 60.0, "movement": 30.0, "rmssd": 300.0}


def wearers(task: Task, word: str, count: int, nights: int) -> list[Examples]:
    bodies = [SyntheticBody(7, f"{word}-{number}", START) for number in range(count)]
    return [joined(task, [own for _, own in nights_of(body, SENSES, task, -nights * DAY_S, 0.0)]) for body in bodies]


@pytest.mark.parametrize(("name", "strangers"), [("night-quality", 200), ("sleep-wake", 60)])
def test_the_global_model_beats_the_majority_on_strangers_and_is_no_oracle(name: str, strangers: int) -> None:
    task = TASKS[name]
    test = joined(task, wearers(task, "stranger", strangers, 3))

    arrays = federated(task, wearers(task, "wearer", 30, 7), Fit(), rounds=5)

    figures = score(task, arrays, test.features, test.labels)
    assert (figures["balanced_accuracy"] or 0) > 0.62
    assert 0.7 < (figures["auc"] or 0) < 0.99


def test_baselines_are_judged_on_the_same_strangers() -> None:
    task = TASKS["night-quality"]
    fleet, test = wearers(task, "wearer", 20, 7), joined(task, wearers(task, "stranger", 150, 3))

    pooled = score(task, central(task, fleet, Fit()), test.features, test.labels)
    alone = mean_score(task, local_only(task, [*fleet, joined(task, [])], Fit()), test)

    assert set(alone) == set(pooled)
    assert (alone["auc"] or 1) < (pooled["auc"] or 0)


def test_nobody_alone_has_no_score() -> None:
    task = TASKS["night-quality"]

    assert set(mean_score(task, [], joined(task, [])).values()) == {None}
