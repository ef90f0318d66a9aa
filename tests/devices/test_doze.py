"""Doze: a phone left alone has its network only in windows, until somebody uses, moves or charges it."""

from itertools import islice

import pytest

from broker import events as ev
from devices.circumstances import Circumstances
from devices.doze import Doze, Dozing
from devices.ideal import ideal
from devices.kinds import altered, kind_named
from tests.devices.ground import PHONE, Home, fleet

HOUR_S = 3_600.0
ALONE = Circumstances(0.0, 1e6, place="home", far_link="wifi")
DOZING = {"doze.exempt": False}


def figures() -> Doze:
    doze = altered(kind_named("phone"), DOZING).doze
    assert doze is not None
    return doze


def test_windows_come_ever_rarer() -> None:
    edges_h = [round(moment_s / HOUR_S, 3) for moment_s in islice(figures().turns(0.0), 8)]

    rests_h = [round(to_h - from_h, 2) for from_h, to_h in zip(edges_h[::2], edges_h[1::2], strict=True)]
    windows_min = [round(60 * (to_h - from_h)) for from_h, to_h in zip(edges_h[1::2], edges_h[2::2], strict=False)]
    assert edges_h[0] == 1
    assert rests_h == [1, 2, 4, 6]
    assert windows_min == [5, 10, 10]


@pytest.mark.parametrize("change", [{"charging": True}, {"in_use": True}, {"place": "out"}, {"place": "commute"}])
def test_use_motion_and_a_charger_end_it(change: dict[str, bool | str]) -> None:
    dozing = Dozing(figures())
    dozing.mind(0.0, ALONE, on=True)
    dozing.mind(dozing.next_moment_s, ALONE, on=True)
    slept = dozing.asleep

    dozing.mind(2 * HOUR_S, Circumstances(2 * HOUR_S, 1e6, **{"place": "home"} | change), on=True)  # type: ignore[arg-type]  # fields by name
    woke = not dozing.asleep
    dozing.mind(3 * HOUR_S, ALONE, on=True)

    assert slept
    assert woke
    assert dozing.next_moment_s == 4 * HOUR_S


def test_kinds_with_an_exempt_app_and_kinds_without_the_rule_never_doze() -> None:
    for kind in ("phone", "smartwatch"):
        dozing = Dozing(kind_named(kind).doze)
        dozing.mind(0.0, ALONE, on=True)

        assert dozing.next_moment_s == float("inf")


@pytest.mark.virtual_time
async def test_the_server_sees_a_dozing_phone_only_in_its_windows() -> None:
    home = Home(fleet((100.0, PHONE, "unplug"), (5.9 * HOUR_S, PHONE, "plug"), set=DOZING))

    await home.live(6 * HOUR_S)

    told = [event for event in home.diary if isinstance(event, ev.RadioSlept | ev.RadioWoke)]
    assert [type(event) for event in told] == [ev.RadioSlept, ev.RadioWoke] * 3
    first, window, second, longer, third, plugged = (event.t_s for event in told)
    assert (window - first, second - window) == (HOUR_S, 300.0)
    assert (longer - second, third - longer) == (2 * HOUR_S, 600.0)
    assert plugged == 5.9 * HOUR_S
    dozed = [line for line in home.lived if line.device == PHONE and line.why_not == "asleep"]
    assert sum(line.to_s - line.from_s for line in dozed) == pytest.approx(3 * HOUR_S + plugged - third)
    assert {(line.life.place, line.life.charging) for line in dozed} == {("home", False)}


@pytest.mark.virtual_time
async def test_in_an_ideal_world_a_phone_without_exemption_does_not_doze_when_it_is_unplugged() -> None:
    home = Home(fleet((100.0, PHONE, "unplug"), set=DOZING, ideal=True))

    await home.live(6 * HOUR_S)

    assert not any(line.life.charging for line in home.lived if line.device == PHONE and line.from_s >= 100)
    assert not [event for event in home.diary if isinstance(event, ev.RadioSlept)]


def test_in_an_ideal_world_nothing_draws() -> None:
    kind = ideal(kind_named("smartwatch"))

    assert {name: value for name, value in kind if name.endswith("_mw") and name != "charge_mw" and value} == {}
