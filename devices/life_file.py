"""A life file: what happened to devices, interval by interval, instead of habits. `life.csv` of a run is one.

Read are the columns of what the wearer and the world did; battery, power and readiness follow from what the device
does. Columns of another name are passed over.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from broker.errors import SettingsError
from devices.circumstances import COLUMNS, Circumstances, Value
from devices.complaints import did_you_mean, shown

LINKS = ("wifi", "mobile", "none")
PLACES = ("home", "work", "commute", "out")
TRUTHS = {"true": True, "false": False}
SLACK_S = 1e-6
"""Moments are rounded to the microsecond when a run writes them."""


@dataclass(frozen=True, slots=True)
class LifeFile:
    """The lives of a file, by device: each a tiling from its first moment to its last."""

    path: Path
    lives: Mapping[str, Sequence[Circumstances]]

    def of(self, device: str, from_s: float, to_s: float) -> Iterator[Circumstances]:
        """Yield what *device* goes through in [from_s, to_s)."""
        for life in self.lives[device]:
            if life.to_s > from_s and life.from_s < to_s:
                yield life

    def objections(self, devices: Sequence[str], to_s: float) -> Iterator[str]:
        """Yield why these *devices* cannot live by this file until *to_s*."""
        missing = [device for device in devices if device not in self.lives]
        if missing:
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            hint = did_you_mean(missing[0], self.lives)
            yield f"life: {self.path} has no line for {missing[0]}{more}, expected the lives of all devices{hint}"
        for device in devices:
            life = self.lives.get(device)
            if life and life[0].from_s > SLACK_S:
                yield f"life: {self.path}: {device} begins at {life[0].from_s:g}, expected 0"
                return
            if life and life[-1].to_s < to_s - SLACK_S:
                yield f"life: {self.path}: {device} ends at {life[-1].to_s:g}, expected {to_s:g} or later (days)"
                return


@cache
def read_life_file(path: Path) -> LifeFile:
    """Return the lives in *path*; raises SettingsError that names the first line that cannot be."""
    try:
        with path.open(encoding="utf-8", newline="") as opened:
            return LifeFile(path, _lives(path, csv.DictReader(opened)))
    except OSError as error:
        raise SettingsError(f"life: {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"life: {path}: byte {error.start} is not UTF-8") from None


def write_life_file(path: Path, lives: Mapping[str, Sequence[Circumstances]]) -> None:
    """Write *lives* to a new file; raises SettingsError if that cannot be."""
    lines = ["device,from_s,to_s," + ",".join(COLUMNS)]
    for device, own in lives.items():
        for life in own:
            said = [str(getattr(life, column)).lower() for column in COLUMNS]
            lines.append(",".join([device, f"{life.from_s:.10g}", f"{life.to_s:.10g}", *said]))
    try:
        with path.open("x", encoding="utf-8") as opened:
            opened.write("\n".join(lines) + "\n")
    except OSError as error:
        raise SettingsError(f"{path}: cannot be written: {error.strerror}") from None


def _lives(path: Path, table: "csv.DictReader[str]") -> dict[str, list[Circumstances]]:
    for column in ("device", "from_s", "to_s", *COLUMNS):
        if column not in (table.fieldnames or ()):
            raise SettingsError(f"life: {path}, line 1: found no column {column}, expected it")
    lives: dict[str, list[Circumstances]] = {}
    for row in table:
        where = f"life: {path}, line {table.line_num}"
        life = _interval(where, row)
        own = lives.setdefault(row["device"], [])
        if own and abs(life.from_s - own[-1].to_s) > SLACK_S:
            what = "an overlap" if life.from_s < own[-1].to_s else "a gap"
            raise SettingsError(
                f"{where}: found {what}: {row['device']} from {life.from_s:g}, expected from {own[-1].to_s:g}, "
                "where its interval before ends"
            )
        own.append(life)
    return lives


def _interval(where: str, row: dict[str, str]) -> Circumstances:
    from_s, to_s = (_number(where, column, row[column]) for column in ("from_s", "to_s"))
    if not 0 <= from_s < to_s:
        raise SettingsError(f"{where}: found from_s {from_s:g} and to_s {to_s:g}, expected 0 <= from_s < to_s")
    said: dict[str, Value] = {}
    for column in ("charging", "near_link", "worn", "in_use"):
        said[column] = TRUTHS[_word(where, column, row[column], TRUTHS)]
    said["far_link"] = _word(where, "far_link", row["far_link"], LINKS)
    said["place"] = _word(where, "place", row["place"], PLACES)
    return Circumstances(from_s, to_s, **said)  # type: ignore[arg-type]  # each column has the value of its kind


def _number(where: str, column: str, text: str | None) -> float:
    try:
        number = float(text or "")
    except ValueError:
        number = float("nan")
    if not abs(number) < float("inf"):
        raise SettingsError(f"{where}: {column}: found {shown(text)}, expected a number of seconds")
    return number


def _word(where: str, column: str, text: str | None, words: "Sequence[str] | Mapping[str, bool]") -> str:
    if text not in words or text is None:
        raise SettingsError(f"{where}: {column}: found {shown(text)}, expected one of {', '.join(words)}")
    return text
