"""Ready means a few conditions; the first that does not hold is the reason."""

from typing import Any

import pytest

from devices.circumstances import Circumstances
from devices.kinds import Ready
from devices.readiness import Standing, absence, broken, objection, why_not

CALM = Circumstances(0, 1, charging=True, far_link="wifi")


def standing(life: dict[str, Any] | None = None, **how: Any) -> Standing:
    defaults: dict[str, Any] = {"on": True, "radio_asleep": False, "busy": False, "battery": 0.8, "examples": 9}
    around: dict[str, Any] = {"charging": True, "far_link": "wifi"} | (life or {})
    return Standing(**{**defaults, **how}, life=Circumstances(0, 1, **around))


def test_a_phone_on_its_charger_at_home_is_ready() -> None:
    assert why_not(Ready(), standing(), 1) is None


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"on": False}, "powered_off"),
        ({"radio_asleep": True}, "asleep"),
        ({"life": {"far_link": "none"}}, "far_link_down"),
        ({"life": {"charging": False}}, "not_charging"),
        ({"battery": 0.1999}, "low_battery"),
        ({"life": {"far_link": "mobile"}}, "metered"),
        ({"life": {"in_use": True}}, "in_use"),
        ({"examples": 0}, "too_little_data"),
        ({"busy": True}, "busy"),
    ],
)
def test_each_condition_has_its_reason(how: dict[str, Any], reason: str) -> None:
    assert why_not(Ready(), standing(**how), 1) == reason


def test_the_first_reason_wins() -> None:
    everything = standing({"far_link": "none", "charging": False, "in_use": True}, on=False, busy=True, battery=0.0)

    assert absence(everything) == why_not(Ready(), everything, 1) == "powered_off"
    assert objection(Ready(), everything) == "not_charging"


def test_a_kind_may_relax_each_condition() -> None:
    easy = Ready(needs_charging=False, needs_idle=False, needs_unmetered=False, min_battery=0.0)
    hard = standing({"charging": False, "in_use": True, "far_link": "mobile"}, battery=0.01)

    assert why_not(easy, hard, 1) is None
    assert broken(easy, hard.life) is None


@pytest.mark.parametrize(
    ("life", "reason"),
    [({"charging": False}, "unplugged"), ({"in_use": True}, "in_use"), ({"far_link": "mobile"}, "metered")],
)
def test_work_under_way_ends_for_the_same_conditions(life: dict[str, Any], reason: str) -> None:
    assert broken(Ready(), standing(life).life) == reason


def test_a_broken_far_link_does_not_end_work() -> None:
    assert broken(Ready(), standing({"far_link": "none"}).life) is None
