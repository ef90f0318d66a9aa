"""`fleetbeat study`: exit codes, what is printed, and what Ctrl-C leaves."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from fleetbeat.cli import studies
from fleetbeat.study import run as study_run
from fleetbeat.study.cell import Cell
from fleetbeat.study.settings import Study
from fleetbeat.study.verdict import Verdict, conclude
from tests.cli.conftest import Command, fleetbeat
from tests.processes import children, is_alive, needs_proc
from tests.study.ground import STUDY, Here, written

__all__ = ["fleetbeat"]


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Here:
    """An engine of this process, in place of the others."""
    engine = Here()
    monkeypatch.setattr("fleetbeat.judge.STRANGERS", 20)
    monkeypatch.setattr(studies, "engine_of", lambda *_, **__: engine)
    return engine


def held_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every study hold up."""

    def concluded(study: Study, cells: Iterable[Cell], *, recorded: bool) -> Verdict:
        found = conclude(study, cells, recorded=recorded)
        return replace(found, arms={arm: replace(one, verdict="held up") for arm, one in found.arms.items()})

    monkeypatch.setattr(study_run, "conclude", concluded)


def test_a_study_that_cannot_say_exits_with_one_and_leaves_all_files(
    fleetbeat: Command, here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(tmp_path)

    answer = fleetbeat("study", str(file), "--seeds", "1", "--json")
    before = len(here.lived)
    held_up(monkeypatch)
    again = fleetbeat("study", str(file), "--seeds", "1", "--quiet")

    said = json.loads(answer.out)
    assert (answer.code, said["verdict"], said["path"]) == (1, "cannot say", "runs/study-small")
    assert {path.name for path in (tmp_path / "runs" / "study-small").iterdir() if path.is_file()} == {
        *("study.toml", "fleet.toml", "arms.csv", "pairs.csv", "verdict.json", "report.html")
    }
    assert {seed for _, seed in here.lived} == {3}
    assert (again.code, len(here.lived)) == (0, before)  # all was there


def test_seeds_that_lie_there_count_whoever_asked_for_them(fleetbeat: Command, here: Here, tmp_path: Path) -> None:
    file = written(tmp_path)
    fleetbeat("study", str(file), "--quiet")
    both = (tmp_path / "runs" / "study-small" / "arms.csv").read_text()

    fleetbeat("study", str(file), "--seeds", "1", "--quiet")

    assert (tmp_path / "runs" / "study-small" / "arms.csv").read_text() == both


def test_another_study_of_that_name_gets_a_folder_of_its_own(fleetbeat: Command, here: Here, tmp_path: Path) -> None:
    here.until = 1

    codes = [
        fleetbeat("study", str(written(tmp_path, text)), "--seeds", "1", "--quiet").code
        for text in (STUDY, STUDY.replace("0.5", "0.4"))
    ]

    assert codes[0] == 130
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["study-small", "study-small-2"]


def test_ctrl_c_leaves_readable_results_and_says_how_to_go_on(fleetbeat: Command, here: Here, tmp_path: Path) -> None:
    file, here.until = written(tmp_path), 2

    answer = fleetbeat("study", str(file), "--seeds", "1", "--out", "mine")

    assert answer.code == 130
    assert f"fleetbeat study {file} --out mine" in answer.err
    assert (tmp_path / "mine" / "report.html").is_file()
    assert json.loads((tmp_path / "mine" / "verdict.json").read_text())["verdict"] == "cannot say"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--engine", "rray"), '--engine rray: expected one of processes, ray, ray://HOST:PORT; did you mean "ray"?'),
        (("--seeds", "3"), "--seeds 3: small lists 2 seeds, expected so many or fewer"),
        (("--out", "small.toml"), "--out small.toml: is a file, expected a folder"),
    ],
)
def test_what_is_wrong_with_an_option_is_said(
    words: tuple[str, ...], said: str, fleetbeat: Command, tmp_path: Path
) -> None:
    answer = fleetbeat("study", str(written(tmp_path)), *words)

    assert (answer.code, answer.err) == (2, f"fleetbeat: {said}\n")


def test_without_ray_it_says_how_to_get_it(fleetbeat: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setattr("fleetbeat.study.engines.on_ray.find_spec", lambda _: None)

    answer = fleetbeat("study", str(written(tmp_path)), "--engine", "ray")

    assert (answer.code, answer.err) == (
        2,
        "fleetbeat: --engine ray: Ray is not installed here; to have it: pip install 'fleetbeat[simulation]'\n",
    )


def test_an_arm_whose_model_needs_a_missing_library_is_refused_before_anything_is_lived(
    fleetbeat: Command, here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devices.learning.models.find_spec", lambda _: None)
    deep = '[[arm]]\nname = "deep"\nset = { learning.model = "lstm" }\n'
    file = written(tmp_path, STUDY.replace("seeds", 'set = { learning.task = "sleep-wake" }\nseeds', 1) + deep)

    answer = fleetbeat("study", str(file))

    assert (answer.code, answer.err) == (
        2,
        f'fleetbeat: {file}: arm.2.set.learning.model: found "lstm", whose library torch is missing, expected it '
        "installed: pip install 'fleetbeat[torch]'\n",
    )
    assert (here.lived, [*tmp_path.glob("runs")]) == ([], [])


@pytest.mark.slow
@needs_proc
def test_ctrl_c_ends_all_processes(tmp_path: Path) -> None:
    file = written(tmp_path)
    words = [sys.executable, "-m", "fleetbeat", "study", str(file), "--out", str(tmp_path / "out")]
    root = Path(__file__).parents[2]
    study = subprocess.Popen(words, cwd=root, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert study.stderr is not None
    while "of 16" not in study.stderr.readline():
        pass

    workers = children(study.pid)
    study.send_signal(signal.SIGINT)
    _, err = study.communicate(timeout=120)

    assert workers
    assert study.returncode == 130
    assert f"this goes on with what is missing: fleetbeat study {file} --out {tmp_path / 'out'}\n" in err
    deadline = time.monotonic() + 10  # multiprocessing's own tracker ends a moment after its parent
    while any(map(is_alive, workers)):
        assert time.monotonic() < deadline
    assert (tmp_path / "out" / "verdict.json").is_file()
