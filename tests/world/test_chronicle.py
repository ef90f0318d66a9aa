"""The chronicle: whatever the order in which events arrive, the account is the one of the order of life."""

import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from broker import events as ev
from devices.fleet_file import load_fleet
from devices.residents import residents
from fleetbeat.chronicle import Chronicle, in_order
from fleetbeat.packing import packed, unpacked
from fleetbeat.run_folder import RunFolder

PHONE, WATCH = "phone-1", "smartwatch-1"

STORY: list[ev.Event] = [
    ev.RunStarted(0.0, None, "household", 7, 2, 2),
    ev.LifeChanged(1.0, PHONE, "far_link", "wifi", 0.8),
    ev.SelectionMade(100.0, None, 1, "train", 2, 2, 2),
    ev.DeviceSelected(100.0, PHONE, 1, "train"),
    ev.DeviceSelected(100.0, WATCH, 1, "train"),
    ev.TaskFetched(110.0, PHONE, 1, "train", 10.0),
    ev.WorkStarted(120.0, PHONE, 1, "train", 28, 0, 60.0),
    ev.WorkFinished(180.0, PHONE, 1, "train", 60.0, 0.5, 0.75),
    ev.UploadStarted(180.0, PHONE, 1, "train", 1_200),
    ev.UploadFinished(181.0, PHONE, 1, "train", True),
    ev.WorkSettled(181.0, PHONE, 1, "train", 60.0, 2.0, 90.0, 1_200, 1_200),
    ev.ReplyReceived(190.0, PHONE, 1, "train"),
    ev.DeviceGivenUp(500.0, WATCH, 1, "train", "deadline"),
    ev.PhaseEnded(500.0, None, 1, "train"),
    ev.ModelAggregated(500.0, None, 1, 1, 28),
    ev.MetricsNoted(500.0, None, 1, "train_metrics_clientapp", {"loss": 0.5}),
    ev.RoundEnded(500.0, None, 1),
    ev.ServerEnded(501.0, None, "rounds_done", ""),
]


@pytest.fixture
def chronicle(tmp_path: Path) -> Iterator[Chronicle]:
    fleet = load_fleet("household")
    with closing(RunFolder(tmp_path / "run")) as folder:
        yield Chronicle(fleet, residents(fleet), [np.zeros((1, 2)), np.zeros(1)], folder)


def outcomes(chronicle: Chronicle) -> dict[str, tuple[str, str, float]]:
    return {trail.device: (trail.outcome, trail.reason, trail.t_end_s) for trail in chronicle.account.trails()}


@pytest.mark.parametrize("seed", range(8))
def test_events_in_any_order_give_the_same_account(chronicle: Chronicle, seed: int) -> None:
    shuffled = list(STORY)
    random.Random(seed).shuffle(shuffled)

    for event in shuffled:
        chronicle.hear(event)
    chronicle.retell(ended_s=600.0)

    assert outcomes(chronicle) == {
        PHONE: ("delivered", "", 190.0),
        WATCH: ("unreachable", "far_link_down", 500.0),
    }
    assert chronicle.account.energy_j(1, "train") == (90.0, 0.0)
    assert (chronicle.course.cause, chronicle.course.rounds_done) == ("rounds_done", 1)
    assert chronicle.course.train_metrics_clientapp == {1: {"loss": 0.5}}


def test_a_device_that_says_it_fetched_before_it_was_asked_has_a_slow_clock() -> None:
    fetched = ev.TaskFetched(90.0, PHONE, 1, "train", 0.0)
    selected = ev.DeviceSelected(100.0, PHONE, 1, "train")

    assert in_order([fetched, selected]) == [selected, fetched]


def test_work_for_a_run_that_is_not_ours_is_left_out() -> None:
    assert in_order([ev.TaskFetched(90.0, PHONE, 7, "train", 0.0)]) == []


def test_while_a_run_goes_on_device_rounds_stay_open_and_at_its_end_they_are_rejected(chronicle: Chronicle) -> None:
    for event in STORY[:7]:
        chronicle.hear(event)

    chronicle.retell()
    open_ = outcomes(chronicle)
    chronicle.retell(ended_s=130.0)

    assert open_[PHONE][0] == ""
    assert outcomes(chronicle)[PHONE] == ("rejected", "run_ended", 130.0)


def test_what_the_server_concludes_after_the_end_is_nobodys_outcome(chronicle: Chronicle) -> None:
    for event in STORY[:7]:
        chronicle.hear(event)
    chronicle.hear(ev.WorkSettled(131.0, PHONE, 1, "train", 11.0, 2.0, 30.0, 1_200, 0))
    chronicle.hear(ev.DeviceGivenUp(300.0, PHONE, 1, "train", "offline"))
    chronicle.hear(ev.RoundEnded(301.0, None, 1))

    chronicle.retell(ended_s=130.0)

    assert outcomes(chronicle)[PHONE] == ("rejected", "run_ended", 130.0)
    assert chronicle.account.energy_j(1, "train") == (30.0, 30.0)


def interval(from_s: float, to_s: float) -> ev.IntervalLived:
    """A stretch of the phone's life, at home on its charger."""
    told: dict[str, Any] = {"near_link": True, "far_link": "wifi", "place": "home", "worn": False, "in_use": False}
    return ev.IntervalLived(
        to_s, PHONE, from_s, to_s, True, charging=True, battery_start=0.4, battery_end=0.6, why_not=None, **told
    )


def test_battery_and_link_at_an_outcome_come_from_the_life_that_was_told_later(chronicle: Chronicle) -> None:
    for event in STORY:
        chronicle.hear(event)
    chronicle.hear(interval(90.0, 290.0))

    chronicle.retell(ended_s=600.0)

    trail = next(trail for trail in chronicle.account.trails() if trail.device == PHONE)
    assert (trail.battery, trail.link) == (0.5, "wifi")


def test_an_interval_that_is_told_again_was_lived_once(chronicle: Chronicle) -> None:
    for event in (interval(90.0, 290.0), interval(290.0, 300.0), interval(90.0, 290.0), interval(300.0, 400.0)):
        chronicle.hear(event)

    chronicle.retell()

    assert [(line.from_s, line.to_s) for line in chronicle.lived] == [(90.0, 290.0), (290.0, 300.0), (300.0, 400.0)]


def test_models_travel_without_losing_a_bit() -> None:
    arrays = [np.array([[1 / 3, -0.0]]), np.array([np.pi])]

    arrived = unpacked(packed(arrays))

    assert all(np.array_equal(sent, got) for sent, got in zip(arrays, arrived, strict=True))
