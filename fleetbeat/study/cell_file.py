"""The cell on disk: ``cell.json`` in its folder, written last, whole or not at all."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fleetbeat.run_folder import WholeFiles
from fleetbeat.study.cell import Cell, Judged, KindLived, Lived, Moment

NAME = "cell.json"


def folder_of(study: Path, arm: str, seed: int) -> Path:
    """Return the folder of a cell."""
    return study / arm / str(seed)


def write_cell(study: Path, cell: Cell) -> None:
    """Write *cell* into its folder in *study*; raises RunFolderError if that cannot be."""
    WholeFiles(folder_of(study, cell.arm, cell.seed)).write_json(NAME, asdict(cell))


def read_cell(study: Path, arm: str, seed: int) -> Cell | None:
    """Return a cell as it lies in *study*; None if it is not there."""
    try:
        text = (folder_of(study, arm, seed) / NAME).read_text(encoding="utf-8")
    except OSError:
        return None
    found: dict[str, Any] = json.loads(text)
    lived = found["lived"]
    if lived is not None:
        lived = Lived(**lived | {"kinds": {kind: KindLived(**one) for kind, one in lived["kinds"].items()}})
    return Cell(
        **found
        | {
            "strangers": _judged(found["strangers"]),
            "own": _judged(found["own"]),
            "curve": tuple(Moment(**moment) for moment in found["curve"]),
            "lived": lived,
        }
    )


def _judged(found: dict[str, Any] | None) -> Judged | None:
    return None if found is None else Judged(**found)
