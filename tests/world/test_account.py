"""Every selected device-round ends in exactly one outcome, whatever order its events come in."""

from collections.abc import Callable
from typing import Any

import pytest

from aggregator.accounting import OUTCOMES, Account, Glance
from broker import events as ev
from broker.errors import AccountBroken

PHONE = "phone-1"


def account(*events: ev.Event) -> Account:
    books = Account(lambda _device: Glance(0.5, "wifi"))
    for event in (
        ev.LifeChanged(0, PHONE, "far_link", "wifi", 0.9),
        ev.SelectionMade(10, None, 1, "train", 1, 1, 1),
        ev.DeviceSelected(10, PHONE, 1, "train"),
        *events,
    ):
        books.record(event)
    return books


def work(kind: Callable[..., ev.Event], t_s: float, *figures: Any) -> ev.Event:
    return kind(t_s, PHONE, 1, "train", *figures)


FETCHED = work(ev.TaskFetched, 12, 2.0)
STARTED = work(ev.WorkStarted, 20, 7, 1, 300.0)
UPLOADING = work(ev.UploadStarted, 320, 1_000)

STORIES: list[tuple[str, str, list[ev.Event]]] = [
    ("delivered", "", [FETCHED, STARTED, UPLOADING, work(ev.UploadFinished, 330, True), work(ev.ReplyReceived, 333)]),
    (
        "refused",
        "not_charging",
        [FETCHED, work(ev.TaskRefused, 12, "not_charging"), work(ev.ErrorReceived, 13, 6, "refused")],
    ),
    (
        "interrupted",
        "unplugged",
        [FETCHED, STARTED, work(ev.WorkInterrupted, 30, "unplugged"), work(ev.ErrorReceived, 33, 6, "x")],
    ),
    (
        "unreachable",
        "far_link_down",
        [ev.LifeChanged(11, PHONE, "far_link", "none", 0.9), work(ev.DeviceGivenUp, 90, "offline")],
    ),
    ("unreachable", "powered_off", [ev.BatteryEmpty(11, PHONE), work(ev.DeviceGivenUp, 90, "offline")]),
    ("unreachable", "asleep", [ev.RadioSlept(11, PHONE, 0.1), work(ev.DeviceGivenUp, 90, "offline")]),
    (
        "lost_power",
        "training",
        [FETCHED, STARTED, work(ev.WorkLostPower, 50, "training"), work(ev.DeviceGivenUp, 90, "offline")],
    ),
    (
        "lost_link",
        "uploading",
        [FETCHED, STARTED, UPLOADING, work(ev.WorkLostLink, 322, "uploading"), work(ev.DeviceGivenUp, 380, "offline")],
    ),
    (
        "lost_link",
        "fetching",
        [FETCHED, work(ev.WorkLostLink, 13, "fetching"), work(ev.DeviceGivenUp, 600, "deadline")],
    ),
    ("late", "slow_compute", [FETCHED, STARTED, work(ev.DeviceGivenUp, 600, "deadline")]),
    ("late", "slow_link", [FETCHED, STARTED, work(ev.UploadStarted, 25, 9), work(ev.DeviceGivenUp, 600, "deadline")]),
    ("late", "waited", [work(ev.DeviceGivenUp, 600, "deadline")]),
    ("rejected", "invalid", [FETCHED, STARTED, work(ev.ReplyReceived, 333), work(ev.UpdateRejected, 334, "invalid")]),
    (
        "crashed",
        "ValueError",
        [FETCHED, STARTED, work(ev.WorkCrashed, 50, "ValueError"), work(ev.ErrorReceived, 53, 2, "ValueError: x")],
    ),
    ("crashed", "KeyError", [work(ev.ErrorReceived, 53, 2, "KeyError: an app that says no more")]),
    ("crashed", "AppError", [work(ev.ErrorReceived, 53, 2, "<class 'an.app.AppError'>:<'of a stock SuperNode'>")]),
]


@pytest.mark.parametrize(("outcome", "reason", "story"), STORIES)
def test_each_story_has_one_ending(outcome: str, reason: str, story: list[ev.Event]) -> None:
    books = account(*story)

    (trail,) = books.trails()
    assert (trail.outcome, trail.reason) == (outcome, reason)
    books.check(ended=True)


def test_every_outcome_has_a_story() -> None:
    assert {outcome for outcome, _, _ in STORIES} == set(OUTCOMES)


