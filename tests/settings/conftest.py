"""A fleet file in a folder of its own."""

from collections.abc import Callable
from pathlib import Path

import pytest

SMALLEST = """schema = 1
name = "small"

[[group]]
kind = "phone"
with = ["band"]
count = 1
"""

WALCH_SAMPLE = Path(__file__).parents[2] / "fleets" / "recordings" / "walch-sample"

Written = Callable[[str], Path]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Write the text of a fleet file, and return where."""

    def write(text: str) -> Path:
        file = tmp_path / "mine.toml"
        file.write_text(text)
        return file

    return write
