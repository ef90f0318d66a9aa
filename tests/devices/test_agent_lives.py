"""A device lives through its days: it streams, speaks, runs flat, and comes back; its life log has no holes."""

import asyncio
from itertools import pairwise

import pytest

from broker import events as ev
from broker.messages import decode_telemetry
from broker.topics import state, telemetry
from devices.figures import Report
from devices.lifelog import Lived
from fleetbeat.clock import run_virtual
from tests.devices.ground import BAND, PHONE, Home, fleet

pytestmark = pytest.mark.virtual_time

HOUR_S = 3_600.0


def states(home: Home, device: str = PHONE) -> list[str]:
    """What a guest heard the device say of itself, and the broker in its place."""
    topic = state("home", device)
    return [message.payload.decode() for message in home.guest.inbox if message.topic == topic]


async def test_readings_of_the_band_end_in_the_phones_buffer() -> None:
    home = Home(fleet((0.0, BAND, "put_on")))

    await home.live(4 * HOUR_S)

    figures = home.host.reports()[BAND].figures
    assert figures.readings_sensed > 4 * (60 + 120)
    assert figures.readings_sensed == figures.readings_buffered + figures.readings_dropped + figures.readings_in_flight
    assert figures.readings_in_flight < 0.1 * figures.readings_sensed
    assert figures.readings_dropped == 0


async def test_out_of_reach_readings_wait_and_come_later() -> None:
    home = Home(fleet((0.0, BAND, "put_on"), (HOUR_S, BAND, "near_link_off"), (3 * HOUR_S, BAND, "near_link_on")))

    await home.live(4 * HOUR_S)

    sent = [event.t_s for event in home.told(ev.BatchSent, BAND)]
    assert not [at_s for at_s in sent if HOUR_S < at_s < 3 * HOUR_S]
    assert len([at_s for at_s in sent if 3 * HOUR_S <= at_s < 3 * HOUR_S + 60]) >= 7
    assert [event.seq for event in home.told(ev.BatchSent, BAND)] == list(range(1, len(sent) + 1))
    assert states(home, BAND)[-3:].count("lost") == 1


async def test_while_the_phone_is_off_the_band_keeps_everything() -> None:
    home = Home(fleet((0.0, BAND, "put_on"), (HOUR_S, PHONE, "switch_off"), (3 * HOUR_S, PHONE, "switch_on")))

    await home.live(4 * HOUR_S)

    (on,) = home.told(ev.PoweredOn)
    first_after = min(event.t_s for event in home.told(ev.BatchSent, BAND) if event.t_s > HOUR_S + 1)
    figures = home.host.reports()[BAND].figures
    assert on.t_s == 3 * HOUR_S
    assert on.t_s <= first_after < on.t_s + 5  # it hears at once that its hub is back
    assert figures.readings_dropped == 0


async def test_every_quarter_of_an_hour_something_is_said() -> None:
    home = Home(fleet((0.0, BAND, "put_on")))

    await home.live(4 * HOUR_S)

    for device in (PHONE, BAND):
        heard = [m for m in home.guest.inbox if f"/{device}/" in m.topic]
        assert len(heard) >= 4 * 4


async def test_nothing_new_is_said_once() -> None:
    home = Home(fleet())

    await home.live(4 * HOUR_S)

    told = [decode_telemetry(m.payload) for m in home.guest.inbox if m.topic == telemetry("home", PHONE)]
    assert len({report.t_s for report in told}) == len(told)


async def test_state_words_follow_the_device() -> None:
    story = [
        (HOUR_S, PHONE, "far_link_off"),
        (2 * HOUR_S, PHONE, "far_link_on"),
        (3 * HOUR_S, PHONE, "switch_off"),
        (4 * HOUR_S, PHONE, "switch_on"),
        (5 * HOUR_S, PHONE, "crash"),
    ]
    home = Home(fleet(*story))

    await home.live(6 * HOUR_S)

    assert states(home) == [
        "init",
        "ready",
        "sleeping",
        "ready",
        "disconnected",
        "init",
        "ready",
        "lost",
        "init",
        "ready",
    ]


async def test_a_low_battery_is_an_alert_and_a_flat_one_is_lost() -> None:
    home = Home(fleet((100.0, PHONE, "unplug"), (2.5 * HOUR_S, PHONE, "plug"), set={"battery_wh": 0.35}))

    await home.live(5 * HOUR_S)

    assert states(home)[:4] == ["init", "ready", "alert", "lost"]
    assert states(home)[-1] == "ready"
    figures = home.host.reports()[PHONE].figures
    (flat,), (on,) = home.told(ev.BatteryEmpty), home.told(ev.PoweredOn)
    assert (figures.battery_deaths, figures.battery_min) == (1, 0.0)
    assert flat.t_s < 2.5 * HOUR_S < on.t_s
    assert next(type(e) for e in home.diary if isinstance(e, ev.RadioSlept | ev.RadioWoke)) is ev.RadioSlept


