"""One recorded channel of one person: a gzipped table of times and values, checked row by row."""

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
import numpy.typing as npt

from broker.errors import RecordingError
from devices.body.channels import CHANNELS, EPOCH_S, STAGES, FloatArray

HEADER = "time_s,value"
STAGE = "stage"
"""The channel of the truth: words, where the others hold numbers."""


@dataclass(frozen=True, eq=False, slots=True)
class Series:
    """Times in seconds since the person's start, never falling, and the values at them.

    The values of ``stage`` are the numbers of ``STAGES``.
    """

    times: FloatArray
    values: FloatArray


def read_series(file: Path, channel: str) -> Series:
    """Read *file*, which holds *channel*, or raise a RecordingError that names the first bad line."""
    try:
        with gzip.open(file, "rt", encoding="utf-8") as opened:
            lines = opened.read().splitlines()
    except FileNotFoundError:
        raise RecordingError(f"{file}: not found") from None
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise RecordingError(f"{file}: is not a whole gzip file of text: {error}") from None
    if lines[:1] != [HEADER]:
        raise RecordingError(f"{file}, line 1: found {(lines or [''])[0]!r}, expected {HEADER!r}")
    number = _stage if channel == STAGE else float
    try:
        rows = np.array([_row(line, number) for line in lines[1:]], dtype=np.float64).reshape(-1, 2)
    except ValueError:
        _blame(file, lines, number, channel)
    times, values = rows[:, 0].copy(), rows[:, 1].copy()
    _check(file, channel, times, values)
    return Series(times, values)


def _stage(word: str) -> float:
    if word not in STAGES:
        raise ValueError(word)
    return STAGES[word]


def _row(line: str, number: Callable[[str], float]) -> tuple[float, float]:
    time, value = line.split(",")
    return float(time), number(value)


def _blame(file: Path, lines: list[str], number: Callable[[str], float], channel: str) -> NoReturn:
    """Name the first row that is not one."""
    expected = f"a time in seconds and one of {', '.join(STAGES)}" if channel == STAGE else "two numbers"
    for at, line in enumerate(lines[1:], start=2):
        try:
            _row(line, number)
        except ValueError:
            raise RecordingError(f"{file}, line {at}: found {line!r}, expected {expected}") from None
    raise AssertionError(f"{file}: no row is bad by itself")


def _check(file: Path, channel: str, times: FloatArray, values: FloatArray) -> None:
    """Refuse times that fall (or truths that overlap) and values that no sensor shows."""

    def refuse(bad: npt.NDArray[np.bool_], series: FloatArray, expected: str) -> None:
        if bad.any():
            row = int(bad.argmax())
            raise RecordingError(f"{file}, line {row + 2}: found {series[row]:.10g}, expected {expected}")

    refuse(~np.isfinite(times), times, "a finite time")
    steps = np.diff(times, prepend=-np.inf)
    if channel == STAGE:
        refuse(steps < EPOCH_S, times, f"a time at least {EPOCH_S} s after the row before")
        return
    refuse(steps < 0, times, "a time not before the row before")
    sensor = CHANNELS[channel]
    showing = f"{channel} from {sensor.low:g} to {sensor.high:g} {sensor.unit}"
    refuse(~((values >= sensor.low) & (values <= sensor.high)), values, showing)
