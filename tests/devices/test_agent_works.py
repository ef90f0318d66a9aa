"""A phone gets a task: what life makes of it, who hears of it, and what it costs."""

import asyncio

import pytest

from broker import events as ev
from broker.errors import HeldTooLong
from devices.switch import REBOOT_S
from devices.workload import FORWARD_SHARE
from tests.devices.ground import PHONE, FakeApp, Home, fleet

pytestmark = pytest.mark.virtual_time

TASK_S = 2_000.0
TASK = (TASK_S, 1, "train")
DOWN_S = UP_S = 8.01
FIT_S = 1_000.0

WORK = (
    ev.TaskFetched,
    ev.TaskRefused,
    ev.WorkStarted,
    ev.WorkFinished,
    ev.WorkInterrupted,
    ev.WorkLostPower,
    ev.WorkLostLink,
    ev.WorkLinkBack,
    ev.WorkCrashed,
    ev.UploadStarted,
    ev.UploadFinished,
)


def names(home: Home) -> list[str]:
    return [name for name, _ in home.moments(PHONE, *WORK)]


def reasons(home: Home) -> list[str]:
    """The errors that the server got, in words."""
    return [str(reply.error.reason) for _, reply in home.server.replies if reply.has_error()]


async def test_a_calm_phone_delivers() -> None:
    home = Home(fleet())

    await home.live(4_000.0, TASK)

    assert names(home) == ["TaskFetched", "WorkStarted", "WorkFinished", "UploadStarted", "UploadFinished"]
    fetched, started, finished, _, uploaded = (at_s for _, at_s in home.moments(PHONE, *WORK))
    assert TASK_S <= fetched < TASK_S + 3
    assert started - fetched == pytest.approx(DOWN_S, abs=0.01)
    assert finished - started == pytest.approx(FIT_S, abs=0.01)
    assert uploaded - finished == pytest.approx(UP_S, abs=0.01)
    ((_, reply),) = home.server.replies
    assert not reply.has_error()


async def test_the_bill_names_seconds_joules_and_bytes() -> None:
    home = Home(fleet())

    await home.live(4_000.0, TASK)

    (bill,) = home.told(ev.WorkSettled)
    kind = home.here[0].kind
    report = home.host.reports()[PHONE]
    assert bill.compute_s == pytest.approx(FIT_S, abs=0.01)
    assert (bill.bytes_down, bill.bytes_up) == (35_000_000, 27_000_000)
    training_j = kind.training_mw / 1_000 * FIT_S
    radio_j = 2 * kind.far.wifi.wake_j + kind.far.wifi.power_mw / 1_000 * (DOWN_S + UP_S)
    assert bill.energy_j == pytest.approx(training_j + radio_j, rel=1e-3)
    assert report.training_j == pytest.approx(training_j, rel=1e-4)
    assert (report.figures.bytes_down, report.figures.bytes_up) == (35_000_000, 27_000_000)
    assert report.training_j + report.radio_j + report.sensing_j < report.life_j


async def test_judging_a_model_is_a_third_of_the_work_and_sends_only_figures() -> None:
    home = Home(fleet())

    await home.live(4_000.0, (TASK_S, 1, "evaluate"))

    (bill,) = home.told(ev.WorkSettled)
    assert bill.compute_s == pytest.approx(FIT_S * FORWARD_SHARE, abs=0.01)


@pytest.mark.parametrize(
    ("settings", "do", "reason"),
    [
        ({}, "unplug", "not_charging"),
        ({}, "pick_up", "in_use"),
        ({"set": {"ready.min_battery": 1.0, "battery_wh": 900.0}}, "plug", "low_battery"),
        ({"learning": {"min_examples": 99}}, "plug", "too_little_data"),
    ],
)
async def test_who_is_not_ready_refuses_and_says_why(settings: dict[str, object], do: str, reason: str) -> None:
    home = Home(fleet((1_000.0, PHONE, do), **settings))  # type: ignore[arg-type]  # keys of a fleet

    await home.live(2_500.0, TASK)

    assert names(home) == ["TaskFetched", "TaskRefused"]
    assert home.told(ev.TaskRefused)[0].reason == reason
    assert reasons(home) == [f"refused: {reason}"]
    assert home.host.reports()[PHONE].training_j == 0


