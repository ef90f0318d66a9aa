"""Energy has causes, and they add up; moments that matter are computed."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.hardware.battery import Battery
from devices.kinds import kind_named
from devices.power import BOOT_SHARE, CAUSES, Power

PHONE = kind_named("phone")
CAPACITY_J = PHONE.battery_wh * 3_600


def power(share: float = 0.5) -> Power:
    return Power(PHONE, Battery(CAPACITY_J, CAPACITY_J * share))


def test_each_cause_pays_for_itself() -> None:
    phone = power()
    phone.load("idle", 300.0, 0.0)
    phone.load("training", 1_500.0, 100.0)
    phone.load("training", 0.0, 200.0)
    phone.spend("transfer", 12.0)
    phone.advance(1_000.0)

    assert [phone.spent_j(cause) for cause in ("idle", "training", "transfer")] == pytest.approx([300.0, 150.0, 12.0])
    assert phone.life_j == pytest.approx(462.0)
    assert phone.share == pytest.approx(0.5 - 462.0 / CAPACITY_J)


@given(st.lists(st.tuples(st.sampled_from(CAUSES), st.floats(0, 5_000), st.floats(0, 600)), max_size=30))
@settings(deadline=None)
def test_what_the_causes_drew_has_left_the_battery(story: list[tuple[str, float, float]]) -> None:
    phone, now_s = power(1.0), 0.0
    for cause, draw_mw, passed_s in story:
        phone.load(cause, draw_mw, now_s)
        now_s += passed_s
        phone.advance(now_s)

    gone_j = (1 - phone.share) * CAPACITY_J
    assert phone.empty or gone_j == pytest.approx(phone.life_j, abs=1e-3)
    assert phone.life_j == pytest.approx(sum(phone.spent_j(cause) for cause in CAUSES))


def test_the_next_moment_is_the_next_line_on_the_way_down() -> None:
    phone = power(0.21)
    phone.load("idle", 1_000.0, 0.0)

    lines = []
    while (moment_s := phone.next_moment_s()) < math.inf:
        phone.advance(moment_s)
        lines.append(round(phone.share, 6))

    assert lines[0] == PHONE.ready.min_battery
    assert {PHONE.low_at, PHONE.saver_at, BOOT_SHARE, 0.0} <= set(lines)
    assert phone.empty


def test_a_battery_at_rest_crosses_no_line() -> None:
    assert power().next_moment_s() == math.inf


def test_the_charger_fills_and_the_draw_goes_past_the_battery() -> None:
    phone = power(0.5)
    phone.load("idle", 1_000.0, 0.0)
    phone.charge(11_000.0, 0.0)
    phone.advance(360.0)

    assert phone.share == pytest.approx(0.5 + 3_600.0 / CAPACITY_J)
    assert phone.spent_j("idle") == pytest.approx(360.0)


def test_only_a_charger_brings_an_empty_device_back() -> None:
    flat, weak = power(0.0), power(BOOT_SHARE)

    assert not flat.can_boot(charging=True)
    assert weak.can_boot(charging=True)
    assert weak.can_boot(charging=False)


def test_a_low_battery_saves_its_radio_unless_it_charges() -> None:
    low = power(PHONE.saver_at * 0.99)

    assert low.saving(charging=False)
    assert not low.saving(charging=True)
    assert not power(PHONE.saver_at).saving(charging=False)
