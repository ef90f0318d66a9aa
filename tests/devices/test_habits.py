"""Habits tell a wearer's dealings with a device: the same life for the same seed, whoever else is there."""

from datetime import datetime
from itertools import pairwise

import pytest

from devices.body import SyntheticBody
from devices.circumstances import Circumstances, said
from devices.habits import Habits
from devices.kinds import kind_named

DAY_S = 86_400.0
START = datetime(2026, 1, 5, 18)
PHONE, BAND, TABLET, WATCH = (kind_named(kind) for kind in ("phone", "band", "tablet", "smartwatch"))


def lives(
    kind: str,
    hub: str | None = None,
    *,
    seed: int = 7,
    wearer: str = "wearer-1",
    device: str = "",
    from_s: float = 0.0,
    days: float = 5,
) -> list[Circumstances]:
    body = SyntheticBody(seed, wearer, START)
    habits = Habits(
        seed, device or f"{kind}-1", kind_named(kind), kind_named(hub) if hub else None, wearer, body, START
    )
    return list(habits.lives(from_s, from_s + days * DAY_S))


def share(told: list[Circumstances], **wanted: object) -> float:
    whole_s = told[-1].to_s - told[0].from_s
    return (
        sum(life.to_s - life.from_s for life in told if all(getattr(life, k) == v for k, v in wanted.items())) / whole_s
    )


@pytest.mark.parametrize(
    ("kind", "hub"), [("phone", None), ("smartwatch", None), ("tablet", None), ("band", "phone"), ("ring", "tablet")]
)
def test_circumstances_tile_days_before_and_after_the_start(kind: str, hub: str | None) -> None:
    told = lives(kind, hub, from_s=-2.3 * DAY_S, days=4)

    assert told[0].from_s == -2.3 * DAY_S
    assert told[-1].to_s == pytest.approx(1.7 * DAY_S)
    assert all(before.to_s == after.from_s and said(before) != said(after) for before, after in pairwise(told))


def test_the_same_question_gets_the_same_answer() -> None:
    assert lives("phone") == lives("phone")
    assert lives("phone", seed=8) != lives("phone")


def test_a_part_of_a_life_is_told_as_in_the_whole() -> None:
    whole, part = lives("phone", days=4), lives("phone", from_s=1.37 * DAY_S, days=1)

    for life in part:
        (same,) = [other for other in whole if other.from_s <= life.from_s < other.to_s]
        assert said(life) == said(same)


def test_another_device_of_the_wearer_has_the_same_router_and_the_same_places() -> None:
    phone, other = lives("phone"), lives("phone", device="phone-2")

    for link in ("wifi", "mobile", "none"):
        assert share(phone, far_link=link) == pytest.approx(share(other, far_link=link))
    assert share(phone, place="work") == pytest.approx(share(other, place="work"))


def test_a_wearer_takes_a_band_off_to_charge_it() -> None:
    told = lives("band", "phone", days=12)

    assert 0 < share(told, charging=True) < 0.1
    assert share(told, charging=True, worn=True) == 0.0
    assert share(told, worn=True) > 0.9


def test_a_phone_is_charged_while_its_wearer_sleeps_or_works() -> None:
    fleet = [lives("phone", wearer=f"wearer-{n}", days=6) for n in range(12)]

    assert 0.1 < sum(share(told, charging=True) for told in fleet) / 12 < 0.6
    assert all(share(told, charging=True) > 0 for told in fleet)


def test_a_phone_is_picked_up_often_and_not_for_long() -> None:
    fleet = [lives("phone", wearer=f"wearer-{n}", days=3) for n in range(8)]

    looks = [sum(after.in_use and not before.in_use for before, after in pairwise(told)) / 3 for told in fleet]
    assert 10 < sum(looks) / 8 < 120
    assert all(0.005 < share(told, in_use=True) < 0.35 for told in fleet)


def test_a_phone_has_mobile_where_there_is_no_wifi() -> None:
    told = lives("phone")

    assert {life.far_link for life in told if life.place == "home"} <= {"wifi", "none"}
    assert "mobile" in {life.far_link for life in told if life.place in ("commute", "out")}
    assert share(told, far_link="none") < 0.1


def test_a_tablet_stays_at_home_and_its_ring_goes_out_of_reach() -> None:
    tablet, ring = lives("tablet"), lives("ring", "tablet")

    assert {life.place for life in tablet} == {"home"}
    assert all(not life.near_link for life in ring if life.place != "home")
    assert 0 < share(ring, near_link=True) < 1


def test_a_device_that_buffers_for_itself_is_always_near_itself() -> None:
    assert share(lives("smartwatch"), near_link=True) == 1.0
