"""Reception: networks differ by person, place and hour, and nobody else's change when somebody comes to live here."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker import events as ev
from devices.circumstances import Circumstances
from devices.kinds import kind_named
from devices.reception import HOUR_S, reception, steady
from tests.devices.ground import PHONE, Home, fleet

HOME = Circumstances(0.0, 1e9, far_link="wifi", place="home")
OFFICE = Circumstances(0.0, 1e9, far_link="wifi", place="work")
OUTSIDE = Circumstances(0.0, 1e9, far_link="mobile", place="out")
TRAIN = Circumstances(0.0, 1e9, far_link="mobile", place="commute")
WIFI = kind_named("phone").far.wifi


def speeds(wearer: str, life: Circumstances, hours: int = 200, **traits: float) -> np.ndarray:
    """Down and up in terms of the profile's, an hour each."""
    receive = reception(7, wearer, traits)
    links = [receive(WIFI, life, hour * HOUR_S)[0] for hour in range(hours)]
    return np.array([[one.down_mbit_s / WIFI.down_mbit_s, one.up_mbit_s / WIFI.up_mbit_s] for one in links])


def test_people_differ_as_the_volunteers_of_flash_did() -> None:
    means = np.log([speeds(f"wearer-{n}", HOME, 40).mean(axis=0) for n in range(300)])

    down, up = means.std(axis=0)
    assert 0.40 < down < 0.56
    assert 0.60 < up < 0.82
    assert 0.3 < np.corrcoef(means.T)[0, 1] < 0.6
    assert np.abs(np.median(means, axis=0)).max() < 0.12  # the median person has what the profile says


def test_one_person_has_fast_and_slow_hours() -> None:
    one = speeds("wearer-1", HOME, 2_000)

    assert one.std(axis=0) / one.mean(axis=0) == pytest.approx([0.37, 0.40], rel=0.1)


def test_places_have_networks_of_their_own_and_trains_the_slowest() -> None:
    assert speeds("wearer-1", HOME).mean() != pytest.approx(speeds("wearer-1", OFFICE).mean(), rel=0.01)
    assert speeds("wearer-1", TRAIN) == pytest.approx(0.7 * speeds("wearer-1", OUTSIDE))


def test_without_a_spread_networks_are_as_the_profile_has_them() -> None:
    assert speeds("wearer-1", TRAIN, network_spread=0.0) == pytest.approx(1.0)
    assert speeds("wearer-1", HOME, network_spread=0.0, network_speed=0.5) == pytest.approx(0.5)
    assert steady(WIFI, HOME, 5.0) == (WIFI, math.inf)


@given(now_s=st.floats(0, 1e7), wearer=st.sampled_from(["wearer-1", "wearer-2"]))
def test_a_speed_holds_until_the_hour_is_over_and_is_the_same_for_all_devices(now_s: float, wearer: str) -> None:
    link, until_s = reception(7, wearer)(WIFI, HOME, now_s)

    assert now_s < until_s <= now_s + HOUR_S
    assert reception(7, wearer)(WIFI, HOME, (now_s + until_s) / 2)[0] == link
    assert link.down_mbit_s > 0 < link.up_mbit_s
    assert (link.power_mw, link.wake_mj, link.latency_s) == (WIFI.power_mw, WIFI.wake_mj, WIFI.latency_s)


def settled(home: Home) -> ev.WorkSettled:
    (found,) = home.told(ev.WorkSettled)
    assert isinstance(found, ev.WorkSettled)
    return found


@pytest.mark.virtual_time
async def test_a_slow_network_takes_longer_and_costs_more_for_the_same_bytes() -> None:
    usual = Home(fleet())
    await usual.live(6_000.0, (2_000.0, 1, "train"))

    slow = settled(usual)

    assert slow.transfer_s == pytest.approx(16.02, abs=0.02)
    assert not any(reply.has_error() for _, reply in usual.server.replies)


@pytest.mark.virtual_time
async def test_a_transfer_goes_on_at_another_speed_when_the_hour_is_over() -> None:
    crawling = {"kind": "phone", "with": ["band"], "count": 1, "wearers": {"network_speed": 0.01}}
    home = Home(fleet(group=[crawling], learning={"work": {"gflop": 1.0, "mb_down": 100.0, "mb_up": 1.0}}))

    await home.live(12 * 3_600.0, (2_000.0, 1, "train"))

    done, expected = settled(home), 0.0
    receive, now_s, left = reception(7, "wearer-1", {"network_speed": 0.01}), home.told(ev.TaskFetched)[0].t_s, 1.0
    while left > 1e-9:
        line = next(line for line in home.lived if line.device == PHONE and line.from_s <= now_s < line.to_s)
        link, until_s = receive(WIFI, line.life, now_s)
        until_s = min(until_s, line.to_s)
        whole_s = link.transfer_s(100e6, down=True)
        lasts_s = min(whole_s * left, until_s - now_s)
        now_s, left, expected = now_s + lasts_s, left - lasts_s / whole_s, expected + lasts_s
    (started,) = home.told(ev.WorkStarted)
    assert started.t_s == pytest.approx(now_s, abs=0.01)
    assert now_s > HOUR_S > home.told(ev.TaskFetched)[0].t_s
    assert done.bytes_down == 100_000_000
    joules = done.energy_j
    assert joules > expected * WIFI.power_mw / 1_000
