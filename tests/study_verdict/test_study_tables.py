"""The tables of a study folder and its summary: fixed columns, the same bytes, nothing made up."""

import csv
import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from broker.errors import RunFolderError
from fleetbeat.study.cell import Cell
from fleetbeat.study.settings import Study
from fleetbeat.study.study_tables import write_tables
from fleetbeat.study.summary import show
from fleetbeat.study.verdict import Verdict, conclude
from tests.study_verdict.ground import GOOD, cells, study

CRASH = Cell("eager", 1, error='ValueError: "no",\nsaid it')


@pytest.fixture(scope="module")
def finished() -> tuple[Study, list[Cell], Verdict]:
    made = [*cells(GOOD | {"tenth": 0.60}), CRASH]
    return study(), made, conclude(study(), made)


def lines(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(path.read_text())))


def test_every_arm_and_seed_has_its_line(tmp_path: Path, finished: tuple[Study, list[Cell], Verdict]) -> None:
    write_tables(tmp_path, *finished)

    arms = lines(tmp_path / "arms.csv")
    assert [*arms[0]][:2] == ["arm", "seed"]
    assert sorted((line["arm"], int(line["seed"])) for line in arms) == sorted((c.arm, c.seed) for c in finished[1])
    first = arms[0]
    assert (first["arm"], first["seed"], first["balanced_accuracy"]) == ("fleet", "1", "0.71")
    assert (first["delivered"], first["selected"], first["learning_j"]) == ("8", "16", "1000")
    assert (first["time_to_target_s"], first["reached_target"]) == ("172800", "true")
    assert (first["costliest_kind"], first["battery_day_share"]) == ("smartwatch", "0.03")
    assert first["lost_days"] == "1"


def test_what_is_not_known_is_empty(tmp_path: Path, finished: tuple[Study, list[Cell], Verdict]) -> None:
    write_tables(tmp_path, *finished)

    by_arm = {line["arm"]: line for line in lines(tmp_path / "arms.csv")}
    assert by_arm["central"]["selected"] == ""
    assert by_arm["no-training"]["balanced_accuracy"] == ""
    crashed = by_arm["eager"]
    assert crashed["error"] == 'ValueError: "no", said it'
    assert {value for name, value in crashed.items() if name not in ("arm", "seed", "error")} == {""}


def test_a_seed_that_never_came_there_has_no_time_and_says_so(
    tmp_path: Path, finished: tuple[Study, list[Cell], Verdict]
) -> None:
    write_tables(tmp_path, *finished)

    tenth = next(line for line in lines(tmp_path / "arms.csv") if line["arm"] == "tenth")
    assert (tenth["time_to_target_s"], tenth["reached_target"]) == ("", "false")


def test_pairs_have_the_columns_that_scripts_rely_on(
    tmp_path: Path, finished: tuple[Study, list[Cell], Verdict]
) -> None:
    write_tables(tmp_path, *finished)

    assert (tmp_path / "pairs.csv").read_text().splitlines()[0] == "arm,reference,metric,difference,low,high,seeds"
    pairs = {(line["arm"], line["reference"], line["metric"]): line for line in lines(tmp_path / "pairs.csv")}
    gap = pairs["fleet", "central", "balanced_accuracy"]
    assert (gap["difference"], gap["low"], gap["high"], gap["seeds"]) == ("-0.01", "-0.01", "-0.01", "10")


def test_the_document_says_verdict_sentence_thresholds_and_figures(
    tmp_path: Path, finished: tuple[Study, list[Cell], Verdict]
) -> None:
    write_tables(tmp_path, *finished)

    document = json.loads((tmp_path / "verdict.json").read_text())
    assert document["verdict"] == "held up"
    assert document["sentence"] == finished[2].sentence
    assert document["thresholds"]["gap_to_central"] == 0.02
    gap = {"value": 0.01, "low": 0.01, "high": 0.01, "seeds": 10, "persons": None, "persons_alone": None}
    assert document["figures"]["fleet"]["gap_to_central"] == gap
    assert document["figures"]["eager"]["crashed"] == {"1": CRASH.error}
    assert document["arms"]["tenth"]["verdict"] == "did not hold up"
    assert [one["state"] for one in document["criteria"]] == ["met"] * 4


def test_the_same_cells_in_another_order_give_the_same_bytes(
    tmp_path: Path, finished: tuple[Study, list[Cell], Verdict]
) -> None:
    asked, made, verdict = finished
    folders = tmp_path / "one", tmp_path / "other"
    for folder in folders:
        folder.mkdir()

    write_tables(folders[0], asked, made, verdict)
    write_tables(folders[1], asked, made[::-1], conclude(asked, made[::-1]))

    for name in ("arms.csv", "pairs.csv", "verdict.json"):
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()
    assert not list(tmp_path.rglob("*.part"))


def test_a_folder_that_cannot_be_written_to_is_one_clear_message(
    tmp_path: Path, finished: tuple[Study, list[Cell], Verdict]
) -> None:
    (tmp_path / "taken").write_text("a file")

    with pytest.raises(RunFolderError, match="cannot be written"):
        write_tables(tmp_path / "taken", *finished)


def test_the_summary_fits_a_hundred_columns_and_tells_the_verdict(
    finished: tuple[Study, list[Cell], Verdict], tmp_path: Path
) -> None:
    text = StringIO()

    show(Console(file=text, width=160), *finished, folder=Path("runs/small"))

    told = text.getvalue()
    assert max(map(len, told.splitlines())) <= 100
    assert "held up" in told
    assert "1.0 points behind" in told
    assert "1.0 [1.0, 1.0]" in told
    assert "runs/small/report.html" in told
    assert "crashed)" in told
