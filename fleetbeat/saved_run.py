"""A run folder as it lies on disk: what reports, `why` and `evaluate` read."""

import csv
import json
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from broker.errors import RunFolderError
from devices.fleet_file import load_fleet
from devices.settings import Fleet


class SavedRun:
    """Reads one run folder; each file when it is asked for."""

    def __init__(self, path: Path) -> None:
        """Raise RunFolderError unless *path* holds a run."""
        if not (path / "journal.jsonl").is_file():
            found = "no such folder" if not path.exists() else "no journal.jsonl in it"
            raise RunFolderError(f"{path}: {found}; expected a run folder, such as `fleetbeat run household` writes")
        self.path = path

    @cached_property
    def fleet(self) -> Fleet:
        """The frozen fleet."""
        self._read("fleet.toml")
        return load_fleet(self.path / "fleet.toml")

    @property
    def start(self) -> datetime:
        """Local time at t_s = 0."""
        return self.fleet.start

    @cached_property
    def results(self) -> dict[str, Any]:
        """results.json."""
        document: dict[str, Any] = json.loads(self._read("results.json"))
        return document

    @property
    def ended(self) -> str:
        """Why the run ended; ``running`` while it may go on, ``cut_short`` if nobody could write its end any more."""
        cause: str = self.results["account"]["ended"]
        return "cut_short" if cause == "running" and (self.path / "run.json").is_file() else cause

    def table(self, name: str) -> list[dict[str, str]]:
        """Return the lines of a CSV file, by column."""
        return list(csv.DictReader(self._read(name).splitlines()))

    def arrays(self) -> list[npt.NDArray[Any]]:
        """Return the final global model, in Flower's order."""
        path = self.path / "model.npz"
        if not path.is_file():
            raise RunFolderError(f"{path}: not there; the run never had a model")
        with np.load(path) as saved:
            return [saved[f"arr_{number}"] for number in range(len(saved.files))]

    def _read(self, name: str) -> str:
        try:
            return (self.path / name).read_text()
        except OSError:
            raise RunFolderError(
                f"{self.path}: no {name} in it; the run was cut short before its first round, has just begun, "
                "or the folder is damaged"
            ) from None
