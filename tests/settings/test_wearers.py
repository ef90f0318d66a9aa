"""Who lives in a fleet can be said: as numbers or as spreads, drawn once for each wearer."""

from pathlib import Path

import numpy as np
import pytest

from broker.errors import SettingsError
from devices.body import SyntheticBody
from devices.body.wearer import wearer
from devices.fleet_file import freeze, load_fleet
from devices.habits import person
from devices.residents import Device, residents
from devices.settings import Fleet
from fleetbeat.check import check_up
from fleetbeat.costs import by_kind
from tests.settings.conftest import Written

WARD = """schema = 1
name = "ward"
[[group]]
name = "old"
kind = "phone"
with = ["band"]
count = 60
join_day = 1.5
wearers = { age_years = { mean = 75, sd = 6 }, works = 0.0, looks_an_hour = 1.0, phone_in_bedroom = 0.5 }
set = { health = { low = 0.5, high = 0.9 }, "ready.min_battery" = 0.3 }
[[group]]
kind = "phone"
count = 2
"""


def old_and_others(fleet: Fleet) -> tuple[list[Device], list[Device]]:
    phones = [device for device in residents(fleet) if device.kind.kind == "phone"]
    return [d for d in phones if d.group == "old"], [d for d in phones if d.group != "old"]


def test_each_wearer_is_drawn_from_the_spread(written: Written) -> None:
    fleet = load_fleet(written(WARD))
    old, others = old_and_others(fleet)

    ages = [wearer(fleet.seed, device.wearer, device.traits).age_years for device in old]
    assert 73 < np.mean(ages) < 77
    assert min(ages) >= 63
    assert max(ages) <= 87
    assert not any(wearer(fleet.seed, device.wearer, device.traits).works for device in old)
    assert {person(fleet.seed, device.wearer, device.traits).looks_an_hour for device in old} == {1.0}
    beside = [person(fleet.seed, device.wearer, device.traits).phone_in_bedroom for device in old]
    assert 15 < sum(beside) < 45
    assert all(not device.traits for device in others)


def test_each_device_is_drawn_from_the_spread(written: Written) -> None:
    old, others = old_and_others(load_fleet(written(WARD)))

    health = [device.kind.health for device in old]
    assert 0.5 <= min(health) < 0.6
    assert 0.8 < max(health) <= 0.9
    assert {device.kind.ready.min_battery for device in old} == {0.3}
    assert {device.kind.health for device in others} == {1.0}


def test_what_is_said_of_some_changes_nothing_else_about_them_and_nobody_else(written: Written) -> None:
    fleet = load_fleet(written(WARD))
    told, plain = wearer(7, "wearer-1", {"sport_share": 0.0}), wearer(7, "wearer-1")

    assert told.sport_share == 0.0
    assert (told.age_years, told.heart_asleep_bpm, told.bed_h) == (
        plain.age_years, plain.heart_asleep_bpm, plain.bed_h,
    )  # fmt: skip
    _, others = old_and_others(fleet)
    alone = SyntheticBody(7, others[0].wearer, fleet.start).day(0, 86_400)
    assert SyntheticBody(7, others[0].wearer, fleet.start, others[0].traits).day(0, 86_400) == alone


def test_drawn_devices_of_a_group_stand_together_in_a_check_up(written: Written) -> None:
    fleet = load_fleet(written(WARD))

    assert {name: len(alike) for name, alike in by_kind(residents(fleet)).items()} == {
        "phone": 60, "band": 60, "phone (phone-2)": 2,
    }  # fmt: skip
    who = check_up(fleet).who[0]
    assert "join on day 1.5" in who
    assert "age years 75 ± 6" in who
    assert "health from 0.5 to 0.9" in who


def test_spreads_survive_freezing(written: Written, tmp_path: Path) -> None:
    fleet = load_fleet(written(WARD))
    (tmp_path / "frozen.toml").write_text(freeze(fleet))

    assert load_fleet(tmp_path / "frozen.toml") == fleet


@pytest.mark.parametrize(
    ("good", "bad", "complaint"),
    [
        ("mean = 75", "mean = 105", "age_years: found 93 to 117, expected 18 to 100"),
        ("looks_an_hour = 1.0", "in_bed_h = 2.0", "in_bed_h: found 2, expected 4 to 10.5"),
        ("looks_an_hour = 1.0", "lokks_an_hour = 1.0", 'did you mean "looks_an_hour"'),
        ("works = 0.0", "works = 2.0", "works: found 2"),
        ("low = 0.5", "low = 0.95", "found a spread from 0.95 to 0.9"),
        ("low = 0.5, high = 0.9", "mean = 0.5", "expected { mean, sd }"),
        ("health = { low = 0.5, high = 0.9 }", "battery_wh = { mean = 1, sd = 1 }", "set.battery_wh: found -1"),
    ],
)
def test_people_and_devices_that_cannot_be_are_refused(written: Written, good: str, bad: str, complaint: str) -> None:
    assert good in WARD

    with pytest.raises(SettingsError) as refused:
        load_fleet(written(WARD.replace(good, bad, 1)))

    assert complaint in str(refused.value)
