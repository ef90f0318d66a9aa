"""Who lives in one process, as `fleetbeat host` is told."""

import pytest

from broker.errors import UsageError
from devices.fleet_file import load_fleet
from devices.residents import residents
from fleetbeat.lodging import lodgers

EVERYBODY = residents(load_fleet("household"))


def names(devices: str, all_but: str = "") -> list[str]:
    return [device.name for device in lodgers(EVERYBODY, devices, all_but)]


def test_a_trainer_brings_along_who_streams_to_it() -> None:
    assert names("phone-1") == ["phone-1", "band-1"]
    assert names("tablet-1, smartwatch-1") == ["smartwatch-1", "tablet-1", "ring-1"]


def test_all_others_live_where_all_but_some_do() -> None:
    assert names("", "phone-1") == ["smartwatch-1", "tablet-1", "ring-1"]


@pytest.mark.parametrize(
    ("devices", "all_but", "words"),
    [
        ("band-1", "", "--devices: band-1 streams to phone-1 and lives with it: name phone-1"),
        ("phone-1,band-1", "", "name phone-1, and it comes along"),
        ("phone-2", "", "no device of this fleet is called 'phone-2'; did you mean \"phone-1\""),
        ("nix-1", "", "is called 'nix-1'; there are smartwatch-1, phone-1, tablet-1$"),
        ("phone-1,", "", "no device of this fleet is called ''"),
        ("", "ring-1", "--all-but: ring-1 streams to tablet-1"),
        ("", "phone-1,tablet-1,smartwatch-1", "nobody would live here"),
        ("", "", "expected one of --devices and --all-but"),
        ("phone-1", "tablet-1", "expected one of --devices and --all-but"),
    ],
)
def test_who_cannot_live_here_is_told_why(devices: str, all_but: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        lodgers(EVERYBODY, devices, all_but)
