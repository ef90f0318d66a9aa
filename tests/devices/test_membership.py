"""Devices come and go: before they join and after they leave they lie in a drawer, and nobody reaches them."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.circumstances import Circumstances
from devices.membership import ALWAYS, Membership
from devices.settings import Fleet
from fleetbeat.population import live_without_learning

DAY_S = 86_400.0


def life(*edges: float) -> list[Circumstances]:
    return [Circumstances(start, end, charging=True, worn=True, far_link="wifi") for start, end in pairwise(edges)]


@given(
    joins=st.floats(0, 9),
    stays=st.floats(0.1, 9),
    edges=st.lists(st.floats(0.1, 8.9), min_size=1, max_size=5, unique=True),
)
def test_lives_tile_the_days_and_nothing_happens_outside(joins: float, stays: float, edges: list[float]) -> None:
    member = Membership(joins, joins + stays)

    told = list(member.lived(life(0.0, *sorted(edges), 9.0)))

    assert told[0].from_s == 0.0
    assert told[-1].to_s == 9.0
    assert all(before.to_s == after.from_s for before, after in pairwise(told))
    for part in told:
        inside = joins <= part.from_s < joins + stays
        assert (part.charging, part.worn, part.far_link) == ((True, True, "wifi") if inside else (False, False, "none"))


def test_who_is_always_there_is_not_touched() -> None:
    assert list(ALWAYS.lived(life(0.0, 3.0, 9.0))) == life(0.0, 3.0, 9.0)
    assert ALWAYS.commanded([(1.0, "crash")]) == [(1.0, "crash")]


def test_what_is_asked_of_a_device_in_the_drawer_is_not_heard() -> None:
    commands = [(1.0, "crash"), (5.0, "crash"), (9.0, "switch_on")]

    assert Membership(2.0, 8.0).commanded(commands) == [
        (0.0, "switch_off"), (2.0, "switch_on"), (5.0, "crash"), (8.0, "switch_off"),
    ]  # fmt: skip
    assert Membership(0.0, math.inf).commanded(commands) == commands


def fleet(**group: object) -> Fleet:
    document = {
        "schema": 1,
        "name": "ward",
        "days": 4,
        "learning": {"history_nights": 0},
        "group": [
            {"kind": "phone", "with": ["band"], "count": 2},
            {"kind": "phone", "with": ["band"], "count": 1} | group,
        ],
    }
    return Fleet.model_validate(document)


def test_a_device_that_joins_lives_and_senses_from_then_on() -> None:
    lived = [line for line in live_without_learning(fleet(join_day=1.5, leave_day=3)).lived if line.device == "band-3"]

    there = [line for line in lived if line.power]
    assert (there[0].from_s, there[-1].to_s) == (1.5 * DAY_S, 3 * DAY_S)
    assert lived[0].battery_start == lived[0].battery_end > 0.4
    assert any(line.life.worn for line in there)


def test_another_group_that_comes_later_changes_nobody_elses_life() -> None:
    def others(**group: object) -> list[object]:
        lived = live_without_learning(fleet(**group)).lived
        return [line for line in lived if line.device in ("phone-1", "band-1", "phone-2", "band-2")]

    assert others() == others(join_day=2, leave_day=2.5)


def test_leaving_before_joining_is_refused() -> None:
    with pytest.raises(ValueError, match="leave_day: found 1, expected after join_day, 2"):
        fleet(join_day=2, leave_day=1)
