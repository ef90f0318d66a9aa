"""A small study of a small fleet, in a folder of the test's own."""

from collections.abc import Generator, Sequence
from pathlib import Path

import pytest

from broker.errors import SettingsError
from fleetbeat.study.engines import Ended, News, Task
from fleetbeat.study.engines.seed import live
from fleetbeat.study.study_file import Plan, load_study
from tests.world.ground import TINY

STUDY = """schema = 1
name = "small"
asks = "Does it hold up?"
fleet = "tiny.toml"
seeds = [3, 4]

[[arm]]
name = "half"
set = { learning.fraction_train = 0.5 }

[[arm]]
name = "same"
"""

CRASHING = """
[[arm]]
name = "broken"
set = { learning.strategy = "broken.py:Broken" }
"""

BROKEN = """
from flwr.serverapp.strategy import FedAvg

class Broken(FedAvg):
    def aggregate_train(self, server_round, replies):
        raise ValueError("no good")
"""


def written(folder: Path, text: str = STUDY) -> Path:
    """A study file beside its fleet."""
    (folder / "tiny.toml").write_text(TINY)
    (folder / "broken.py").write_text(BROKEN)
    file = folder / "small.toml"
    file.write_text(text)
    return file


def plan(folder: Path, text: str = STUDY) -> Plan:
    return load_study(written(folder, text))


def complaint(folder: Path, text: str) -> str:
    """What loading says of a study, without the file's name, which must come first."""
    file = written(folder, text)
    with pytest.raises(SettingsError) as refused:
        load_study(file)
    said = str(refused.value)
    assert said.startswith(f"{file}: ")
    return said.removeprefix(f"{file}: ")


class Here:
    """An engine that lives one seed after the other in this process, and stops after so many cells if told."""

    def __init__(self, until: int | None = None) -> None:
        self.until = until
        self.lived: list[tuple[str, int]] = []

    def live(self, tasks: Sequence[Task]) -> Generator[News, None, None]:
        for task in tasks:
            news: list[News] = []
            try:
                live(task, lambda one: self._hear(one, news))  # noqa: B023  # called within this turn
            finally:
                yield from news

    def _hear(self, one: News, news: list[News]) -> None:
        news.append(one)
        if isinstance(one, Ended):
            self.lived.append((one.arm, one.seed))
            if len(self.lived) == self.until:
                raise KeyboardInterrupt
