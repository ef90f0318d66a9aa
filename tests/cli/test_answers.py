"""What commands answer: results on stdout, one JSON document when asked, help that shows an example."""

import json
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from fleetbeat.terminal import show_page
from tests.cli.conftest import Command
from tests.world.ground import TINY, table

COMMANDS = ("new", "run", "check", "devices", "evaluate", "report", "why", "kinds", "schema")
SAMPLE = Path(__file__).parents[2] / "fleets" / "recordings" / "walch-sample"


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_an_example(command: str, fleetbeat: Command) -> None:
    answer = fleetbeat(command, "--help")

    assert answer.code == 0
    assert f"Example: fleetbeat {command} " in answer.out.replace("\n", " ")


def test_help_works_from_any_folder_and_lists_every_command(tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("fleetbeat")
    words = [str(program)] if program.exists() else [sys.executable, "-m", "fleetbeat"]
    where = {"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": "/usr/bin:/bin"}

    shown = subprocess.run([*words, "--help"], cwd=tmp_path, env=where, capture_output=True, text=True, timeout=30)

    assert (shown.returncode, shown.stderr) == (0, "")
    assert all(command in shown.stdout for command in COMMANDS)


def test_it_says_which_version_it_is(fleetbeat: Command) -> None:
    answer = fleetbeat("--version")

    assert (answer.code, answer.err) == (0, "")
    assert re.fullmatch(r"fleetbeat .+ with flwr 1\.41\..+, Python 3\.\d+\.\d+\n", answer.out)


@pytest.mark.parametrize(("code", "said"), [(0, ""), (1, "fleetbeat: found no browser here; open {page} yourself\n")])
def test_a_browsers_noise_is_not_heard(
    code: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    page, asked, browser = tmp_path / "report.html", tmp_path / "asked", tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "[1234:ERROR:gpu] no such thing" >&2\necho "$1" > {asked}\nexit {code}\n')
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{browser} %s")
    monkeypatch.setenv("PATH", "/nowhere")  # no other browser

    show_page(page)

    assert asked.read_text().strip() == page.as_uri()
    assert capfd.readouterr() == ("", said.format(page=page))


def test_a_run_tells_rounds_account_and_where_it_is(fleetbeat: Command, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(TINY)

    answer = fleetbeat("run", "mine.toml", "--broker", "memory", "--rounds", "1", "--quiet", "--workers", "0")

    assert (answer.code, answer.err) == (0, "")
    for words in (
        "Rounds of tiny",
        "balanced accuracy",
        "majority",
        "The account",
        "selected",
        "runs/tiny-7",
        "an anecdote",
    ):
        assert words in answer.out
    assert (tmp_path / "runs" / "tiny-7" / "report.html").exists()


def test_a_second_run_gets_a_folder_of_its_own(fleetbeat: Command, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(TINY)

    for _ in range(2):
        fleetbeat(
            "run", "mine.toml", "--broker", "memory", "--rounds", "1", "--json", "--workers", "0", "--set", "ideal=true"
        )

    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["tiny-7", "tiny-7-2"]


def test_a_run_in_which_nothing_was_learnt_missed_its_purpose(fleetbeat: Command, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(TINY)

    answer = fleetbeat(
        "run", "mine.toml", "--broker", "memory", "-q", "--set", "learning.min_train_devices=9", "--days", "4"
    )

    assert answer.code == 1
    assert "no round was aggregated (too few devices)" in answer.err


def test_a_run_begins_with_what_check_warns_of(fleetbeat: Command, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(TINY)
    vain = ("--set", "learning.min_train_devices=9", "--days", "1")

    run = fleetbeat("run", "mine.toml", "--broker", "memory", "--workers", "0", *vain)
    (warned, *_) = json.loads(fleetbeat("check", "mine.toml", *vain[:2], "--json").out)["warnings"]

    assert "no round can start" in warned
    assert run.err.index(warned) < run.err.index("no round was aggregated")


@pytest.mark.parametrize("command", ["up", "aggregate"])
def test_a_live_run_begins_with_it_too(command: str, fleetbeat: Command, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(TINY)

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # but nobody listens there: it ends before it has begun
        broker = f"mqtt://127.0.0.1:{taken.getsockname()[1]}"
        run = fleetbeat(command, "mine.toml", "--broker", broker, "--insecure", "--set", "learning.min_train_devices=9")

    assert run.code == 2
    assert run.err.index("look at this: learning.min_train_devices is 9") < run.err.index("no broker answers")


def test_json_is_one_document_and_nothing_else(fleetbeat: Command, a_run: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(TINY)
    asked = {
        "new": ("ours.toml",),
        "run": ("mine.toml", "--broker", "memory", "--rounds", "1", "--out", "out", "--workers", "0"),
        "check": ("mine.toml",),
        "devices": ("mine.toml", "--days", "1"),
        "report": (str(a_run),),
        "why": (str(a_run), "phone-1", "1"),
        "kinds": (),
        "schema": (),
    }

    for command, words in asked.items():
        answer = fleetbeat(command, *words, "--json")
        assert (command, answer.code, answer.err) == (command, 0, "")
        assert json.loads(answer.out), command


def test_evaluate_answers_with_the_promised_figures(fleetbeat: Command, tmp_path: Path) -> None:
    persons = 'learning.test_persons=["4314139"]'
    fleetbeat("run", "recorded-nights", "--set", persons, "--rounds", "1", "--broker", "memory", "--out", "run", "-q")

    answer = fleetbeat("evaluate", "run", str(SAMPLE), "--json")

    found = json.loads(answer.out)
    assert (found["persons"], [person["person"] for person in found["per_person"]]) == (1, ["4314139"])
    assert "everybody" in fleetbeat("evaluate", "run", str(SAMPLE)).out
    assert json.loads(fleetbeat("evaluate", "run", "walch-sample", "--json").out) == found
    mistyped = fleetbeat("evaluate", "run", "walch-smaple")
    assert mistyped.code == 2
    assert "walch-smaple: no such folder" in mistyped.err
    assert 'did you mean "walch-sample"?' in mistyped.err


def test_why_tells_the_chain_behind_one_outcome(fleetbeat: Command, a_run: Path) -> None:
    line = next(line for line in table(a_run, "outcomes.csv") if line["phase"] == "train")

    told = fleetbeat("why", str(a_run), line["device"], line["round"])
    chained = json.loads(fleetbeat("why", str(a_run), line["device"], line["round"], "--json").out)

    assert told.out.startswith(f"{line['device']}, round {line['round']} (train): {line['outcome']}")
    assert "the server chose it" in told.out
    assert "when it was chosen: wearer at" in told.out
    assert (chained["outcome"], chained["reason"]) == (line["outcome"], line["reason"])
    kinds = [event["kind"] for event in chained["events"]]
    assert "device_selected" in kinds
    assert [event["t_s"] for event in chained["events"]] == sorted(event["t_s"] for event in chained["events"])


def test_why_speaks_of_megabytes_and_of_who_was_wanted(fleetbeat: Command, a_run: Path) -> None:
    line = next(line for line in table(a_run, "outcomes.csv") if line["outcome"] == "delivered")

    told = fleetbeat("why", str(a_run), line["device"], line["round"]).out

    assert re.search(r"it began to send [\d.e-]+ MB\n", told)
    assert "the last byte left, and the server wanted it" in told
    assert re.search(r"on the air, [\d.e-]+ MB down, [\d.e-]+ MB up", told)


def test_why_tells_an_evaluation_too(fleetbeat: Command, a_run: Path) -> None:
    line = next(line for line in table(a_run, "outcomes.csv") if line["phase"] == "evaluate")

    told = fleetbeat("why", str(a_run), line["device"], line["round"], "--evaluate")

    assert told.out.startswith(f"{line['device']}, round {line['round']} (evaluate): {line['outcome']}")


@pytest.mark.parametrize(
    ("device", "round_", "expected"),
    [
        ("nobody", "1", "no device 'nobody'; there are band-1, band-2, phone-1, phone-2, smartwatch-1"),
        ("phne-1", "1", "no device 'phne-1'; did you mean \"phone-1\"?"),
        ("band-1", "1", "band-1 was not selected in round 1 (train); it was in no round"),
        ("phone-1", "77", "was not selected in round 77 (train); it was in 1, 2"),
    ],
)
def test_why_of_what_never_was(device: str, round_: str, expected: str, fleetbeat: Command, a_run: Path) -> None:
    answer = fleetbeat("why", str(a_run), device, round_)

    assert (answer.code, answer.out) == (2, "")
    assert expected in answer.err
    assert answer.err.count("\n") == 1


def test_what_to_do_with_an_import_is_told_to_the_letter(fleetbeat: Command, tmp_path: Path) -> None:
    for name, content in {"heart_rate/1_heartrate.txt": "0,60\n", "labels/1_labeled_sleep.txt": "0 0\n30 2\n"}.items():
        file = tmp_path / "sleep-accel" / name
        file.parent.mkdir(parents=True)
        file.write_text(content)

    answer = fleetbeat("import", "walch", "sleep-accel", "mine")

    assert (answer.code, answer.out) == (
        0,
        'mine: 1 persons\nNext: recordings = "mine" in a [[group]] of smartwatches\n',
    )