@pytest.mark.parametrize(("do", "reason"), [("unplug", "unplugged"), ("pick_up", "in_use")])
async def test_a_wearer_who_comes_back_interrupts_the_fit(do: str, reason: str) -> None:
    home = Home(fleet((2_500.0, PHONE, do)))

    await home.live(4_000.0, TASK)

    assert names(home) == ["TaskFetched", "WorkStarted", "WorkInterrupted"]
    (gave_up,) = home.told(ev.WorkInterrupted)
    assert (gave_up.t_s, gave_up.reason) == (2_500.0, reason)
    assert reasons(home) == [f"interrupted: {reason}"]
    (bill,) = home.told(ev.WorkSettled)
    assert 480 < bill.compute_s < 492
    assert bill.energy_j > 0


async def test_who_orders_hears_what_each_order_changed() -> None:
    home = Home(fleet())
    heard: list[tuple[str, bool]] = []
    words = ("unplug", "unplug", "plug", "switch_off", "switch_off", "switch_on", "crash", "crash")

    def type_all() -> None:
        for do in words:
            home.host.agents[PHONE].order(do, lambda changed, do=do: heard.append((do, changed)))  # type: ignore[misc]  # mypy cannot infer a lambda with a default

    asyncio.get_running_loop().call_at(1_000.0, type_all)
    await home.live(1_500.0)

    assert heard == list(zip(words, (True, False, True, True, False, True, True, False), strict=True))


async def test_a_phone_that_may_work_in_hand_is_slower_while_it_is_in_use() -> None:
    looks = [(2_500.0, PHONE, "pick_up"), (2_700.0, PHONE, "put_down")]
    home = Home(fleet(*looks, set={"ready.needs_idle": False}))

    await home.live(4_000.0, TASK)

    (finished,) = home.told(ev.WorkFinished)
    assert finished.compute_s == pytest.approx(FIT_S + 100.0, abs=0.1)


async def test_the_battery_empties_at_the_computed_instant() -> None:
    home = Home(fleet((1_990.0, PHONE, "unplug"), set={"battery_wh": 0.4, "ready.needs_charging": False}))

    await home.live(4_000.0, TASK)

    assert names(home) == [
        "TaskFetched",
        "WorkStarted",
        "WorkLostLink",
        "WorkLostPower",
    ]  # near its end the radio sleeps
    (flat,), (lost,) = home.told(ev.BatteryEmpty), home.told(ev.WorkLostPower)
    (bill,) = home.told(ev.WorkSettled)
    kind = home.here[0].kind
    full_j, idle_w = 0.4 * 3_600, kind.idle_mw / 1_000
    near_j = home.host._devices[PHONE].power.spent_j("near")
    assert lost.stage == "training"
    assert flat.t_s == lost.t_s
    assert full_j == pytest.approx(idle_w * (flat.t_s - 1_990.0) + bill.energy_j, abs=near_j + 0.01)
    assert home.host.agents[PHONE].far_link == "none"
    assert not home.server.replies


async def test_a_device_whose_battery_emptied_tells_the_server_once_it_is_charged() -> None:
    plugs = ((1_990.0, PHONE, "unplug"), (3_700.0, PHONE, "plug"))
    home = Home(fleet(*plugs, set={"battery_wh": 0.4, "ready.needs_charging": False}))

    await home.live(6_000.0, TASK)

    (back,) = home.told(ev.PoweredOn)
    ((at_s, reply),) = home.server.replies
    assert at_s >= back.t_s > home.told(ev.WorkLostPower)[0].t_s
    assert reply.error.reason == "lost power: training"


async def test_an_upload_begun_goes_on_when_the_link_is_back_in_time() -> None:
    breaks = [(TASK_S + 1_015.0, PHONE, "far_link_off"), (TASK_S + 1_100.0, PHONE, "far_link_on")]
    home = Home(fleet(*breaks))

    await home.live(4_000.0, TASK)

    assert names(home) == [
        "TaskFetched",
        "WorkStarted",
        "WorkFinished",
        "UploadStarted",
        "WorkLostLink",
        "WorkLinkBack",
        "UploadFinished",
    ]
    assert home.told(ev.WorkLostLink)[0].stage == "uploading"
    assert home.told(ev.UploadFinished)[0].t_s == pytest.approx(TASK_S + 1_100.0 + UP_S, abs=0.01)
    (bill,) = home.told(ev.WorkSettled)
    assert 27_000_000 < bill.bytes_up < 2 * 27_000_000


