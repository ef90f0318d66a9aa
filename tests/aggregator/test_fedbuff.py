"""FedBuff: versions made of whoever comes first, old updates counting less, and an end where nobody comes."""

import math

import numpy as np
import pytest

from aggregator.strategies import is_asynchronous
from broker import events as ev
from tests.aggregator.fleet import Fleet, failing

pytestmark = pytest.mark.virtual_time


async def test_a_version_stands_as_soon_as_the_buffer_is_full() -> None:
    fleet = Fleet(4)
    fleet.devices["phone-4"].work_s = 5_000.0

    await fleet.learn("fedbuff", rounds=3, deadline_s=10_000.0, options={"buffer_size": 3}, round_every_s=0.0)

    assert fleet.course.cause == "rounds_done"
    aggregated = fleet.events(ev.ModelAggregated)
    assert [(event.round, event.updates) for event in aggregated] == [(1, 3), (2, 3), (3, 3)]
    assert aggregated[-1].t_s < 400.0, "nobody waited for phone-4"
    assert np.allclose(fleet.course.arrays[0], 3.0), "every update adds one, and none was old"
    assert sorted(fleet.course.train_metrics_clientapp) == [1, 2, 3]


async def test_an_update_that_is_two_versions_old_counts_by_the_root_of_three() -> None:
    fleet = Fleet(3)
    fleet.devices["phone-3"].work_s = 160.0  # two versions of a minute each, and it comes in the third

    await fleet.learn("fedbuff", rounds=3, deadline_s=10_000.0, options={"buffer_size": 2}, round_every_s=0.0)

    received = {(event.round, event.device) for event in fleet.events(ev.ReplyReceived)}
    assert (1, "phone-3") in received
    assert np.allclose(fleet.course.arrays[0], 2 + (1 + 1 / math.sqrt(3)) / 2)


async def test_an_update_that_is_too_old_is_rejected_as_stale() -> None:
    fleet = Fleet(3)
    fleet.devices["phone-3"].work_s = 160.0

    options = {"buffer_size": 2, "max_staleness": 1}
    await fleet.learn("fedbuff", rounds=3, deadline_s=10_000.0, options=options, round_every_s=0.0)

    (stale,) = [event for event in fleet.events(ev.UpdateRejected) if event.reason == "stale"]
    assert (stale.device, stale.round, stale.phase) == ("phone-3", 1, "train")
    assert np.allclose(fleet.course.arrays[0], 3.0)


async def test_so_many_are_at_work_as_is_set_and_no_more() -> None:
    fleet = Fleet(6)

    await fleet.learn("fedbuff", rounds=4, options={"concurrency": 2, "buffer_size": 1}, round_every_s=0.0)

    moments = [(event.t_s, 1) for event in fleet.events(ev.DeviceSelected)]
    moments += [(event.t_s, -1) for event in fleet.events(ev.ReplyReceived)]
    at_work = np.cumsum([change for _, change in sorted(moments, key=lambda moment: (moment[0], moment[1]))])
    assert at_work.max() == 2


async def test_a_device_that_failed_rests_before_it_is_asked_again() -> None:
    fleet = Fleet(3)
    fleet.devices["phone-3"].answering = failing

    options = {"buffer_size": 2, "rest_s": 300.0}
    await fleet.learn("fedbuff", rounds=8, options=options, round_every_s=0.0)

    asked = [event.t_s for event in fleet.events(ev.DeviceSelected) if event.device == "phone-3"]
    assert len(asked) > 1
    assert np.diff(asked).min() >= 300.0


async def test_a_task_that_nobody_answers_is_late_and_its_place_is_given_away() -> None:
    fleet = Fleet(3)
    fleet.devices["phone-3"].work_s = 5_000.0

    options = {"buffer_size": 2, "concurrency": 3, "rest_s": 1e6}
    await fleet.learn("fedbuff", rounds=14, deadline_s=600.0, options=options, round_every_s=0.0)

    (given_up,) = fleet.events(ev.DeviceGivenUp)
    assert (given_up.device, given_up.cause) == ("phone-3", "deadline")
    assert given_up.t_s == pytest.approx(700.0, abs=3.0)


async def test_updates_left_in_the_buffer_are_said_not_to_be_used() -> None:
    fleet = Fleet(3)

    await fleet.learn("fedbuff", rounds=1, options={"buffer_size": 2}, round_every_s=0.0)

    assert [event.reason for event in fleet.events(ev.UpdateRejected)] == ["run_ended"]


@pytest.mark.parametrize("comes_s", [0.0, 1e7])
async def test_without_any_update_the_run_ends_with_its_reason(comes_s: float) -> None:
    fleet = Fleet(3, comes_s=comes_s, answering=failing)  # all fail, or nobody is ever there

    options = {"buffer_size": 2, "patience_s": 20_000.0}
    await fleet.learn("fedbuff", rounds=1, options=options, round_every_s=0.0)

    reason = "no update came for 5.6 h: 0 are there of the 2 that make a version, 0 devices are at work"
    assert (fleet.course.cause, fleet.course.reason) == ("too_few_devices", reason)


async def test_a_buffer_larger_than_the_fleet_ends_honestly() -> None:
    fleet = Fleet(3)

    options = {"buffer_size": 4, "patience_s": 20_000.0}
    await fleet.learn("fedbuff", rounds=1, options=options, round_every_s=0.0)

    assert fleet.course.cause == "too_few_devices"
    assert "3 are there of the 4 that make a version" in fleet.course.reason
    assert [event.reason for event in fleet.events(ev.UpdateRejected)] == ["run_ended"] * 3


def test_only_fedbuff_knows_no_calendar() -> None:
    assert [name for name in ("fedavg", "deadline", "fedbuff", "fair", "energy-aware") if is_asynchronous(name)] == [
        "fedbuff"
    ]
