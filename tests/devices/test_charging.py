"""Charging is a habit of the wearer: it follows their nights, and depends on nothing else."""

from datetime import datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.body.synthetic import SyntheticBody
from devices.charging import HABITS, Charging

DAY_S = 86_400.0
START = datetime(2026, 1, 5, 18)


def body(wearer: str) -> SyntheticBody:
    return SyntheticBody(7, wearer, START)


def plugs(habit: str, wearer: str, from_s: float, to_s: float, device: str = "phone-1") -> list[tuple[float, float]]:
    return Charging(habit, 7, wearer, device, body(wearer)).plugged(from_s, to_s)


@pytest.mark.parametrize("habit", HABITS)
def test_intervals_lie_in_the_span_asked_for_and_in_order(habit: str) -> None:
    for wearer in ("wearer-1", "wearer-2", "wearer-3"):
        found = plugs(habit, wearer, -3 * DAY_S, 11 * DAY_S)

        assert found
        assert all(-3 * DAY_S <= start < end <= 11 * DAY_S for start, end in found)
        assert all(before[1] < after[0] for before, after in pairwise(found))


@settings(deadline=None, max_examples=40)
@given(habit=st.sampled_from(sorted(HABITS)), cut=st.floats(0.5, 6.5), number=st.integers(1, 20))
def test_cutting_the_time_changes_nothing(habit: str, cut: float, number: int) -> None:
    wearer, cut_s = f"wearer-{number}", cut * DAY_S

    whole = plugs(habit, wearer, 0.0, 7 * DAY_S)
    parts = plugs(habit, wearer, 0.0, cut_s) + plugs(habit, wearer, cut_s, 7 * DAY_S)

    assert covered(parts) == pytest.approx(covered(whole))
    assert joined(parts) == pytest.approx(joined(whole))


def test_most_phones_lie_on_their_chargers_by_night_and_some_by_day() -> None:
    nights = days = 0
    for number in range(1, 61):
        for start, end in plugs("bedside_or_desk", f"wearer-{number}", 0.0, 7 * DAY_S):
            for hour in range(int(start // 3_600), int(end // 3_600) + 1):
                clock = (18 + hour) % 24
                nights += clock in (1, 2, 3, 4)
                days += clock in (11, 12, 13, 14)

    assert 3 <= nights / days <= 8


def test_a_device_is_charged_about_once_a_day() -> None:
    for habit in ("bedside", "bedside_or_desk"):
        charges = sum(len(plugs(habit, f"wearer-{number}", 0.0, 14 * DAY_S)) for number in range(1, 21))

        assert 0.8 <= 20 * 14 / charges <= 1.3


def test_bands_and_rings_are_charged_every_few_days() -> None:
    for habit, least, most in (("band", 5, 7), ("ring", 4, 7)):
        charges = sum(len(plugs(habit, f"wearer-{number}", 0.0, 28 * DAY_S)) for number in range(1, 21))

        assert least * 0.9 <= 20 * 28 / charges <= most


def nights_on_the_charger(habit: str) -> list[int]:
    return sorted(
        sum(end - start > 4 * 3_600 for start, end in plugs(habit, f"wearer-{number}", 0.0, 14 * DAY_S))
        for number in range(1, 61)
    )


def test_most_watches_charge_by_night_and_some_people_sleep_with_theirs() -> None:
    nights = nights_on_the_charger("watch")

    assert 9 <= sum(nights) / 60 <= 13
    assert nights[0] <= 6


def test_a_watch_that_lasts_for_days_is_slept_with_by_most() -> None:
    nights = nights_on_the_charger("sports_watch")

    assert 2 <= sum(nights) / 60 <= 7
    assert nights[0] == 0
    assert nights[-1] >= 9


def test_phones_are_charged_by_night_at_work_or_in_the_evening() -> None:
    hours = [0] * 24
    for number in range(1, 101):
        for start, end in plugs("bedside_or_desk", f"wearer-{number}", 0.0, 7 * DAY_S):
            for hour in range(int(start // 3_600), int(end // 3_600) + 1):
                hours[(18 + hour) % 24] += 1

    assert min(hours) > 0.05 * max(hours)
    assert hours[21] > hours[18]


def covered(intervals: list[tuple[float, float]]) -> float:
    return sum(end - start for start, end in intervals)


def joined(intervals: list[tuple[float, float]]) -> list[float]:
    """The edges of *intervals*, without those where one ends and the next begins."""
    edges: list[float] = []
    for start, end in intervals:
        if edges and edges[-1] == start:
            edges[-1] = end
        else:
            edges += [start, end]
    return edges
