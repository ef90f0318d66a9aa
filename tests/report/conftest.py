"""Run folders for the reports: small fleets that really lived, once for all tests."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from devices.fleet_file import Overrides, load_fleet
from fleetbeat.brokers import BrokerChoice
from fleetbeat.rehearsal import run
from fleetbeat.report import write_report
from fleetbeat.saved_run import SavedRun
from tests.report.pages import Seen, read

Lived = Callable[..., Path]


@pytest.fixture(scope="session")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    """Return a function that runs a shipped fleet with settings and gives its folder."""
    known: dict[tuple[str, ...], Path] = {}

    def folder(fleet: str, *sets: str) -> Path:
        if (fleet, *sets) not in known:
            out = tmp_path_factory.mktemp("runs") / fleet
            loaded = load_fleet(fleet, Overrides(sets=sets))
            known[fleet, *sets] = run(loaded, out=out, broker=BrokerChoice("memory"), workers=0, quiet=True).path
        return known[fleet, *sets]

    return folder


@pytest.fixture(scope="session")
def household(lived: Lived) -> Path:
    """Return the folder of a household that learned for two nights."""
    return lived("household", "learning.rounds=2", "learning.history_nights=12")


@pytest.fixture
def copied(household: Path, tmp_path: Path) -> Path:
    """Return a copy of the household's folder, to be damaged or told otherwise."""
    return Path(shutil.copytree(household, tmp_path / "copied"))


@pytest.fixture
def seen() -> Callable[[Path], Seen]:
    """Return a function that writes the report of a folder and reads it."""
    return lambda folder: read(write_report(SavedRun(folder)))
