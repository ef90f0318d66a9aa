"""A recordings folder in the making: persons and their channels, written as `read_recordings` wants them."""

import gzip
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np

from broker.errors import RecordingError
from devices.body.channels import CHANNELS, FloatArray
from devices.body.recordings import CONTENTS


@dataclass(frozen=True, slots=True)
class Converted:
    """What a reader made: how many persons or devices, rows left out as no sensor shows them, who was passed over."""

    count: int
    left_out: int = 0
    passed_over: tuple[str, ...] = ()


@dataclass
class NewFolder:
    """Where it will lie, what it says of itself, and who is in it so far."""

    path: Path
    title: str
    source: str
    licence: str
    notes: str
    channels: Mapping[str, str]
    persons: list[str] = field(default_factory=list)
    left_out: int = 0
    passed_over: list[str] = field(default_factory=list)

    def add(self, person: str, start: datetime, night_s: tuple[float, float]) -> None:
        """Note a *person*, who was in bed from and to *night_s*; *start* is the local time at 0."""
        night = f"[{night_s[0]:g}, {night_s[1]:g}]"
        self.persons.append(f'[[person]]\nid = "{person}"\nstart = {start.isoformat()}\nnight_s = {night}\n')

    def write_values(self, person: str, channel: str, times: FloatArray, values: FloatArray) -> None:
        """Write a measured channel in order of time, without the values that no sensor shows."""
        sensor = CHANNELS[channel]
        shown = (values >= sensor.low) & (values <= sensor.high) & np.isfinite(times)
        self.left_out += int(np.count_nonzero(~shown))
        order = np.argsort(times[shown], kind="stable")
        rows = zip(times[shown][order].tolist(), values[shown][order].tolist(), strict=True)
        self._write(person, channel, (f"{time:.10g},{value:.10g}" for time, value in rows))

    def write_stages(self, person: str, times: Iterable[float], words: Iterable[str]) -> None:
        """Write the truth: one word for the 30 s from each time."""
        self._write(person, "stage", (f"{time:.10g},{word}" for time, word in zip(times, words, strict=True)))

    def finish(self) -> Converted:
        """Write the table of contents; return what the folder holds, and what it does not."""
        texts = [f"{key} = {json.dumps(getattr(self, key))}" for key in ("title", "source", "licence", "notes")]
        units = [f"{channel} = {json.dumps(unit)}" for channel, unit in self.channels.items()]
        text = "\n".join(["schema = 1", *texts, "", "[channels]", *units, "", *self.persons])
        try:
            (self.path / CONTENTS).write_text(text, encoding="utf-8")
        except OSError as error:
            raise _cannot(self.path / CONTENTS, error) from None
        return Converted(len(self.persons), self.left_out, tuple(self.passed_over))

    def _write(self, person: str, channel: str, rows: Iterable[str]) -> None:
        file = self.path / person / f"{channel}.csv.gz"
        text = "\n".join(["time_s,value", *rows]) + "\n"
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(gzip.compress(text.encode(), mtime=0))  # the same bytes for the same rows
        except OSError as error:
            raise _cannot(file, error) from None


def read_text(file: Path) -> str:
    """Return the text of *file*; raises RecordingError where there is none."""
    try:
        return file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise RecordingError(f"{file}: not found, expected it beside the others of its person") from None
    except OSError as error:
        raise RecordingError(f"{file}: cannot be read: {os.strerror(error.errno or 0)}") from None
    except UnicodeDecodeError as error:
        raise RecordingError(f"{file}: byte {error.start} is not UTF-8") from None


def _cannot(path: Path, error: OSError) -> RecordingError:
    return RecordingError(f"{path}: cannot be written: {os.strerror(error.errno or 0)}")