async def test_a_link_that_breaks_while_it_computes_does_not_matter_if_it_is_back() -> None:
    home = Home(fleet((2_300.0, PHONE, "far_link_off"), (2_400.0, PHONE, "far_link_on")))

    await home.live(4_000.0, TASK)

    assert home.told(ev.WorkLostLink)[0].stage == "training"
    assert home.told(ev.UploadFinished)[0].accepted
    assert home.told(ev.WorkFinished)[0].compute_s == pytest.approx(FIT_S, abs=0.01)


async def test_nobody_uploads_what_nobody_wants_any_more() -> None:
    home = Home(fleet())
    asyncio.get_running_loop().call_at(2_500.0, home.server.give_up, 1)

    await home.live(4_000.0, TASK)

    (uploaded,), (bill,) = home.told(ev.UploadFinished), home.told(ev.WorkSettled)
    assert not uploaded.accepted
    assert bill.bytes_up == 0
    assert not home.server.replies


async def test_a_task_given_up_while_it_was_fetched_is_dropped_without_a_word() -> None:
    home = Home(fleet((TASK_S + 5.0, PHONE, "far_link_off"), (TASK_S + 600.0, PHONE, "far_link_on")))
    asyncio.get_running_loop().call_at(TASK_S + 4.9, home.server.give_up, 1)

    await home.live(4_000.0, TASK)

    assert names(home) == ["TaskFetched", "WorkLostLink"]
    assert len(home.told(ev.WorkSettled)) == 1
    assert not home.server.replies


async def test_switched_off_in_the_middle_it_leaves_in_order() -> None:
    home = Home(fleet((2_500.0, PHONE, "switch_off")))

    await home.live(4_000.0, TASK)

    (gave_up,) = home.told(ev.WorkInterrupted)
    assert (gave_up.t_s, gave_up.reason) == (2_500.0, "switched_off")
    assert home.server.heard[-1] == (2_500.0, "signed_off")
    assert not home.server.replies


async def test_after_a_crash_it_reboots_and_apologises() -> None:
    home = Home(fleet((2_500.0, PHONE, "crash")))

    await home.live(4_000.0, TASK)

    (crashed,), (back,) = home.told(ev.WorkCrashed), home.told(ev.PoweredOn)
    assert (crashed.t_s, crashed.exception) == (2_500.0, "SoftwareCrash")
    assert back.t_s == 2_500.0 + REBOOT_S
    ((at_s, reply),) = home.server.replies
    assert at_s == back.t_s
    assert str(reply.error.reason).startswith("SoftwareCrash")


async def test_an_app_that_fails_is_told_to_the_server() -> None:
    home = Home(fleet(), FakeApp(fails=True))

    await home.live(4_000.0, TASK)

    assert home.told(ev.WorkCrashed)[0].exception == "ValueError"
    assert reasons(home) == ["ValueError: too sad"]


async def test_a_failure_of_ours_is_no_outcome_and_ends_the_run() -> None:
    home = Home(fleet(), FakeApp(HeldTooLong("the worker is stuck")))

    with pytest.raises(HeldTooLong, match="stuck"):
        await home.live(9_000.0, TASK)
    assert asyncio.get_running_loop().time() < TASK_S + FIT_S + 2 * DOWN_S


async def test_a_backlog_is_served_one_after_the_other() -> None:
    home = Home(fleet())

    await home.live(6_000.0, TASK, (TASK_S + 1, 2, "train"), (TASK_S + 2, 2, "evaluate"))

    done = [(event.round, event.phase) for event in home.told(ev.UploadFinished)]
    assert done == [(1, "train"), (2, "train"), (2, "evaluate")]
    fetched, uploaded = home.told(ev.TaskFetched), home.told(ev.UploadFinished)
    assert all(after.t_s >= before.t_s for before, after in zip(uploaded, fetched[1:], strict=False))


async def test_out_of_reach_a_task_waits_at_the_server() -> None:
    home = Home(fleet((1_000.0, PHONE, "far_link_off"), (2_600.0, PHONE, "far_link_on")))

    await home.live(4_000.0, TASK)

    (fetched,) = home.told(ev.TaskFetched)
    assert 2_600.0 <= fetched.t_s < 2_603.0
    assert fetched.waited_s == pytest.approx(fetched.t_s - TASK_S)
    assert [word for _, word in home.server.heard] == ["reachable", "silent", "reachable"]


async def test_work_under_way_when_the_run_ends_is_cut_and_paid_for() -> None:
    home = Home(fleet())

    await home.live(2_500.0, TASK)

    (bill,) = home.told(ev.WorkSettled)
    assert bill.t_s == 2_500.0
    assert 480 < bill.compute_s < 492
    assert names(home) == ["TaskFetched", "WorkStarted"]
