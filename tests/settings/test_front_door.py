"""What new, check and schema answer."""

import json
import re
from pathlib import Path

import pytest
from rich.console import Console

from broker.errors import SettingsError
from devices.circumstances import COLUMNS
from devices.fleet_file import load_fleet, shipped_fleets
from devices.learning import models
from devices.overrides import Overrides
from devices.residents import residents
from fleetbeat.check import check_up
from fleetbeat.new import write_new
from fleetbeat.schema import schema
from tests.settings.conftest import SMALLEST, WALCH_SAMPLE, Written


def test_a_new_fleet_shows_the_defaults(tmp_path: Path, written: Written) -> None:
    new = load_fleet(write_new(tmp_path / "ours.toml"))
    plain = load_fleet(written(SMALLEST))

    assert new.name == "ours"
    assert new.model_copy(update={"name": plain.name, "group": plain.group}) == plain


def test_a_new_fleet_names_every_key(tmp_path: Path) -> None:
    text = write_new(tmp_path / "ours.toml").read_text()
    keys = [key for table in ("Learning", "Group", "ScriptedEvent") for key in schema()["$defs"][table]["properties"]]

    missing = [key for key in keys if f"{key} = " not in text and f"learning.{key}]" not in text]
    assert missing == ["test_persons"]


def test_the_options_that_a_new_fleet_shows_fit_its_strategy(tmp_path: Path) -> None:
    file = write_new(tmp_path / "ours.toml")
    shown = re.compile(r"^# (?=\[learning\.strategy_options\]|min_available_nodes)", re.MULTILINE)
    file.write_text(shown.sub("", file.read_text()))

    found = check_up(load_fleet(file))

    assert found.fleet.learning.strategy_options == {"min_available_nodes": 1}


@pytest.mark.parametrize("source", shipped_fleets())
def test_a_new_fleet_may_start_from_a_shipped_one(source: str, tmp_path: Path) -> None:
    new = load_fleet(write_new(tmp_path / "ours.toml", source))

    assert new == load_fleet(source).model_copy(update={"name": "ours"})


def test_a_copy_still_finds_the_recordings_of_the_original(written: Written, tmp_path: Path) -> None:
    (tmp_path / "night").symlink_to(WALCH_SAMPLE)
    file = written(
        'schema = 1\nname = "x"\nlearning.task = "sleep-wake"\n[[group]]\nkind = "ring"\nrecordings = "night"\n'
    )
    (tmp_path / "elsewhere").mkdir()

    copy = load_fleet(write_new(tmp_path / "elsewhere" / "copy.toml", str(file)))

    assert copy.group == load_fleet(file).group


def test_new_overwrites_nothing(written: Written) -> None:
    mine = written(SMALLEST)

    with pytest.raises(SettingsError, match="is there already"):
        write_new(mine)
    assert mine.read_text() == SMALLEST


