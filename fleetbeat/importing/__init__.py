"""Importing: other people's data in their own layout become recordings folders and life files of ours."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.markup import escape

from broker.errors import SettingsError
from devices.complaints import did_you_mean, shown
from fleetbeat.importing.fedscale import import_fedscale
from fleetbeat.importing.folder import Converted
from fleetbeat.importing.mmash import import_mmash
from fleetbeat.importing.walch import import_walch


@dataclass(frozen=True)
class Imported:
    """What came of an import: *path*, how many of *what* it holds, what was left out, and what to do with it."""

    format: str
    path: Path
    count: int
    what: str
    left_out: int
    passed_over: tuple[str, ...]
    next: str

    def as_json(self) -> dict[str, Any]:
        """Return it as one JSON document."""
        return {
            "format": self.format,
            "path": str(self.path),
            self.what: self.count,
            "rows_left_out": self.left_out,
            "passed_over": list(self.passed_over),
        }

    def words(self) -> str:
        """Return it to be read on a terminal."""
        rows = f"; {self.left_out} rows left out: no sensor shows such values" if self.left_out else ""
        others = f"; without {', '.join(self.passed_over)}" if self.passed_over else ""
        return escape(f"{self.path}: {self.count} {self.what}{others}{rows}\nNext: {self.next}")


FORMATS: dict[str, tuple[Callable[[Path, Path], Converted], str, str]] = {
    "walch": (import_walch, "persons", 'recordings = "{}" in a [[group]] of smartwatches'),
    "mmash": (import_mmash, "persons", 'recordings = "{}" in a [[group]] of smartwatches'),
    "fedscale": (import_fedscale, "devices", 'life = "{}" at the top of a fleet of phones, count = {}'),
}
"""Formats by name: who reads it, what it holds, and how a fleet uses what comes out."""


def convert(format_: str, source: Path, dest: Path) -> Imported:
    """Turn *source* into *dest*, which must not exist; raise UsageError, naming file and line, for what cannot be."""
    if format_ not in FORMATS:
        hint = did_you_mean(format_, FORMATS)
        raise SettingsError(f"FORMAT: found {shown(format_)}, expected one of {', '.join(FORMATS)}{hint}")
    if dest.exists():
        raise SettingsError(f"{dest}: is there already, expected a new name; nothing is ever overwritten")
    if not source.exists():
        raise SettingsError(f"{source}: no such file or folder")
    reader, what, use = FORMATS[format_]
    try:
        with TemporaryDirectory(dir=dest.parent, prefix=f".{dest.name}-") as place:  # whole, or not at all
            made = Path(place) / dest.name
            found = reader(source, made)
            made.replace(dest)
    except OSError as error:
        raise SettingsError(f"{dest}: cannot be written: {error.strerror}") from None
    return Imported(format_, dest, found.count, what, found.left_out, found.passed_over, use.format(dest, found.count))
