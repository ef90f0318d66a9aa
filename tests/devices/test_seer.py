"""What a seer tells of lives ahead of time is what whoever lives them would have made."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devices.body import SyntheticBody
from devices.body.plan import Planner
from devices.fleet_file import load_fleet
from devices.foresight import DAY, PAST, PLAN, SIGNALS, Key
from devices.habits import Habits
from devices.lives import Lives
from devices.overrides import Overrides
from devices.residents import residents
from devices.seer import Seer
from devices.settings import Fleet
from devices.table import DAY_S

HOME = """schema = 1
name = "home"
days = 3
start = 2026-01-05T18:00:00
[learning]
history_nights = 2
[[group]]
kind = "phone"
with = ["band"]
count = 2
[[group]]
kind = "smartwatch"
count = 1
"""
CHANGES = (
    "seed=8",
    "learning.task=sleep-wake",
    "learning.label_source=diary",
    "learning.epochs=all",
    "group.0.wearers={bed_h = 27.0}",
    "group.0.join_day=1.0",
    "start=2026-01-05T09:30:00",
    "ideal=true",
)


def fleet_of(folder: Path, *changes: str) -> Fleet:
    (folder / "home.toml").write_text(HOME)
    return load_fleet(folder / "home.toml", Overrides(sets=changes))


def foretold(fleet: Fleet) -> dict[Key, Any]:
    seer, wearers = Seer(fleet), {device.wearer: None for device in residents(fleet)}
    told = seer.past(wearers)
    for day in range(int(fleet.days)):
        told |= seer.day(wearers, day)
    return told


def lived(fleet: Fleet, lives: Lives) -> list[Any]:
    """Tell all that a run looks at: circumstances, what was measured, nights, and the past."""
    told: list[Any] = []
    for device in residents(fleet):
        body = lives.body(device)
        assert isinstance(body, SyntheticBody)
        told.append([*lives.of(device, 0.0, fleet.days * DAY_S)])
        told += [body.readings(channel, 0.0, 2.0 * DAY_S, 300.0)[1].tolist() for channel in ("heart_rate", "light")]
        told.append([(night.index, night.bed_s, night.stages.tolist()) for night in body.nights(0.0, 3 * DAY_S)])
        if device.kind.trains:
            told += [
                (index, examples.features.tolist(), examples.labels.tolist()) for index, examples in lives.past(device)
            ]
    return told


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_told_ahead_is_what_would_have_been_made(tmp_path: Path, change: str) -> None:
    fleet = fleet_of(tmp_path, change)
    told = foretold(fleet)
    foreseen = {*told}

    with_foresight = Lives(fleet, residents(fleet), foresight=lambda *key: told.pop(key, None))

    assert lived(fleet, with_foresight) == lived(fleet, Lives(fleet, residents(fleet)))
    assert {what for what, _, _ in foreseen - {*told}} == {PAST, PLAN, SIGNALS} | ({DAY} if not fleet.ideal else set())


@pytest.mark.parametrize("hour", ["00:00", "09:30", "12:00", "18:00"])
def test_what_was_told_is_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hour: str) -> None:
    fleet = fleet_of(tmp_path, f"start=2026-01-05T{hour}:00")
    told = foretold(fleet)

    def made(*_: object) -> None:
        raise AssertionError("it was told before")

    monkeypatch.setattr(Habits, "day", made)
    monkeypatch.setattr(SyntheticBody, "_make_block", made)
    monkeypatch.setattr(Planner, "_make_plan", made)
    monkeypatch.setattr(Lives, "nights", made)
    lives = Lives(fleet, residents(fleet), foresight=lambda *key: told.get(key))

    for device in residents(fleet):
        assert [*lives.of(device, 0.0, fleet.days * DAY_S)]
        assert len(lives.body(device).readings("heart_rate", 0.0, 3 * DAY_S - 1, 300.0)[0])
        assert lives.body(device).nights(0.0, 3 * DAY_S)
        if device.kind.trains:
            lives.past(device)  # of a watch that is never worn at night there is none


def test_of_whom_nothing_measures_no_signals_are_told(tmp_path: Path) -> None:
    fleet = fleet_of(tmp_path, "group.0.with=[]")

    assert {whose for what, whose, _ in foretold(fleet) if what == SIGNALS} == {"wearer-3"}


def test_half_a_day_is_made_here(tmp_path: Path) -> None:
    fleet = fleet_of(tmp_path)
    phone, *_ = residents(fleet)
    asked: list[Key] = []

    def foresight(*key: Any) -> None:
        asked.append(key)

    [*Lives(fleet, residents(fleet), foresight=foresight).of(phone, 0.0, 1.5 * DAY_S)]

    assert [key for key in asked if key[0] == DAY] == [(DAY, phone.name, 0)]


def test_of_a_life_from_a_file_no_day_is_told(tmp_path: Path) -> None:
    lines = [f"{device.name},0,259200,false,true,wifi,home,false,false" for device in residents(fleet_of(tmp_path))]
    header = "device,from_s,to_s,charging,near_link,far_link,place,worn,in_use"
    (tmp_path / "life.csv").write_text("\n".join([header, *lines]) + "\n")
    (tmp_path / "home.toml").write_text(HOME.replace("days = 3", 'days = 3\nlife = "life.csv"'))
    fleet = load_fleet(tmp_path / "home.toml")

    told = foretold(fleet)

    assert {what for what, _, _ in told} == {PAST, "plan", "signals"}
    assert all(np.isfinite(block["heart_rate"]).all() for key, block in told.items() if key[0] == "signals")
