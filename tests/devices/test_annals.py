"""Runs of the same days may share what was told of them; what comes out is the same."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from devices.annals import Annals
from devices.body import SyntheticBody
from devices.fleet_file import load_fleet
from devices.lives import Lives
from devices.residents import residents
from devices.settings import Fleet
from devices.table import DAY_S

HOME = """schema = 1
name = "home"
days = 2
[learning]
history_nights = 2
[[group]]
kind = "phone"
with = ["band"]
count = 2
"""
OTHER_HABITS = HOME + "wearers = { looks_an_hour = 20.0 }\n"


def fleet_of(folder: Path, words: str) -> Fleet:
    (folder / "home.toml").write_text(words)
    return load_fleet(folder / "home.toml")


def annals_for(fleet: Fleet) -> Annals:
    return Annals(wearers=2, days=fleet.days, learning=fleet.learning)


def lives_of(fleet: Fleet, annals: Annals | None) -> Lives:
    return Lives(fleet, residents(fleet), annals)


def days_of(fleet: Fleet, annals: Annals | None) -> list[Sequence[object]]:
    lives = lives_of(fleet, annals)
    return [[*lives.of(resident, 0.0, fleet.days * DAY_S)] for resident in residents(fleet)]


def test_lives_with_annals_are_those_without(tmp_path: Path) -> None:
    fleet = fleet_of(tmp_path, HOME)
    annals = annals_for(fleet)

    first, again = days_of(fleet, annals), days_of(fleet, annals)

    assert first == again == days_of(fleet, None)
    phone = residents(fleet)[0]
    with_annals, without = (lives_of(fleet, told).nights(phone, -2 * DAY_S, 0.0) for told in (annals, None))
    assert [index for index, _ in with_annals] == [index for index, _ in without]
    for (_, ours), (_, theirs) in zip(with_annals, without, strict=True):
        assert np.array_equal(ours.features, theirs.features)


def test_what_was_told_once_is_not_told_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = fleet_of(tmp_path, HOME)
    annals = annals_for(fleet)
    days_of(fleet, annals)

    def told_again(*_: object) -> None:
        raise AssertionError("it was told before")

    monkeypatch.setattr(SyntheticBody, "day", told_again)

    assert days_of(fleet, annals)


def test_people_with_other_habits_have_days_of_their_own(tmp_path: Path) -> None:
    fleet = fleet_of(tmp_path, HOME)
    annals = annals_for(fleet)
    usual = days_of(fleet, annals)
    others = fleet_of(tmp_path, OTHER_HABITS)

    told = days_of(others, annals)

    assert told != usual
    assert told == days_of(others, None)


def test_a_thousand_wearers_keep_no_week_of_signals(tmp_path: Path) -> None:
    fleet = fleet_of(tmp_path, HOME)

    few, many = (Annals(wearers=wearers, days=7, learning=fleet.learning).blocks for wearers in (60, 1_000))

    assert few > 7 + 2
    assert many < 7
