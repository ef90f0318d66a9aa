"""The folder of a study: which study lies in it, and what is there of its cells."""

from pathlib import Path

from broker.errors import RunFolderError
from fleetbeat.run_folder import WholeFiles
from fleetbeat.study.cell import Cell
from fleetbeat.study.cell_file import NAME, read_cell
from fleetbeat.study.study_file import Plan


class StudyFolder:
    """A folder with ``study.toml``, its ``fleet.toml``, and one folder for each arm with one for each seed."""

    def __init__(self, path: Path, plan: Plan) -> None:
        """Begin the study, or go on with it if it lies there already; raises RunFolderError for anything else there."""
        self.path = path
        self._plan = plan
        if path.exists() and not path.is_dir():
            raise RunFolderError(f"--out {path}: is a file, expected a folder")
        found = _lying_in(path)
        if found is not None and found != plan.frozen():
            raise RunFolderError(
                f"--out {path}: holds another study, or this one before it was changed, expected the same study.toml "
                "and fleet.toml, or a folder that is empty or new"
            )
        if found is None and path.is_dir() and any(path.iterdir()):
            raise RunFolderError(
                f"--out {path}: holds files and no study.toml, expected a study to go on with, or a folder that is "
                "empty or new"
            )
        if found is None:
            study, fleet = plan.frozen()
            files = WholeFiles(path)
            files.write("fleet.toml", fleet.encode())
            files.write("study.toml", study.encode())

    def seeds(self) -> list[int]:
        """Return the seeds of which something is there, in order."""
        names = {path.parent.name for arm in self._plan.study.arms for path in (self.path / arm).glob(f"*/{NAME}")}
        return sorted(int(name) for name in names if name.isdecimal())

    def cells(self, seeds: tuple[int, ...]) -> list[Cell]:
        """Return all cells of *seeds* that are there, arm by arm."""
        found = (read_cell(self.path, arm, seed) for arm in self._plan.study.arms for seed in seeds)
        return [cell for cell in found if cell is not None]


def default_folder(plan: Plan) -> Path:
    """Return ``runs/study-<name>``, with -2, -3 … where another study lies there."""
    base = Path("runs") / f"study-{plan.study.name}"
    path, number = base, 1
    while path.exists() and any(path.iterdir()) and _lying_in(path) != plan.frozen():
        number += 1
        path = base.with_name(f"{base.name}-{number}")
    return path


def _lying_in(path: Path) -> tuple[str, str] | None:
    """Return the frozen study in *path*; None if there is none."""
    try:
        return (path / "study.toml").read_text("utf-8"), (path / "fleet.toml").read_text("utf-8")
    except OSError:
        return None
