"""What the server's app leaves behind, however a run ends."""

import math
from typing import Any

import numpy as np
import pytest
from flwr.app import Message, MetricRecord, RecordDict

from broker import events as ev
from broker.errors import RunEnded
from tests.aggregator.fleet import SCORE, Fleet, answer, failing

pytestmark = pytest.mark.virtual_time


async def test_a_run_leaves_model_metrics_and_scores_of_every_round() -> None:
    fleet = Fleet(3)

    await fleet.learn(rounds=2)

    course = fleet.course
    assert (course.cause, course.rounds_done) == ("rounds_done", 2)
    assert np.array_equal(course.arrays[0], [[2.0, 2.0, 2.0]])
    assert course.train_metrics_clientapp[2] == {"loss": 0.5, "train_loss": 0.5}
    assert sorted(course.evaluate_metrics_clientapp) == [1, 2]
    assert course.evaluate_metrics_serverapp == dict.fromkeys((0, 1, 2), SCORE)
    assert [event.round for event in fleet.events(ev.ModelScored)] == [0, 1, 2]
    assert [(e.round, e.updates, e.examples) for e in fleet.events(ev.ModelAggregated)] == [(1, 3, 30), (2, 3, 30)]


async def test_a_run_that_is_cut_short_keeps_what_it_had() -> None:
    fleet = Fleet(3)

    with pytest.raises(RunEnded):
        await fleet.learn(rounds=5, first_round_s=100, round_every_s=1_000, days_s=1_150)

    assert fleet.course.rounds_done == 1
    assert np.array_equal(fleet.course.arrays[0], [[1.0, 1.0, 1.0]])


async def test_a_round_in_which_nobody_delivers_leaves_the_model_as_it_was() -> None:
    fleet = Fleet(2, answering=failing)

    await fleet.learn(rounds=1)

    assert fleet.course.cause == "rounds_done"
    assert np.array_equal(fleet.course.arrays[0], np.zeros((1, 3)))
    assert fleet.events(ev.ModelAggregated) == []


async def test_updates_that_do_not_fit_together_are_rejected_and_end_the_run_with_a_reason() -> None:
    fleet = Fleet(3)
    fleet.devices["phone-3"].answering = lambda message: answer(message, extra=1.0)

    await fleet.learn()

    assert fleet.course.cause == "failed"
    assert fleet.course.reason.startswith("round 1: All MetricRecords must have the same keys")
    rejected = [(event.device, event.round, event.phase, event.reason) for event in fleet.events(ev.UpdateRejected)]
    assert sorted(rejected) == [(name, 1, "train", "invalid") for name in fleet.names]


async def test_updates_that_all_weigh_nothing_end_the_run_with_a_reason() -> None:
    fleet = Fleet(2, answering=lambda message: answer(message, **{"num-examples": 0}))

    await fleet.learn()

    assert fleet.course.cause == "failed"
    assert "all weights are 0" in fleet.course.reason
    assert len(fleet.events(ev.UpdateRejected)) == 2


async def test_a_strategy_that_makes_nothing_of_its_updates_says_so_of_every_one() -> None:
    fleet = Fleet(3)
    fleet.devices["phone-2"].answering = failing

    await fleet.learn("bulyan", rounds=1, options={"num_malicious_nodes": 1}, cohort={"fraction_evaluate": 0.0})

    assert fleet.course.cause == "rounds_done"
    assert fleet.events(ev.ModelAggregated) == []
    assert {event.device for event in fleet.events(ev.UpdateRejected)} == {"phone-1", "phone-3"}


async def test_noise_of_a_private_strategy_comes_from_the_seed() -> None:
    models: list[Any] = []
    for seed in (1, 1, 2):
        fleet = Fleet(3, seed=seed)
        np.random.seed(len(models))  # noqa: NPY002  # somebody else's draws
        await fleet.learn("dp_fixed", rounds=1)
        models.append(fleet.course.arrays[0])

    assert np.array_equal(models[0], models[1])
    assert not np.array_equal(models[0], models[2])


async def test_krum_counts_only_the_update_it_used() -> None:
    fleet = Fleet(5)

    await fleet.learn("krum", rounds=1, options={"num_malicious_nodes": 1})

    assert [(event.updates, event.examples) for event in fleet.events(ev.ModelAggregated)] == [(1, 10)]


async def test_a_model_that_cannot_be_scored_is_not() -> None:
    fleet = Fleet(2)
    nans = MetricRecord(dict.fromkeys(("num-examples",), 1))

    def silent(message: Message) -> Message:
        if message.metadata.message_type == "evaluate":
            return Message(RecordDict({"metrics": nans}), reply_to=message)
        return answer(message, loss=math.nan)

    for device in fleet.devices.values():
        device.answering = silent

    await fleet.learn(rounds=1)

    assert fleet.course.cause == "rounds_done"
    assert fleet.course.evaluate_metrics_clientapp == {}
