"""Deadline: more are selected than needed; the first ones count, the deadline ends the rest."""

import numpy as np
import pytest

from aggregator.accounting import Account, Glance
from broker import events as ev
from tests.aggregator.fleet import Fleet

pytestmark = pytest.mark.virtual_time


def outcomes(fleet: Fleet) -> dict[str, tuple[str, str]]:
    """Device → outcome and reason of its only round; the account must close."""
    account = Account(lambda _device: Glance(1.0, "wifi"))
    for name in fleet.names:
        account.record(ev.PoweredOn(0.0, name, 1.0))
        account.record(ev.LifeChanged(0.0, name, "far_link", "wifi", 1.0))
    for event in fleet.diary:
        account.record(event)
    account.close(1e9)
    account.check(ended=True)
    return {trail.device: (trail.outcome, trail.reason) for trail in account.trails() if trail.phase == "train"}


async def test_the_model_is_made_of_the_first_and_the_rest_is_surplus() -> None:
    fleet = Fleet(13)
    for number, device in enumerate(fleet.devices.values()):
        device.work_s = 60.0 * (number + 1)

    await fleet.learn("deadline", rounds=1, deadline_s=3_600.0, cohort={"fraction_evaluate": 0.0})

    (aggregated,) = fleet.events(ev.ModelAggregated)
    assert aggregated.updates == 10
    assert aggregated.t_s < 100.0 + 60.0 * 11, "nobody waited for the eleventh"
    assert {name for name, (outcome, _) in outcomes(fleet).items() if outcome == "delivered"} == set(fleet.names[:10])
    assert {outcomes(fleet)[name] for name in fleet.names[10:]} == {("rejected", "surplus")}


async def test_of_updates_that_one_look_finds_only_so_many_count_as_were_wanted() -> None:
    fleet = Fleet(13)

    await fleet.learn("deadline", rounds=1, cohort={"fraction_evaluate": 0.0})

    found = list(outcomes(fleet).values())
    assert (found.count(("delivered", "")), found.count(("rejected", "surplus"))) == (10, 3)
    assert [event.updates for event in fleet.events(ev.ModelAggregated)] == [10]


async def test_a_fraction_is_the_share_that_is_wanted_and_more_are_selected() -> None:
    fleet = Fleet(20)

    await fleet.learn("deadline", rounds=1, cohort={"fraction_train": 0.5, "fraction_evaluate": 0.0})

    (selection,) = fleet.events(ev.SelectionMade)
    assert selection.selected == 13
    assert [event.updates for event in fleet.events(ev.ModelAggregated)] == [10]


async def test_at_the_deadline_those_count_who_are_in_and_the_others_are_late() -> None:
    fleet = Fleet(4)
    fleet.devices["phone-4"].work_s = fleet.devices["phone-3"].work_s = 900.0

    await fleet.learn("deadline", rounds=2, deadline_s=600.0, cohort={"fraction_evaluate": 0.0})

    first = [event for event in fleet.events(ev.ModelAggregated) if event.round == 1]
    assert [event.updates for event in first] == [2]
    assert first[0].t_s == pytest.approx(700.0, abs=3.0)
    given_up = {event.device: event.cause for event in fleet.events(ev.DeviceGivenUp) if event.round == 1}
    assert given_up == {"phone-3": "deadline", "phone-4": "deadline"}
    assert {event.device for event in fleet.events(ev.UpdateTooLate) if event.round == 1} == {"phone-3", "phone-4"}
    assert fleet.devices["phone-3"].accepted[0] is False, "after the deadline the SuperLink takes no more"


async def test_a_late_update_that_is_kept_counts_in_the_next_round_and_in_the_account_of_its_own() -> None:
    fleet = Fleet(3)
    fleet.devices["phone-3"].work_s = 900.0

    options = {"late": "keep", "over_selection": 1.0}
    await fleet.learn("deadline", rounds=2, deadline_s=600.0, options=options, cohort={"fraction_evaluate": 0.0})

    assert [(event.round, event.updates) for event in fleet.events(ev.ModelAggregated)] == [(1, 2), (2, 3)]
    assert [event.round for event in fleet.events(ev.ReplyReceived) if event.device == "phone-3"] == [1]
    assert fleet.events(ev.UpdateTooLate) == []
    late = [event for event in fleet.diary if getattr(event, "device", None) == "phone-3"]
    kinds = [type(event) for event in late if getattr(event, "round", 0) == 1]
    assert kinds == [ev.DeviceSelected, ev.DeviceGivenUp, ev.ReplyReceived]
    assert np.allclose(fleet.course.arrays[0], (2 + 2 + 1) / 3), "the late one began with the model of round 1"


async def test_nobody_who_answers_ends_the_round_before_its_deadline() -> None:
    fleet = Fleet(2, work_s=5_000.0)

    await fleet.learn("deadline", rounds=1, deadline_s=600.0)

    assert fleet.course.cause == "rounds_done"
    assert fleet.events(ev.ModelAggregated) == []
    assert set(outcomes(fleet).values()) == {("late", "waited")}, "fake devices tell nothing of what they do"