def test_new_says_why_it_cannot_write(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be written: No such file or directory"):
        write_new(tmp_path / "nowhere" / "x.toml")


@pytest.mark.parametrize("name", shipped_fleets())
def test_the_shipped_fleets_are_as_promised(name: str) -> None:
    fleet = load_fleet(name)
    devices = residents(fleet)
    learning = fleet.learning

    assert fleet.name == name
    match name:
        case "household":
            assert sorted(d.name for d in devices) == ["band-1", "phone-1", "ring-1", "smartwatch-1", "tablet-1"]
            assert (learning.rounds, fleet.days, learning.history_nights) == (3, 4, 28)
        case "recorded-nights":
            assert len(devices) == 6
            assert learning.task == "sleep-wake"
        case "ward":
            assert len({d.wearer for d in devices}) == 60
            assert (fleet.days, learning.rounds, learning.task) == (7, 20, "sleep-wake")
            assert learning.history_nights <= 7
        case "city":
            assert len(devices) == 1_000
            assert (fleet.days, learning.rounds, learning.fraction_train) == (3, 10, 0.1)
            assert learning.history_nights <= 3


@pytest.mark.parametrize("name", ["ward", "city"])
def test_a_fit_takes_ten_minutes_of_a_middle_phone(name: str) -> None:
    phone = next(cost for cost in check_up(load_fleet(name)).costs if cost.kind == "phone")

    assert phone.fit_s == pytest.approx(600, rel=0.02)


def test_check_tells_who_lives_there_and_what_a_day_costs(capsys: pytest.CaptureFixture[str]) -> None:
    found = check_up(load_fleet("household"))

    Console(width=160).print(found.words())

    shown = capsys.readouterr().out
    assert "household: 3 people with 5 devices, for 4 days from Monday 5 January 2026, 18:00" in shown
    assert "1 person carries a phone and wears a band; the band measures, the phone learns" in shown
    assert "3 rounds, the first on Tuesday 6 January 2026, 02:00, then every 24 h" in shown
    assert "6.32 min" in shown
    assert found.warnings == ()


def test_a_days_costs_are_in_the_range_of_real_devices() -> None:
    costs = {cost.kind: cost for cost in check_up(load_fleet("ward")).costs}

    assert 18 <= costs["smartwatch"].battery_h <= 48
    assert 19 <= costs["phone"].battery_h <= 32
    assert 5 * 24 <= costs["band"].battery_h <= 7 * 24
    assert 4 * 24 <= costs["ring"].battery_h <= 7 * 24
    assert costs["band"].learning_j == costs["band"].near_j > 0  # it streams what others learn from
    assert costs["tablet"].near_mb == 0
    assert costs["band"].near_mb > 0


def test_check_is_one_json_document() -> None:
    document = json.loads(json.dumps(check_up(load_fleet("household")).as_json(), allow_nan=False))

    assert (document["wearers"], document["devices"], document["training_devices"]) == (3, 5, 3)
    assert {cost["kind"] for cost in document["costs"]} == {"smartwatch", "phone", "band", "tablet", "ring"}


@pytest.mark.parametrize(
    ("sets", "warning"),
    [
        (("group.0.with=[]",), "nothing measures for phone-1"),
        (("group.0.kind=ring", "group.0.with=[]"), "ring-1 measures for nobody"),
        ((), "learning.min_train_devices is 2, but 1 can learn: no round can start"),
        (("learning.rounds=9",), "only 4 of 9 rounds begin before life ends after 4 days"),
        (("learning.history_nights=0",), "no night is known when the first round begins"),
        (('event=[{at_s=1e6, device="phone-1", do="plug"}]',), "event.0 (plug phone-1) comes after life has ended"),
        (("learning.work.gflop=1e6",), "a fit takes a phone 5.49 days: longer than the 4 h it has"),
    ],
)
def test_check_warns_of_what_would_come_to_nothing(sets: tuple[str, ...], warning: str, written: Written) -> None:
    found = check_up(load_fleet(written(SMALLEST), Overrides(sets=sets)))

    assert any(warning in line for line in found.warnings), found.warnings


def test_check_refuses_a_model_without_its_library_as_run_does(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "find_spec", lambda _library: None)

    with pytest.raises(SettingsError, match="whose library torch is missing"):
        check_up(load_fleet(written(SMALLEST), Overrides(sets=("learning.model=lstm", "learning.task=sleep-wake"))))


def test_the_fleet_schema_knows_kinds_strategies_and_events() -> None:
    fleet = json.loads(json.dumps(schema("fleet")))

    assert fleet["required"] == ["schema", "name", "group"]
    assert fleet["additionalProperties"] is False
    assert "smartwatch" in fleet["$defs"]["Group"]["properties"]["kind"]["enum"]
    assert "fedadam" in fleet["$defs"]["Learning"]["properties"]["strategy"]["anyOf"][0]["enum"]
    assert "unplug" in fleet["$defs"]["ScriptedEvent"]["properties"]["do"]["enum"]


def test_the_recordings_schema_knows_the_channels() -> None:
    assert "stage" in json.loads(json.dumps(schema("recordings")))["properties"]["channels"]["propertyNames"]["enum"]


def test_the_life_schema_asks_for_what_a_life_file_is_read_for() -> None:
    life = json.loads(json.dumps(schema("life")))

    assert life["required"] == ["device", "from_s", "to_s", *COLUMNS]
    assert set(life["properties"]) == set(life["required"])
    assert life["properties"]["far_link"]["enum"] == ["wifi", "mobile", "none"]


def test_an_unknown_schema_is_refused() -> None:
    with pytest.raises(
        SettingsError, match='schema: found "flete", expected one of fleet, recordings, study, life; did you mean'
    ):
        schema("flete")
