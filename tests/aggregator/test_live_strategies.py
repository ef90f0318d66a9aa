"""Strategies for fleets on the live grid: the same account as in virtual time, at the wall's pace."""

from collections import Counter

from broker import events as ev
from tests.aggregator.live_ground import LiveFleet

ALL_TRAIN = {"fraction_evaluate": 0.0}


def test_the_surplus_is_given_up_or_turned_down_when_the_target_is_in() -> None:
    fleet = LiveFleet(4)
    fleet.nodes["phone-4"].work_wall_s = 20.0

    fleet.learn("deadline", rounds=2, options={"over_selection": 2.0}, cohort=ALL_TRAIN)

    assert [(event.round, event.updates) for event in fleet.events(ev.ModelAggregated)] == [(1, 2), (2, 2)]
    first = [event for event in fleet.diary if getattr(event, "round", 0) == 1]
    assert [event.reason for event in first if isinstance(event, ev.UpdateRejected)] == ["surplus"]
    assert [(event.device, event.cause) for event in first if isinstance(event, ev.DeviceGivenUp)] == [
        ("phone-4", "surplus")
    ]


def test_the_deadline_is_life_s_and_what_is_late_is_refused_by_the_superlink() -> None:
    fleet = LiveFleet(3)
    fleet.nodes["phone-3"].work_wall_s = 90.0

    fleet.learn("deadline", rounds=1, deadline_s=3_600.0, cohort=ALL_TRAIN, options={"over_selection": 1.0})

    (given_up,) = fleet.events(ev.DeviceGivenUp)
    assert (given_up.device, given_up.cause, given_up.t_s) == ("phone-3", "deadline", 600.0 + 3_600.0)


def test_a_late_update_that_is_kept_is_fetched_in_the_next_round() -> None:
    fleet = LiveFleet(3)
    fleet.nodes["phone-3"].work_wall_s = 90.0

    options = {"over_selection": 1.0, "late": "keep"}
    fleet.learn("deadline", rounds=2, deadline_s=3_600.0, cohort=ALL_TRAIN, options=options)

    assert [(event.round, event.updates) for event in fleet.events(ev.ModelAggregated)] == [(1, 2), (2, 3)]
    assert [event.round for event in fleet.events(ev.ReplyReceived) if event.device == "phone-3"] == [1]
    assert fleet.events(ev.UpdateTooLate) == []


def test_fedbuff_keeps_everybody_at_work_and_says_what_is_stale() -> None:
    fleet = LiveFleet(3)
    fleet.nodes["phone-3"].work_wall_s = 15.0

    options = {"buffer_size": 2, "max_staleness": 0}
    fleet.learn("fedbuff", rounds=8, deadline_s=36_000.0, cohort=ALL_TRAIN, options=options, round_every_s=0.0)

    assert [event.updates for event in fleet.events(ev.ModelAggregated)] == [2] * 8
    assert {(event.device, event.reason) for event in fleet.events(ev.UpdateRejected)} >= {("phone-3", "stale")}
    received = Counter(event.device for event in fleet.events(ev.ReplyReceived))
    assert received["phone-1"] >= 8


def test_fedbuff_ends_where_nobody_comes() -> None:
    fleet = LiveFleet(3)
    for node in fleet.nodes.values():
        node.uplink.signed_off(0.0)

    options = {"patience_s": 7_200.0}
    fleet.learn("fedbuff", rounds=1, options=options, cohort=ALL_TRAIN, patience_s=1e9)

    assert fleet.course.cause == "too_few_devices"
    assert fleet.course.reason.startswith("no update came for 2.0 h")
