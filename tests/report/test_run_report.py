"""The report of a run: one page, from the folder alone."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from broker.errors import RunFolderError
from fleetbeat.report import write_report
from fleetbeat.report.colours import SIGNS
from fleetbeat.report.hours_of_day import kinds_of_day
from fleetbeat.saved_run import SavedRun
from fleetbeat.summary import summary
from fleetbeat.why import chain
from tests.report.conftest import Lived
from tests.report.pages import Seen

See = Callable[[Path], Seen]
SECTIONS = [
    "How well it learned",
    "Rounds",
    "Lives",
    "By hour of the day",
    "The account",
    "What it cost",
    "The model: old → new",
]


def test_the_page_has_a_title_a_language_and_a_heading_for_every_part(household: Path, seen: See) -> None:
    page = seen(household)

    assert page.language == "en"
    assert "household" in page.title
    assert [text for level, text in page.headings if level == "h2"] == SECTIONS
    assert [level for level, _ in page.headings].count("h1") == 1


def test_nothing_on_the_page_comes_from_a_network(household: Path, seen: See) -> None:
    page = seen(household)

    assert all(address.startswith("data:") for address in page.loads)


def test_every_plot_is_told_in_words_too(household: Path, seen: See) -> None:
    page = seen(household)

    assert len(page.images) == len(page.plots) > 5
    assert all(len(words) > 20 for words in page.images)


def test_every_outcome_that_occurred_is_named_with_its_reason(lived: Lived, seen: See) -> None:
    folder = lived("every-outcome")

    page = seen(folder)

    lines = list(csv.DictReader((folder / "outcomes.csv").read_text().splitlines()))
    outcomes = {line["outcome"].replace("_", " ") for line in lines}
    assert len(outcomes) > 3
    assert all(word in page.words for word in outcomes)
    assert all(line["reason"].replace("_", " ") in page.words for line in lines)
    assert outcomes == {trace["name"] for trace in page.plots["plot-outcomes"]["data"]}


def test_the_bars_of_a_round_add_up_to_who_was_selected(household: Path, seen: See) -> None:
    page = seen(household)

    train = [trace for trace in page.plots["plot-outcomes"]["data"] if trace.get("yaxis", "y") == "y"]
    selected = [int(line["selected"]) for line in csv.DictReader((household / "rounds.csv").read_text().splitlines())]
    assert [sum(trace["y"][place] for trace in train) for place in range(2)] == selected


def test_the_headline_says_how_often_somebody_delivered(household: Path, seen: See) -> None:
    page = seen(household)

    account = json.loads((household / "results.json").read_text())["account"]["train"]
    assert f"asked {account['selected']} times for an update: {account['outcomes']['delivered']} arrived" in page.words
    assert "all its rounds were done" in page.words
    assert "fleetbeat why" in page.words
    assert "labels: the truth about each night" in page.words


def test_the_same_folder_gives_the_same_page(household: Path) -> None:
    first = write_report(SavedRun(household)).read_bytes()

    assert write_report(SavedRun(household)).read_bytes() == first


def test_a_run_in_which_nobody_was_ever_selected_has_a_page(lived: Lived, seen: See) -> None:
    page = seen(lived("household", "days=0.2"))

    assert "The server began no round." in page.words
    assert "Nothing was learned." in page.words
    assert "plot-lanes" in page.plots


def test_a_run_without_a_judge_shows_what_the_devices_think(lived: Lived, seen: See) -> None:
    page = seen(lived("recorded-nights", "learning.rounds=2"))

    assert "plot-curve-clients" in page.plots
    assert "the model was not judged by the server" in page.words


def test_the_table_of_rounds_shows_whose_scores_there_are(lived: Lived, household: Path, seen: See) -> None:
    everybody = lived("recorded-nights", "learning.rounds=2")

    unjudged, judged = (_rounds_of(seen(folder)) for folder in (everybody, household))

    last = list(csv.DictReader((everybody / "rounds.csv").read_text().splitlines()))[-1]
    assert "the new model on what each client keeps from training; no wearers outside the fleet" in unjudged
    assert "clients loss clients accuracy" in unjudged
    assert f" {float(last['clients_loss']):.3f} {float(last['clients_accuracy']):.3f} " in unjudged
    assert "AUC" not in unjudged
    assert "the new model on wearers outside the fleet" in judged
    assert "AUC" in judged
    assert "clients" not in judged


def test_a_table_of_rounds_without_any_scores_claims_none(lived: Lived, seen: See) -> None:
    folder = lived("recorded-nights", "learning.rounds=1", "learning.fraction_evaluate=0.0")

    rounds = _rounds_of(seen(folder))

    assert "Training; no wearers outside the fleet to score the model on" in rounds
    assert "client" not in rounds


def test_a_model_of_three_classes_is_told_class_by_class(lived: Lived, seen: See) -> None:
    page = seen(lived("recorded-nights", "learning.rounds=1", "learning.task=sleep-stage"))

    assert len(page.plots["plot-coefficients"]["data"]) == 3


def test_a_run_stopped_by_hand_says_so(copied: Path, seen: See) -> None:
    path = copied / "results.json"
    results = json.loads(path.read_text())
    results["account"]["ended"] = "stopped"
    path.write_text(json.dumps(results | {"references": {}}))

    page = seen(copied)

    assert "it was stopped by hand" in page.words
    assert "each device alone" not in str(page.plots)


def test_a_node_that_only_the_server_saw_has_outcomes_and_no_life(copied: Path, seen: See) -> None:
    path = copied / "outcomes.csv"
    path.write_text(
        path.read_text() + "1,train,supernode-1,crashed,KeyError,28800,28900,2026-01-06T02:01:40,,,,,,,,,,,\n"
    )

    page = seen(copied)

    assert "supernode-1" in page.words
    assert "supernode-1" not in page.plots["plot-lanes"]["layout"]["yaxis"]["ticktext"]
    assert chain(SavedRun(copied), "supernode-1", 1, "train")["battery"] is None


def test_a_crowd_is_shown_by_those_with_the_most_different_outcomes(copied: Path, seen: See) -> None:
    devices = (copied / "devices.csv").read_text().splitlines()
    life = (copied / "life.csv").read_text().splitlines()
    idle = [f"band-{number}" for number in range(2, 60)]
    copies = {line.split(",")[0]: line for line in devices}
    rest = copies["band-1"].removeprefix("band-1")
    (copied / "devices.csv").write_text("\n".join([devices[0], *(name + rest for name in idle), *devices[1:]]) + "\n")
    (copied / "life.csv").write_text("\n".join(life) + "\n")

    page = seen(copied)

    assert "Shown are 40 of 63 devices" in page.words
    shown = page.plots["plot-lanes"]["layout"]["yaxis"]["ticktext"]
    assert {"smartwatch-1", "phone-1", "tablet-1"} <= set(shown)


def test_a_damaged_folder_is_named(copied: Path) -> None:
    (copied / "rounds.csv").unlink()

    with pytest.raises(RunFolderError, match=r"rounds\.csv"):
        write_report(SavedRun(copied))


def test_a_run_that_was_cut_short_is_called_so(copied: Path, seen: See) -> None:
    results = json.loads((copied / "results.json").read_text())
    results["account"]["ended"] = "running"
    (copied / "results.json").write_text(json.dumps(results))

    cut_short, page = summed(copied), seen(copied)
    (copied / "run.json").unlink()
    unknown = summed(copied)

    assert "The run was cut short: " in cut_short
    assert "it ended because it was cut short" in page.words
    assert "of life were told so far: the run goes on, or was killed" in unknown


def test_a_folder_with_a_journal_alone_is_told_as_one(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").touch()

    with pytest.raises(RunFolderError, match=r"no fleet\.toml in it; the run was cut short before its first round"):
        write_report(SavedRun(tmp_path))


def summed(folder: Path) -> str:
    console = Console(width=140, record=True, file=io.StringIO())
    console.print(summary(SavedRun(folder)))
    return console.export_text()


def test_no_two_outcomes_look_alike() -> None:
    assert len({sign.colour for sign in SIGNS.values()}) == 9
    assert len({sign.symbol for sign in SIGNS.values()}) == 9


def test_the_hours_of_the_day_are_those_of_the_lives_that_were_lived(household: Path, seen: See) -> None:
    run = SavedRun(household)

    kinds = {kind.kind: kind for kind in kinds_of_day(run)}

    assert set(kinds) == {"smartwatch", "phone", "band", "tablet", "ring"}
    for line in run.table("devices.csv"):  # one device of each kind
        kind = kinds[line["kind"]]
        assert kind.share("charging") == pytest.approx(float(line["charging_share"]), abs=0.01)
        assert kind.j_a_day > 0
    seen(household)  # writes it
    page = (household / "report.html").read_text()
    for name in kinds:
        assert f"day-{name}" in page
        assert f"battery-{name}" in page


def _rounds_of(page: Seen) -> str:
    """Return the words of the table of rounds."""
    (caption,) = (caption for caption in page.captions if caption.startswith("Training"))
    begins = page.words.index(caption)
    return page.words[begins : page.words.index("Lives", begins)]
