"""Fair: a cap on deliveries, or a weight for those who are rarely there."""

from collections import Counter

import numpy as np
import pytest
from flwr.app import ArrayRecord, Message, RecordDict

from aggregator.strategies.fair import Interval
from broker import events as ev
from tests.aggregator.fleet import Fleet, answer, failing


def delivered(fleet: Fleet) -> Counter[str]:
    return Counter(event.device for event in fleet.events(ev.ReplyReceived) if event.phase == "train")


@pytest.mark.virtual_time
async def test_nobody_delivers_more_often_than_the_cap() -> None:
    fleet = Fleet(6)

    cohort = {"fraction_train": 0.5, "fraction_evaluate": 0.0}
    await fleet.learn("fair", rounds=8, options={"cap": 4}, cohort=cohort)

    assert set(delivered(fleet).values()) == {4}, "eight rounds of three are four for each of six"


@pytest.mark.virtual_time
async def test_who_refused_did_no_work_and_is_asked_again() -> None:
    fleet = Fleet(3)
    fleet.devices["phone-3"].answering = failing

    await fleet.learn("fair", rounds=4, options={"cap": 2}, cohort={"min_train_devices": 1, "fraction_evaluate": 0.0})

    assert delivered(fleet) == {"phone-1": 2, "phone-2": 2}
    asked = Counter(event.device for event in fleet.events(ev.DeviceSelected))
    assert asked["phone-3"] == 4


@pytest.mark.virtual_time
async def test_where_all_have_done_their_part_those_with_the_fewest_go_on() -> None:
    fleet = Fleet(3)

    await fleet.learn("fair", rounds=4, options={"cap": 1}, cohort={"fraction_evaluate": 0.0})

    assert fleet.course.cause == "rounds_done"
    assert sum(delivered(fleet).values()) == 3 + 2 * 3
    assert max(delivered(fleet).values()) - min(delivered(fleet).values()) <= 1


def test_an_interval_is_the_mean_of_those_seen_and_cut_off() -> None:
    interval = Interval()

    seen = []
    for delivers in (False, False, True, True, False, False, False, False):
        interval.round_over(delivered=delivers, cutoff=4)
        seen.append(interval.mean)

    assert seen == [1.0, 1.0, 3.0, 2.0, 2.0, 2.0, 2.0, (3 + 1 + 4) / 3]


def saying(number: float, message: Message) -> Message:
    """Reply with a model of nothing but *number*."""
    reply = answer(message)
    arrays = ArrayRecord([np.full((1, 3), number), np.full(1, number)])
    return Message(RecordDict({"arrays": arrays, "metrics": reply.content["metrics"]}), reply_to=message)


@pytest.mark.virtual_time
async def test_who_is_there_every_other_round_counts_twice() -> None:
    fleet = Fleet(2)
    first, second = fleet.devices.values()
    first.answering = lambda message: saying(1.0, message)
    second.answering = lambda message: saying(4.0, message) if len(second.fetched) % 2 == 0 else failing(message)

    await fleet.learn("fair", rounds=4, options={"rule": "weight"}, cohort={"fraction_evaluate": 0.0})

    assert [event.updates for event in fleet.events(ev.ModelAggregated)] == [1, 2, 1, 2]
    assert np.allclose(fleet.course.arrays[0], (1 * 1.0 + 2 * 4.0) / 3)
