"""A recordings folder: persons measured for real, and nothing believed before it is checked.

``recordings.toml`` says who, from when, and under which licence; ``<person>/<channel>.csv.gz`` beside it
holds what was measured. What is wrong is a RecordingError that names file and key, or file and line.
"""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from broker.errors import RecordingError
from devices.body.channels import CHANNELS, EPOCH_S
from devices.body.day import DAY_S
from devices.body.series import STAGE, Series, read_series

CONTENTS = "recordings.toml"
TEXTS = ("title", "source", "licence", "notes")
KEYS = ("schema", *TEXTS, "channels", "person")
PERSON_KEYS = ("id", "start", "night_s")


@dataclass(frozen=True, slots=True)
class Person:
    """One recorded person: *start* is the local time at time_s = 0, *night_s* when they were in bed."""

    id: str
    start: datetime
    night_s: tuple[float, float]


@dataclass(frozen=True)
class Recordings:
    """What a folder's table of contents says; the series are read when asked for.

    *channels* maps each recorded channel to its unit in words, *persons* keep the order of the file.
    """

    folder: Path
    title: str
    source: str
    licence: str
    notes: str
    channels: Mapping[str, str]
    persons: tuple[Person, ...]

    def person(self, person_id: str) -> Person:
        """Return the person with that id, or raise a RecordingError that names those there are."""
        for person in self.persons:
            if person.id == person_id:
                return person
        known = ", ".join(person.id for person in self.persons)
        raise RecordingError(f"{self.folder / CONTENTS}: there is no person {person_id!r}; there are {known}")

    def series(self, person_id: str, channel: str) -> Series:
        """Read one channel of one person, every row checked; what this folder did not record is empty."""
        if channel not in self.channels:
            return Series(np.empty(0), np.empty(0))
        return read_series(self.file(person_id, channel), channel)

    def file(self, person_id: str, channel: str) -> Path:
        """Return where one channel of one person lies."""
        return self.folder / self.person(person_id).id / f"{channel}.csv.gz"


def read_recordings(folder: str | Path) -> Recordings:
    """Read the table of contents of *folder* and check that every file it promises is there."""
    contents = Path(folder) / CONTENTS
    try:
        table = tomllib.loads(contents.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RecordingError(f"{contents}: not found; a recordings folder has a {CONTENTS}") from None
    except OSError as error:
        raise RecordingError(f"{contents}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecordingError(f"{contents}: is not TOML: {error}") from None
    recordings = _Contents(contents).read(table)
    for person in recordings.persons:
        for channel in recordings.channels:
            file = recordings.file(person.id, channel)
            if not file.is_file():
                raise RecordingError(f"{file}: not found; {contents} names person {person.id!r} and {channel}")
    return recordings


class _Contents:
    """Reads a table of contents, key by key."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def read(self, table: dict[str, Any]) -> Recordings:
        for key in table:
            if key not in KEYS:
                self._wrong("a key", key, f"one of {', '.join(KEYS)}")
        if table.get("schema") != 1:
            self._wrong("schema", table.get("schema"), "1")
        texts = {key: self._text(key, table.get(key, "")) for key in TEXTS}
        channels = self._channels(table.get("channels"))
        people = table.get("person")
        if not isinstance(people, list) or not people:
            self._wrong("[[person]]", people, "at least one person")
        persons = tuple(self._person(f"[[person]] {number}", entry) for number, entry in enumerate(people, start=1))
        ids = [person.id for person in persons]
        for person_id in ids:
            if ids.count(person_id) > 1:
                self._wrong("[[person]] id", person_id, "every id once")
        return Recordings(self._file.parent, channels=channels, persons=persons, **texts)

    def _channels(self, channels: object) -> dict[str, str]:
        if not isinstance(channels, dict) or not channels:
            self._wrong("[channels]", channels, "at least one channel = unit")
        for channel, unit in channels.items():
            if channel not in CHANNELS and channel != STAGE:
                self._wrong("[channels]", channel, f"one of {', '.join([*CHANNELS, STAGE])}")
            self._text(f"[channels] {channel}", unit)
        return channels

    def _person(self, where: str, entry: object) -> Person:
        if not isinstance(entry, dict) or set(entry) != set(PERSON_KEYS):
            self._wrong(where, entry, f"a table with {', '.join(PERSON_KEYS)}")
        person_id, start, night_s = (entry[key] for key in PERSON_KEYS)
        if not isinstance(person_id, str) or Path(person_id).name != person_id or person_id in ("", ".."):
            self._wrong(f"{where} id", person_id, f"the name of a folder beside {CONTENTS}")
        if not isinstance(start, datetime) or start.tzinfo is not None:
            self._wrong(f"{where} start", start, "local date and time without a zone, such as 2018-03-08T19:30:00")
        if not isinstance(night_s, list) or len(night_s) != 2 or not all(_is_time(edge) for edge in night_s):
            self._wrong(f"{where} night_s", night_s, "[from, to] in seconds since start")
        bed_s, rise_s = night_s
        if not bed_s + EPOCH_S <= rise_s <= bed_s + DAY_S:
            self._wrong(f"{where} night_s", night_s, f"a night of at least {EPOCH_S} s and at most a day")
        return Person(person_id, start, (float(bed_s), float(rise_s)))

    def _text(self, where: str, found: object) -> str:
        if not isinstance(found, str):
            self._wrong(where, found, "text")
        return found

    def _wrong(self, where: str, found: object, expected: str) -> NoReturn:
        shown = "nothing" if found is None else repr(found)
        raise RecordingError(f"{self._file}: {where}: found {shown}, expected {expected}")


def _is_time(edge: object) -> bool:
    return isinstance(edge, int | float) and not isinstance(edge, bool) and math.isfinite(edge)
