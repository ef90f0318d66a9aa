"""Recordings written for one test, and those that lie beside the repository."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2].parent / "shared" / "recordings"
SAMPLE = Path(__file__).parents[2] / "fleets" / "recordings" / "walch-sample"

CONTENTS = """\
schema = 1
title = "A short night"
source = "made up"
licence = "none"
notes = ""

[channels]
heart_rate = "beat/min"
stage = "wake | sleep"

[[person]]
id = "ann"
start = 2018-03-12T22:00:00
night_s = [300, 420]
"""

HEART_RATE = "time_s,value\n0,70\n60.5,68\n60.5,66\n330,61\n500,72\n"
STAGE = "time_s,value\n270,wake\n300,wake\n330,sleep\n390,sleep\n420,wake\n"

WriteFolder = Callable[..., Path]


@pytest.fixture
def write_folder(tmp_path: Path) -> WriteFolder:
    """Write a small recordings folder, each of its files as asked or as good as it can be."""

    def write(contents: str = CONTENTS, heart_rate: str = HEART_RATE, stage: str = STAGE) -> Path:
        folder = tmp_path / "recordings"
        (folder / "ann").mkdir(parents=True)
        (folder / "recordings.toml").write_text(contents)
        for channel, text in (("heart_rate", heart_rate), ("stage", stage)):
            with gzip.open(folder / "ann" / f"{channel}.csv.gz", "wt") as file:
                file.write(text)
        return folder

    return write


def shared(name: str) -> Path:
    """Return a data set that lies beside the repository, or skip the test."""
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    return folder
