"""Recorded persons live again: they learn together, and a stranger among them can be asked how good it got."""

import gzip
from pathlib import Path

import pytest
from rich.console import Console

from broker.errors import RecordingError, RunFolderError
from devices.body import read_recordings
from devices.fleet_file import SHIPPED
from fleetbeat.evaluate import evaluate
from fleetbeat.saved_run import SavedRun
from fleetbeat.summary import summary
from tests.world.ground import assert_same_bytes, run, table

SAMPLE = SHIPPED / "recordings" / "walch-sample"
ASIDE = ("4314139", "9106476")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the shipped sample in which two persons stay aside."""
    out = tmp_path_factory.mktemp("recorded") / "run"
    return run("recorded-nights", out, f'learning.test_persons=["{ASIDE[0]}", "{ASIDE[1]}"]', rounds=2).path


def test_recorded_nights_are_learnt(folder: Path) -> None:
    last = table(folder, "rounds.csv")[-1]

    assert (last["selected"], last["delivered"]) == ("4", "4")
    assert float(last["server_auc"]) > 0.6
    assert float(last["server_balanced_accuracy"]) > 0.55
    assert {line["device"] for line in table(folder, "devices.csv")} == {f"smartwatch-{n}" for n in range(1, 5)}


def test_only_what_lies_within_the_run_is_counted_as_readings(folder: Path) -> None:
    for line in table(folder, "devices.csv"):
        sensed, buffered, dropped, flight = (
            int(line[f"readings_{w}"]) for w in ("sensed", "buffered", "dropped", "in_flight")
        )
        assert 1_000 < sensed == buffered + dropped + flight


def test_the_frozen_fleet_finds_the_shipped_recordings_by_name(folder: Path, tmp_path: Path) -> None:
    assert 'recordings = "recordings/walch-sample"' in (folder / "fleet.toml").read_text()

    again = run(folder / "fleet.toml", tmp_path / "again")

    assert_same_bytes(folder, again.path)


def test_who_stayed_aside_is_asked_how_good_the_model_is(folder: Path) -> None:
    found = evaluate(SavedRun(folder), SAMPLE)

    last = table(folder, "rounds.csv")[-1]
    assert [person["person"] for person in found["per_person"]] == sorted(ASIDE, key=lambda id_: [*_ids()].index(id_))
    assert found["persons"] == 2
    assert found["examples"] == sum(person["examples"] for person in found["per_person"])
    assert found["auc"] == pytest.approx(float(last["server_auc"]), abs=1e-5)
    assert set(found) == {
        "persons",
        "examples",
        "majority_share",
        "accuracy",
        "balanced_accuracy",
        "auc",
        "kappa",
        "per_person",
    }


def test_where_nobody_stays_aside_the_devices_own_scores_are_shown_and_it_is_said_why(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    everybody = run("recorded-nights", tmp_path / "run", rounds=2).path
    why = "no wearers outside the fleet to score the model on: set learning.test_persons"

    for path in (everybody, folder):
        Console(width=140).print(summary(SavedRun(path)))

    shown, _, scored = capsys.readouterr().out.partition("Ask why")
    assert shown.count(why) == 1
    assert shown.index("Rounds of recorded-nights") < shown.index(why) < shown.index("The model")
    assert "clients accuracy" in shown
    assert f"{float(table(everybody, 'rounds.csv')[-1]['clients_accuracy']):.3f}" in shown
    assert "balanced accuracy" not in shown
    assert why not in scored
    assert "clients accuracy" not in scored


def test_nobody_is_asked_about_what_they_taught(tmp_path: Path) -> None:
    everybody = run("recorded-nights", tmp_path / "run", rounds=1)

    with pytest.raises(RunFolderError, match="learnt from every person"):
        evaluate(SavedRun(everybody.path), SAMPLE)


def test_a_folder_without_a_night_to_ask_about_says_so(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "day" / "anna").mkdir(parents=True)
    (tmp_path / "day" / "recordings.toml").write_text(
        'schema = 1\ntitle = "t"\nsource = "s"\nlicence = "l"\nnotes = "n"\n[channels]\nheart_rate = "beat/min"\n'
        '[[person]]\nid = "anna"\nstart = 2018-03-12T18:00:00\nnight_s = [0, 3600]\n'
    )
    with gzip.open(tmp_path / "day" / "anna" / "heart_rate.csv.gz", "wt") as lines:
        lines.write("time_s,value\n0,60\n60,61\n")

    with pytest.raises(RecordingError, match="no person has a night"):
        evaluate(SavedRun(folder), tmp_path / "day")


def _ids() -> list[str]:
    return [person.id for person in read_recordings(SAMPLE).persons]
