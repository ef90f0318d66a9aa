"""Days that are unlike others: alcohol, illness, naps; each changes its own day and nobody else's."""

from datetime import datetime
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.body import SyntheticBody
from devices.body.day import Stay, with_nap
from devices.body.strain import CALM, Strain, strain
from devices.body.wearer import wearer

EVENING = datetime.fromisoformat("2026-01-05T18:00")
DAY_S = 86_400
PLAIN = {"drink_share": 0.0, "nap_share": 0.0, "ills_a_year": 0.0}


def body(number: int, **traits: float) -> SyntheticBody:
    return SyntheticBody(7, f"wearer-{number}", EVENING, PLAIN | traits)


def asleep(number: int, channel: str, **traits: float) -> float:
    """The mean of a channel over the first three hours in bed of the first nights."""
    one = body(number, **traits)
    parts = [one.readings(channel, night.bed_s, night.bed_s + 10_800, 30)[1] for night in one.nights(0, 4 * DAY_S)]
    return float(np.concatenate(parts).mean())


def test_alcohol_makes_hearts_faster_and_their_beats_more_even() -> None:
    drunk_bpm = [asleep(n, "heart_rate", drink_share=1.0) - asleep(n, "heart_rate") for n in range(12)]
    drunk_share = [asleep(n, "rmssd", drink_share=1.0) / asleep(n, "rmssd") for n in range(12)]

    assert 2.0 < np.mean(drunk_bpm) < 6.0  # 1.4, 4.0 and 8.7 by dose (Pietilä 2018), 3.7 over its shares
    assert 0.75 < np.mean(drunk_share) < 0.97


def test_alcohol_comes_more_often_before_free_days() -> None:
    person = wearer(7, "wearer-1", {"drink_share": 0.3})

    drunk = {
        free: sum(strain(person, 7, "wearer-1", date, free_evening=free).drunk_bpm > 0 for date in range(400))
        for free in (False, True)
    }

    assert drunk[True] > 1.5 * drunk[False] > 0


def test_ill_people_sleep_worse_with_a_faster_heart_and_stay_at_home() -> None:
    persons = [wearer(7, f"wearer-{n}", PLAIN | {"ills_a_year": 12.0}) for n in range(40)]
    ill = {
        (n, date): found
        for n, person in enumerate(persons)
        for date in range(60)
        if (found := strain(person, 7, f"wearer-{n}", date, free_evening=False)).at_home
    }
    sick, well, faster_bpm = list[float](), list[float](), list[float]()
    for n, date in list(ill)[:25]:
        from_s = date * DAY_S - 18 * 3_600.0
        one, other = body(n, ills_a_year=12.0), body(n)
        assert {stay.place for stay in one.day(from_s + 8 * 3_600, from_s + 20 * 3_600)} == {"home"}
        for nights, person in ((sick, one), (well, other)):
            nights += [night.efficiency for night in person.nights(from_s, from_s + 2 * DAY_S) if night.index == date]
        night = one.nights(from_s + DAY_S, from_s + 2 * DAY_S)[0]
        span = night.bed_s, night.rise_s, 30
        faster_bpm.append(one.readings("heart_rate", *span)[1].mean() - other.readings("heart_rate", *span)[1].mean())

    assert len(sick) == len(well) == len(faster_bpm) == 25
    assert np.mean(sick) < np.mean(well)
    assert np.mean(faster_bpm) > 3


def test_an_illness_lasts_for_days_and_then_is_over() -> None:
    person = wearer(7, "wearer-1", PLAIN | {"ills_a_year": 6.0})

    ill = [strain(person, 7, "wearer-1", date, free_evening=False).ill_bpm > 0 for date in range(730)]

    edges = np.flatnonzero(np.diff(np.r_[0, ill, 0]))
    lengths = edges[1::2] - edges[::2]
    assert 4 <= len(lengths) <= 24
    assert lengths.min() >= 3


def test_who_naps_sleeps_by_day_at_home_and_the_night_stays_the_same() -> None:
    sleeper, other = body(3, nap_share=1.0), body(3)

    spans = [span for span in sleeper.day(0, 10 * DAY_S) if span.activity == "napping"]

    assert len(spans) >= 5
    for span in spans:
        assert span.place == "home"
        assert span.to_s - span.from_s <= 2.5 * 3_600
        stages = sleeper.truth(span.from_s, span.to_s)[1]
        assert stages[0] == 0
        assert not (other.truth(span.from_s, span.to_s)[1] > 0).any()
    assert any((sleeper.truth(span.from_s, span.to_s)[1] > 0).any() for span in spans)
    ours, theirs = sleeper.nights(0, 10 * DAY_S), other.nights(0, 10 * DAY_S)
    assert [night.bed_s for night in ours] == [night.bed_s for night in theirs]
    assert all(np.array_equal(a.stages, b.stages) for a, b in zip(ours, theirs, strict=True))


def test_nobody_naps_at_work_or_when_it_is_late() -> None:
    at_work = [Stay(3.0, 18.0, "work", "still"), Stay(18.0, 31.0, "home", "active")]
    late = [Stay(3.0, 19.5, "work", "still"), Stay(19.5, 31.0, "home", "still")]

    assert with_nap(at_work, 13.0, 1.0) == at_work
    assert with_nap(late, 13.0, 1.0) == late


@settings(deadline=None, max_examples=60)
@given(
    cuts=st.lists(st.floats(3.5, 30.5), min_size=1, max_size=8, unique=True).map(sorted),
    homes=st.lists(st.booleans(), min_size=9, max_size=9),
    from_h=st.floats(12, 16),
    lasts_h=st.floats(0.1, 2.5),
)
def test_a_day_with_a_nap_still_has_no_gap(cuts: list[float], homes: list[bool], from_h: float, lasts_h: float) -> None:
    edges = [3.0, *cuts, 31.0]
    day = [
        Stay(start, end, "home" if home else "out", "still" if place % 2 else "active")
        for place, (start, end, home) in enumerate(zip(edges, edges[1:], homes, strict=False))
    ]

    napped = with_nap(day, from_h, lasts_h)

    assert (napped[0].from_h, napped[-1].to_h) == (3.0, 31.0)
    assert all(a.to_h == b.from_h and a.from_h < a.to_h for a, b in pairwise(napped))
    assert all(stay.place == "home" for stay in napped if stay.activity == "napping")
    away = [(stay.from_h, stay.to_h) for stay in day if stay.place != "home"]
    assert [(stay.from_h, stay.to_h) for stay in napped if stay.place != "home"] == away


def test_without_any_of_it_a_day_is_like_all_others() -> None:
    person = wearer(7, "wearer-1", PLAIN)

    assert {strain(person, 7, "wearer-1", date, free_evening=True) for date in range(-50, 50)} == {CALM}


@pytest.mark.parametrize("trait", sorted(PLAIN))
def test_what_is_said_of_one_strain_leaves_the_person_alone(trait: str) -> None:
    person, other = wearer(7, "wearer-1"), wearer(7, "wearer-1", {trait: 0.123})

    assert {name for name in person.__slots__ if getattr(person, name) != getattr(other, name)} == {trait}


def test_the_effect_of_alcohol_begins_in_bed_and_fades() -> None:
    hours = np.array([20.0, 23.5, 25.5, 28.0, 35.0])

    bpm = Strain(drunk_bpm=8.0, drunk_rmssd=0.7).heart_bpm(hours, 23.0)

    assert bpm[0] == 0
    assert bpm[1] == bpm[2] == 8.0
    assert 8.0 > bpm[3] > bpm[4] > 0