async def test_telemetry_tells_how_it_stands() -> None:
    home = Home(fleet((0.0, BAND, "put_on"), (HOUR_S, PHONE, "unplug")))

    await home.live(3 * HOUR_S)

    told = [decode_telemetry(m.payload) for m in home.guest.inbox if m.topic == telemetry("home", PHONE)]
    first, last = told[0], told[-1]
    assert (first.t_s, first.ready, first.why_not, first.charging, first.far_link) == (0.0, True, None, True, "wifi")
    assert (last.ready, last.why_not, last.charging) == (False, "not_charging", False)
    assert last.buffer > 0
    assert last.node_id == home.server.node_id
    assert last.expected_train_s == pytest.approx(1_000.0)
    assert 0 < last.battery < first.battery + 0.5
    (change,) = [report for report in told if report.t_s == HOUR_S]
    assert change.why_not == "not_charging"


async def test_a_band_has_no_node_and_no_work() -> None:
    home = Home(fleet((0.0, BAND, "put_on")))

    await home.live(HOUR_S)

    told = [decode_telemetry(m.payload) for m in home.guest.inbox if m.topic == telemetry("home", BAND)]
    assert {(report.node_id, report.expected_train_s, report.ready) for report in told} == {(None, None, False)}


async def test_the_life_log_tiles_the_run() -> None:
    home = Home(fleet((HOUR_S, PHONE, "crash"), (2 * HOUR_S, PHONE, "unplug"), (0.0, BAND, "put_on")))

    await home.live(3 * HOUR_S)

    for device in (PHONE, BAND):
        log = [line for line in home.lived if line.device == device]
        assert (log[0].from_s, log[-1].to_s) == (0.0, 3 * HOUR_S)
        assert all(before.to_s == after.from_s for before, after in pairwise(log))
        assert all(before.battery_end == after.battery_start for before, after in pairwise(log))
    off = [line for line in home.lived if line.device == PHONE and not line.power]
    assert [(line.from_s, line.to_s, line.why_not) for line in off] == [(HOUR_S, HOUR_S + 60, "powered_off")]


def test_whoever_looks_in_between_sees_all_that_was_lived_and_changes_nothing() -> None:
    alone, watched = Home(fleet((0.0, BAND, "put_on"))), Home(fleet((0.0, BAND, "put_on")))
    look_s = HOUR_S + 123.4
    seen: list[tuple[Report, Lived]] = []

    async def live_watched() -> None:
        def look() -> None:
            open_ = {line.device: line for line in watched.host.open_intervals(look_s)}
            seen.append((watched.host.reports_at(look_s)[BAND], open_[BAND]))

        asyncio.get_running_loop().call_at(look_s, look)
        await watched.live(2 * HOUR_S)

    run_virtual(alone.live(2 * HOUR_S))
    run_virtual(live_watched())

    ((report, line),) = seen
    closed_s = [line.to_s for line in watched.lived if line.device == BAND and line.to_s < look_s]
    assert (line.from_s, line.to_s) == (closed_s[-1], look_s)
    assert report.figures.worn_s == pytest.approx(look_s)
    assert line.battery_end == pytest.approx(report.figures.battery_min)
    assert report.sensing_j == pytest.approx(watched.host.reports()[BAND].sensing_j * look_s / (2 * HOUR_S))
    assert watched.lived == alone.lived
    assert watched.host.reports() == alone.host.reports()


def test_the_same_days_without_work_cost_less_by_exactly_the_work() -> None:
    idle, busy = Home(fleet()), Home(fleet())

    run_virtual(idle.live(4_000.0))
    run_virtual(busy.live(4_000.0, (2_000.0, 1, "train")))

    (bill,) = busy.told(ev.WorkSettled)
    spent_j, without_j = (home.host.reports()[PHONE].life_j for home in (busy, idle))
    assert spent_j - without_j == pytest.approx(bill.energy_j)


async def test_a_new_wearer_changes_nobodys_life() -> None:
    alone = fleet()
    together = alone.model_copy(
        update={"group": (*alone.group, alone.group[0].model_copy(update={"name": "next-door"}))}
    )
    homes = [Home(settings) for settings in (alone, together)]

    lived = []
    for home in homes:
        agents = {name: agent for name, agent in home.host.agents.items() if name in (PHONE, BAND)}
        lives = [(name, list(agent._lives)) for name, agent in agents.items()]
        lived.append(lives)

    assert lived[0] == lived[1]
