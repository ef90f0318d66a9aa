"""Energy is conserved, instants are computed, and cutting time into pieces changes nothing."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.hardware.battery import Battery
from devices.hardware.charger import Charger

CAPACITY_J = 4_000.0
NET_MW = st.floats(-5_000, 5_000).filter(lambda mw: mw == 0 or abs(mw) > 0.01)
SPANS = st.lists(st.tuples(NET_MW, st.floats(0, 20_000)), min_size=1, max_size=8)


def battery(share: float = 0.5) -> Battery:
    return Battery(CAPACITY_J, CAPACITY_J * share)


def test_a_watch_of_one_watt_hour_at_one_hundred_milliwatts_is_empty_after_ten_hours() -> None:
    watch = Battery(3_600.0, 3_600.0)
    watch.power(-100.0)

    assert watch.reaches_at(0.0) == pytest.approx(36_000.0)
    watch.advance(watch.reaches_at(0.0))
    assert watch.empty
    assert watch.reaches_at(0.0) == math.inf


def test_a_charger_fills_it_and_no_further() -> None:
    phone = battery(0.5)
    phone.power(1_000.0)

    assert phone.reaches_at(1.0) == pytest.approx(2_000.0)
    phone.advance(1e6)
    assert phone.share == 1.0


def test_a_lump_takes_no_more_than_there_is() -> None:
    phone = battery(0.5)

    phone.spend(500.0)
    assert phone.level_j == 1_500.0
    phone.spend(1e9)
    assert phone.empty


@settings(deadline=None)
@given(spans=SPANS, share=st.floats(0, 1), lump_j=st.floats(0, 5_000))
def test_the_level_stays_in_the_battery(spans: list[tuple[float, float]], share: float, lump_j: float) -> None:
    cell, now_s = battery(share), 0.0

    for net_mw, lasts_s in spans:
        cell.power(net_mw)
        now_s += lasts_s
        cell.advance(now_s)
        cell.spend(lump_j)
        assert 0.0 <= cell.level_j <= CAPACITY_J
        assert 0.0 <= cell.share <= 1.0


@settings(deadline=None)
@given(spans=SPANS, share=st.floats(0, 1))
def test_what_flowed_in_less_what_flowed_out_is_the_change(spans: list[tuple[float, float]], share: float) -> None:
    cell, now_s, expected_j = battery(share), 0.0, CAPACITY_J * share

    for net_mw, lasts_s in spans:
        cell.power(net_mw)
        now_s += lasts_s
        cell.advance(now_s)
        # full, the rest stays in the charger; empty, the load gets nothing
        expected_j = min(max(expected_j + net_mw / 1_000 * lasts_s, 0.0), CAPACITY_J)

    assert cell.level_j == pytest.approx(expected_j, abs=0.01)


@settings(deadline=None)
@given(net_mw=NET_MW, lasts_s=st.floats(1, 20_000), cuts=st.lists(st.floats(0, 1), max_size=6), share=st.floats(0, 1))
def test_cutting_an_interval_changes_nothing(net_mw: float, lasts_s: float, cuts: list[float], share: float) -> None:
    whole, cut = battery(share), battery(share)
    whole.power(net_mw)
    cut.power(net_mw)

    whole.advance(lasts_s)
    for part in sorted(cuts):
        cut.advance(part * lasts_s)
    cut.advance(lasts_s)

    assert cut.level_j == pytest.approx(whole.level_j, abs=0.01)


@settings(deadline=None)
@given(net_mw=NET_MW, share=st.floats(0, 1), mark=st.floats(0, 1))
def test_a_mark_is_crossed_when_it_was_said_to_be(net_mw: float, share: float, mark: float) -> None:
    cell = battery(share)
    cell.power(net_mw)

    crosses_s = cell.reaches_at(mark)
    rises, falls = net_mw > 0 and share < mark, net_mw < 0 and share >= mark and share > 0
    if not math.isfinite(crosses_s):
        assert not rises
        assert not falls
        return
    cell.advance(crosses_s)

    assert cell.share == pytest.approx(mark, abs=0.01)


@settings(deadline=None)
@given(net_mw=NET_MW, share=st.floats(0, 1), mark=st.floats(0, 1))
def test_waiting_for_a_mark_comes_to_an_end(net_mw: float, share: float, mark: float) -> None:
    cell = battery(share)
    cell.power(net_mw)

    looks, moment_s = 0, cell.reaches_at(mark)
    while math.isfinite(moment_s):
        cell.advance(round(moment_s, 6))  # as the clock does, in whole microseconds
        moment_s, looks = cell.reaches_at(mark), looks + 1

    assert looks <= 3


def test_a_mark_reached_to_the_joule_on_the_way_down_is_undercut_a_moment_later() -> None:
    cell = battery(0.5)
    cell.power(-100.0)

    cell.advance(cell.reaches_at(0.5))

    assert cell.share < 0.5


def charging(share: float, taper_from: float = 0.8) -> Battery:
    cell = battery(share)
    cell.power(1_000.0, Charger(1.2, taper_from))
    return cell


def test_a_charger_slows_down_when_the_battery_is_nearly_full() -> None:
    first, last = charging(0.5), charging(0.9)

    assert first.reaches_at(0.6) == pytest.approx(400.0)
    assert last.reaches_at(0.99) > 1_500.0
    last.advance(1e5)
    assert 0.999 < last.share <= 1.0


def test_without_a_taper_the_charger_gives_all_it_has_to_the_end() -> None:
    cell = charging(0.5, taper_from=1.0)

    assert cell.reaches_at(1.0) == pytest.approx(2_000.0)
    cell.advance(2_000.0)
    assert cell.share == 1.0


@settings(deadline=None)
@given(share=st.floats(0, 1), cuts=st.lists(st.floats(0, 1), max_size=6), taper=st.floats(0.1, 1))
def test_cutting_the_time_of_a_fading_charge_changes_nothing(share: float, cuts: list[float], taper: float) -> None:
    whole, cut = charging(share, taper), charging(share, taper)

    whole.advance(3_000.0)
    for part in [*sorted(cuts), 1.0]:
        cut.advance(3_000.0 * part)

    assert cut.level_j == pytest.approx(whole.level_j, abs=0.01)
    assert share <= whole.share + 1e-9
    assert whole.share <= 1.0


@settings(deadline=None)
@given(share=st.floats(0, 0.99), mark=st.floats(0, 0.999), taper=st.floats(0.1, 1))
def test_a_mark_is_crossed_when_it_was_said_to_be_while_the_charge_fades(
    share: float, mark: float, taper: float
) -> None:
    cell = charging(share, taper)

    crosses_s = cell.reaches_at(mark)
    if not math.isfinite(crosses_s):
        assert mark <= share
        return
    cell.advance(crosses_s)

    assert cell.share == pytest.approx(mark, abs=1e-3)


@pytest.mark.parametrize(
    ("capacity_j", "level_j"), [(0, 0), (-1, 0), (10, 11), (10, -1), (math.inf, 1), (10, math.nan)]
)
def test_a_battery_that_cannot_be_is_refused(capacity_j: float, level_j: float) -> None:
    with pytest.raises(ValueError, match="expected 0 <= level_j <= capacity_j"):
        Battery(capacity_j, level_j)
