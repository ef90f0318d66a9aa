"""Differential privacy under life: who failed is left out, and the noise is made for those who delivered."""

import logging
import re

import numpy as np
import pytest

from aggregator.strategies import Cohort, make_strategy
from broker import events as ev
from tests.aggregator.fleet import Fleet, answer, failing

ALL = ("dp_fixed", "dp_adaptive", "dp_client_fixed", "dp_client_adaptive")


def one_fails_once(devices: int) -> Fleet:
    """A fleet whose phone-2 answers its first task with an error."""
    fleet = Fleet(devices)
    phone = fleet.devices["phone-2"]
    phone.answering = lambda message: failing(message) if len(phone.fetched) == 1 else answer(message)
    return fleet


@pytest.mark.virtual_time
@pytest.mark.parametrize("name", ALL)
async def test_a_round_with_an_error_is_aggregated_without_it(name: str) -> None:
    fleet = one_fails_once(3)

    await fleet.learn(name, rounds=2)

    assert (fleet.course.cause, fleet.course.reason) == ("rounds_done", "")
    assert [(event.round, event.updates) for event in fleet.events(ev.ModelAggregated)] == [(1, 2), (2, 3)]
    assert fleet.events(ev.UpdateRejected) == []


@pytest.mark.virtual_time
@pytest.mark.parametrize(("options", "deviations"), [({}, [0.5, 1 / 3]), ({"num_sampled_clients": 3}, [1 / 3, 1 / 3])])
async def test_noise_is_for_those_who_delivered_unless_their_number_is_fixed(
    options: dict[str, int], deviations: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    fleet = one_fails_once(3)

    with caplog.at_level(logging.INFO, "flwr"):
        await fleet.learn("dp_fixed", rounds=2, options=options)

    added = [float(found) for found in re.findall(r"noise with ([\d.]+) stdev", caplog.text)]
    assert added == pytest.approx(deviations, abs=1e-4)


@pytest.mark.virtual_time
@pytest.mark.parametrize("name", ALL)
async def test_a_round_without_any_update_leaves_the_model_as_it_was(name: str) -> None:
    fleet = Fleet(3, work_s=900.0)

    await fleet.learn(name, rounds=1, deadline_s=600.0)

    assert (fleet.course.cause, fleet.course.reason) == ("rounds_done", "")
    assert np.array_equal(fleet.course.arrays[0], np.zeros((1, 3)))


@pytest.mark.parametrize("name", ["dp_fixed", "dp_client_fixed"])
def test_options_go_where_they_belong(name: str) -> None:
    cohort = Cohort(devices=10, fraction_train=0.5, min_train_devices=3)

    strategy = make_strategy(name, {"noise_multiplier": 0.3}, cohort)

    assert vars(strategy)["noise_multiplier"] == 0.3
    assert vars(strategy)["num_sampled_clients"] == 5
