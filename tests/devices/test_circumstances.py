"""Circumstances tile: whatever stretches a column has, each moment has one truth."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.circumstances import Circumstances, Stretch, merged, said, tiled, worn_in

MOMENTS = st.integers(-20, 120).map(float)
STRETCHES = st.lists(
    st.tuples(MOMENTS, MOMENTS, st.booleans()).map(lambda s: (min(s[0], s[1]), max(s[0], s[1]), s[2])), max_size=8
)


def at(lives: list[Circumstances], t_s: float) -> Circumstances:
    (found,) = [life for life in lives if life.from_s <= t_s < life.to_s]
    return found


@given(STRETCHES, STRETCHES)
@settings(deadline=None)
def test_the_later_stretch_wins_and_the_usual_fills_the_rest(charging: list[Stretch], in_use: list[Stretch]) -> None:
    lives = tiled(0.0, 100.0, {"far_link": "wifi"}, {"charging": charging, "in_use": in_use})

    assert (lives[0].from_s, lives[-1].to_s) == (0.0, 100.0)
    assert all(before.to_s == after.from_s and before.from_s < before.to_s for before, after in pairwise(lives))
    for t_s in range(100):
        life = at(lives, t_s + 0.5)
        for name, stretches in (("charging", charging), ("in_use", in_use)):
            told = [value for start, end, value in stretches if start <= t_s < end]
            assert getattr(life, name) == (told[-1] if told else False)
        assert life.far_link == "wifi"


@given(STRETCHES)
@settings(deadline=None)
def test_merged_neighbours_differ_and_tell_the_same_story(charging: list[Stretch]) -> None:
    lives = tiled(0.0, 100.0, {}, {"charging": charging})

    joined = list(merged(lives))

    assert (joined[0].from_s, joined[-1].to_s) == (0.0, 100.0)
    for before, after in pairwise(joined):
        assert before.to_s == after.from_s
        assert said(before) != said(after)
    assert all(said(at(joined, life.from_s)) == said(life) for life in lives)


def test_nothing_merges_to_nothing() -> None:
    assert list(merged([])) == []


def test_only_a_mobile_network_is_metered() -> None:
    assert [Circumstances(0, 1, far_link=link).metered for link in ("none", "wifi", "mobile")] == [False, False, True]


def test_worn_is_whoever_wears_any_of_the_devices() -> None:
    watch = tiled(0.0, 100.0, {"worn": True}, {"worn": [(10.0, 50.0, False)]})
    band = tiled(0.0, 100.0, {}, {"worn": [(40.0, 60.0, True)]})

    worn = worn_in([watch, band])

    assert worn(np.array([0.0, 10.0, 39.0, 40.0, 50.0, 99.0])).tolist() == [True, False, False, True, True, True]
