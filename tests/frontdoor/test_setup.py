"""scripts/setup: what a person meets whose machine lacks something."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLAIN_PATH = os.pathsep.join(("/usr/bin", "/bin"))
"""A PATH on which there is no uv."""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """As much of a fresh clone as setting up reads, in a folder whose name has a blank."""
    clone = tmp_path / "a clone"
    shutil.copytree(ROOT / "scripts", clone / "scripts")
    shutil.copy(ROOT / "pyproject.toml", clone)
    return clone


def setup(clone: Path, python: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": PLAIN_PATH, "PYTHON": python, "HOME": str(clone)}
    return subprocess.run(
        [clone / "scripts" / "setup"], cwd="/", env=environment, capture_output=True, text=True, check=False
    )


def program(path: Path, script: str) -> str:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_a_python_that_is_not_there_is_named(clone: Path) -> None:
    done = setup(clone, python="/nowhere/python")

    assert done.returncode == 2
    assert done.stderr == "PYTHON is '/nowhere/python': expected the command of a Python 3.11 or newer\n"


def test_a_python_without_venv_brings_advice(clone: Path, tmp_path: Path) -> None:
    slim = program(tmp_path / "python", f'case "$*" in *ensurepip*) exit 1 ;; esac; exec {sys.executable} "$@"')

    done = setup(clone, python=slim)

    assert done.returncode == 2
    assert "apt-get install python3-venv" in done.stderr
    assert not (clone / ".venv").exists()


def test_an_environment_that_is_up_to_date_is_left_alone(clone: Path, tmp_path: Path) -> None:
    made = program(tmp_path / "python", f'case "$*" in "-m venv"*) exit 9 ;; esac; exec {sys.executable} "$@"')
    version = subprocess.run(
        [sys.executable, "-c", "import sys; print(sys.version)"], capture_output=True, text=True, check=True
    ).stdout
    (clone / ".venv").mkdir()
    stamp = clone / ".venv" / "fleetbeat-setup-dev"
    stamp.write_text(f"{clone}\n{version}{(clone / 'pyproject.toml').read_text()}")

    untouched = setup(clone, python=made)
    with (clone / "pyproject.toml").open("a") as project:
        project.write("# changed\n")
    changed = setup(clone, python=made)

    assert (untouched.returncode, untouched.stderr) == (0, "")
    assert changed.returncode == 9


def test_the_demo_ends_with_where_fleetbeat_is_and_the_runs_own_exit_code(clone: Path) -> None:
    program(clone / "scripts" / "setup", "exit 0")
    bin_ = clone / ".venv" / "bin"
    bin_.mkdir(parents=True)
    program(bin_ / "fleetbeat", 'echo "$*"; exit 1')

    done = subprocess.run(
        [clone / "scripts" / "demo", "--rounds", "2"], cwd="/", capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (1, "run household --rounds 2\n")
    assert done.stderr == f"Here `fleetbeat` is {bin_}/fleetbeat; to call it by its name: . '{bin_}/activate'\n"