def test_a_link_that_came_back_in_time_is_no_lost_link() -> None:
    books = account(
        FETCHED,
        STARTED,
        work(ev.WorkLostLink, 40, "training"),
        work(ev.WorkLinkBack, 60, "training"),
        work(ev.DeviceGivenUp, 600, "deadline"),
    )

    (trail,) = books.trails()
    assert (trail.outcome, trail.reason) == ("late", "slow_compute")


def test_late_work_that_is_used_after_all_is_delivered() -> None:
    books = account(FETCHED, STARTED, work(ev.DeviceGivenUp, 600, "deadline"), work(ev.ReplyReceived, 700))

    (trail,) = books.trails()
    assert trail.outcome == "delivered"


def test_what_is_open_when_the_run_ends_is_rejected() -> None:
    books = account(FETCHED, STARTED)

    books.check(ended=False)
    books.close(100)

    (trail,) = books.trails()
    assert (trail.outcome, trail.reason) == ("rejected", "run_ended")
    books.check(ended=True)


def test_energy_of_work_that_came_to_nothing_is_wasted() -> None:
    bill = work(ev.WorkSettled, 60, 40.0, 2.0, 123.0, 1_000, 0)
    books = account(FETCHED, STARTED, work(ev.WorkInterrupted, 60, "in_use"), bill)

    assert books.energy_j(1, "train") == (123.0, 123.0)


def test_a_selection_that_nobody_accounts_for_is_a_broken_sum() -> None:
    books = account()
    books.record(ev.SelectionMade(10, None, 1, "train", 1, 1, 1))

    with pytest.raises(AccountBroken, match="round 1, train: 2 selected"):
        books.check(ended=False)


def test_a_device_that_is_chosen_twice_in_a_round_has_two_ends() -> None:
    books = account(FETCHED, STARTED, UPLOADING, work(ev.ReplyReceived, 333))
    for event in (
        ev.SelectionMade(340, None, 1, "train", 1, 1, 1),
        ev.DeviceSelected(340, PHONE, 1, "train"),
        work(ev.TaskFetched, 342, 2.0),
        work(ev.TaskRefused, 342, "in_use"),
    ):
        books.record(event)

    assert [trail.outcome for trail in books.trails()] == ["delivered", "refused"]
    books.check(ended=True)


def test_an_apps_own_messages_are_no_business_of_the_account() -> None:
    books = account(FETCHED)

    books.record(ev.TaskFetched(50, PHONE, 1, "query", 1.0))

    assert [trail.phase for trail in books.trails()] == ["train"]


def test_what_a_server_that_died_had_not_made_into_a_model_is_lost() -> None:
    books = account(FETCHED, STARTED, UPLOADING, work(ev.ReplyReceived, 333))
    for event in (
        ev.ServerResumed(400, None, 0),
        ev.SelectionMade(410, None, 1, "train", 1, 1, 1),
        ev.DeviceSelected(410, PHONE, 1, "train"),
        work(ev.WorkSettled, 411, 40.0, 2.0, 123.0, 1_000, 1_000),  # of the first task
        work(ev.TaskFetched, 412, 2.0),
        work(ev.WorkSettled, 500, 40.0, 2.0, 100.0, 1_000, 1_000),
        work(ev.ReplyReceived, 501),
        ev.ModelAggregated(502, None, 1, 1, 7),
    ):
        books.record(event)

    assert [(trail.outcome, trail.reason, trail.energy_j) for trail in books.trails()] == [
        ("rejected", "run_ended", 123.0),
        ("delivered", "", 100.0),
    ]
    books.check(ended=True)


def test_what_is_in_the_model_that_a_server_goes_on_from_stays_delivered() -> None:
    books = account(FETCHED, STARTED, UPLOADING, work(ev.ReplyReceived, 333), ev.ModelAggregated(334, None, 1, 1, 7))
    evaluation = ev.SelectionMade(340, None, 1, "evaluate", 1, 1, 1), ev.DeviceSelected(340, PHONE, 1, "evaluate")

    for event in (*evaluation, ev.ServerResumed(400, None, 1)):
        books.record(event)

    assert [(trail.phase, trail.outcome) for trail in books.trails()] == [
        ("train", "delivered"),
        ("evaluate", "rejected"),
    ]
    assert books.rounds[1].updates == 1
