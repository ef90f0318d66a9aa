"""Runs of the same days may share what was told of them; each is told exactly what it would be told alone."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from devices.annals import Annals, annals_for
from devices.body import SyntheticBody
from devices.fleet_file import load_fleet
from devices.learning.diary import diary_for
from devices.learning.task import TASKS
from devices.lives import Lives
from devices.overrides import Overrides
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
OTHERS = (
    "learning.label_source=diary",
    "learning.history_nights=4",
    "group.0.kind=phone-low",
    'group.0.with=["ring"]',
    'group.0.set={"ready.min_battery" = 0.5, charging_habit = "around_bed"}',
    "group.0.wearers={bed_h = 27.0}",
    "group.0.join_day=1.0",
    "ideal=true",
)


def fleet_of(folder: Path, *changes: str) -> Fleet:
    (folder / "home.toml").write_text(HOME)
    return load_fleet(folder / "home.toml", Overrides(sets=changes))


def days_told(fleet: Fleet, annals: Annals | None) -> list[Sequence[object]]:
    here = residents(fleet)
    lives = Lives(fleet, here, annals)
    return [[*lives.of(resident, 0.0, fleet.days * DAY_S)] for resident in here]


def nights_told(fleet: Fleet, annals: Annals | None) -> list[object]:
    here, learning = residents(fleet), fleet.learning
    lives = Lives(fleet, here, annals)
    told: list[object] = []
    for trainer in (resident for resident in here if resident.kind.trains):
        diary = diary_for(learning.label_source, TASKS[learning.task], fleet.seed, trainer.wearer)
        for index, examples in lives.nights(trainer, -learning.history_nights * DAY_S, 0.0, diary):
            arrays = (examples.features, examples.labels, examples.start_s)
            told.append((trainer.name, index, *(array.tolist() for array in arrays)))
    return told


@pytest.mark.parametrize("change", OTHERS)
def test_a_fleet_is_told_what_it_would_be_told_alone_whoever_asked_before(tmp_path: Path, change: str) -> None:
    usual, other = fleet_of(tmp_path), fleet_of(tmp_path, change)
    annals = annals_for([usual, other])
    assert annals is not None

    for fleet in (usual, other, usual, other):
        assert days_told(fleet, annals) == days_told(fleet, None)
        assert nights_told(fleet, annals) == nights_told(fleet, None)


def test_what_was_told_once_is_not_told_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = fleet_of(tmp_path)
    annals = annals_for([fleet])
    days_told(fleet, annals)

    def told_again(*_: object) -> None:
        raise AssertionError("it was told before")

    monkeypatch.setattr(SyntheticBody, "day", told_again)

    assert days_told(fleet, annals)


def test_what_is_shared_cannot_be_written_to(tmp_path: Path) -> None:
    fleet = fleet_of(tmp_path)
    phone = residents(fleet)[0]

    (_, examples), *_ = Lives(fleet, residents(fleet), annals_for([fleet])).nights(phone, -2 * DAY_S, 0.0)

    for array in (examples.features, examples.labels, examples.start_s):
        with pytest.raises(ValueError, match="read-only"):
            array[:] = np.zeros_like(array)


def test_thousands_of_wearers_share_nothing(tmp_path: Path) -> None:
    few, many = fleet_of(tmp_path), fleet_of(tmp_path, "group.0.count=2000")

    assert annals_for([few]) is not None
    assert annals_for([few, many]) is None
