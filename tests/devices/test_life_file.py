"""A life file is replayed as it stands, or refused with the line that cannot be."""

from pathlib import Path

import pytest

from broker.errors import SettingsError
from devices.fleet_file import Overrides, load_fleet
from devices.life_file import read_life_file
from devices.lifelog import Lived
from fleetbeat.population import live_without_learning, write_population

HEADER = "device,from_s,to_s,charging,near_link,far_link,place,worn,in_use\n"
FLEET = """schema = 1
name = "frozen"
days = 1
life = "life.csv"

[learning]
history_nights = 0

[[group]]
kind = "phone"
count = 1
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "fleet.toml").write_text(FLEET)
    return tmp_path / "life.csv"


def load(file: Path) -> list[Lived]:
    return list(live_without_learning(load_fleet(file.with_name("fleet.toml"))).lived)


def test_what_the_file_says_happens(file: Path) -> None:
    file.write_text(
        HEADER
        + "phone-1,0,3600,false,true,wifi,home,false,false\n"
        + "phone-1,3600,90000,true,true,mobile,out,false,true\n"
    )

    first, *rest = load(file)

    assert (first.from_s, first.to_s) == (0, 3_600)
    assert not first.life.charging
    assert all(line.life.charging and line.life.far_link == "mobile" and line.life.in_use for line in rest)
    assert first.battery_end < first.battery_start
    assert rest[-1].battery_end > first.battery_end


def test_the_lives_of_a_run_can_be_lived_again(tmp_path: Path) -> None:
    first = live_without_learning(load_fleet("household", Overrides(days=2)))
    write_population(first, tmp_path / "out")
    again = load_fleet("household", Overrides(days=2, sets=(f"life={tmp_path / 'out' / 'life.csv'}",)))

    second = live_without_learning(again)

    for old, new in zip(first.lived, second.lived, strict=True):
        assert (old.device, old.power, old.why_not) == (new.device, new.power, new.why_not)
        assert old.from_s == pytest.approx(new.from_s, abs=1e-5)
        assert old.battery_end == pytest.approx(new.battery_end, abs=1e-4)


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        (
            "phone-1,0,90000,yes,true,wifi,home,false,false",
            'line 2: charging: found "yes", expected one of true',
        ),
        ("phone-1,0,90000,true,true,lte,home,false,false", 'line 2: far_link: found "lte"'),
        ("phone-1,0,90000,true,true,wifi,moon,false,false", 'line 2: place: found "moon"'),
        ("phone-1,zero,90000,true,true,wifi,home,false,false", 'line 2: from_s: found "zero"'),
        ("phone-1,0,nan,true,true,wifi,home,false,false", 'line 2: to_s: found "nan"'),
        ("phone-1,50,20,true,true,wifi,home,false,false", "line 2: found from_s 50 and to_s 20"),
        ("phone-1,0,90000,true,true,wifi,home,false", "line 2: in_use: found nothing"),
        ("phone-1,5,90000,true,true,wifi,home,false,false", "phone-1 begins at 5, expected 0"),
        ("phone-1,0,80000,true,true,wifi,home,false,false", "phone-1 ends at 80000, expected 86400 or later"),
        ("phone-7,0,90000,true,true,wifi,home,false,false", "no line for phone-1"),
        (
            "phone-1,0,60,true,true,wifi,home,false,false\nphone-1,50,90000,true,true,wifi,home,false,false",
            "line 3: found an overlap: phone-1 from 50, expected from 60",
        ),
        (
            "phone-1,0,60,true,true,wifi,home,false,false\nphone-1,70,90000,true,true,wifi,home,false,false",
            "line 3: found a gap: phone-1 from 70, expected from 60",
        ),
    ],
)
def test_a_life_that_cannot_be_is_refused(file: Path, lines: str, complaint: str) -> None:
    file.write_text(HEADER + lines + "\n")

    with pytest.raises(SettingsError) as refused:
        load(file)

    assert complaint in str(refused.value)


def test_a_file_that_is_none_is_refused(file: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load(file)
    file.write_text(HEADER.replace(",in_use", ""))
    with pytest.raises(SettingsError, match="line 1: found no column in_use"):
        read_life_file(file)
