"""MMASH (Rossi 2020), as PhysioNet publishes it: ``user_N/`` with ``Actigraph.csv``, ``RR.csv`` and ``sleep.csv``.

Moments are a day (1 or 2) and a time of day; dates are not published, and the first day is set to 12 March 2018.
"""

import csv
import math
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from broker.errors import RecordingError
from devices.body.channels import EPOCH_S, FloatArray
from devices.body.day import DAY_S
from fleetbeat.importing.folder import NewFolder, read_text

FIRST_DAY = datetime(2018, 3, 12)  # noqa: DTZ001  # a label
HALF_HOUR_S = 1_800.0
HEART_LOW, HEART_HIGH = 30.0, 220.0
"""The heart rate column is 0 where nothing was measured."""

Row = dict[str, str]


def import_mmash(source: Path, dest: Path) -> tuple[int, int]:
    """Write the persons of folder *source* (or of its ``DataPaper``) to *dest*; return how many, and rows left out."""
    inside = source / "DataPaper" if (source / "DataPaper").is_dir() else source
    users = sorted(path for path in inside.glob("user_*") if (path / "Actigraph.csv").is_file())
    if not users:
        raise RecordingError(f"{inside}: found no user_N/Actigraph.csv, expected PhysioNet's MMASH 1.0.0")
    folder = NewFolder(
        dest,
        title="24 hours of wrist movement, heart rate and beats with sleep times, healthy men",
        source="Rossi et al. (2020), Multilevel Monitoring of Activity and Sleep in Healthy People, PhysioNet 1.0.0, "
        "doi:10.13026/cerq-fc86; Data 5(4):91",
        licence="see the data set's own page before you pass it on",
        notes="stage says sleep from sleep onset to getting up; awakenings inside the night are not marked.",
        channels={
            "heart_rate": "beat/min",
            "movement": "activity counts in the second from time_s, vector magnitude",
            "rr_interval": "s, at the beat that ends it",
            "stage": "wake | sleep, for the 30 s from time_s",
        },
    )
    for user in users:
        _person(folder, user)
    return folder.finish()


def _person(folder: NewFolder, user: Path) -> None:
    actigraph = _columns(user / "Actigraph.csv", {"HR": float, "Vector Magnitude": float})
    beats = _columns(user / "RR.csv", {"ibi_s": float})
    in_bed_s, out_s, onset_s = _sleep(user / "sleep.csv")
    if not len(actigraph):
        raise RecordingError(f"{user / 'Actigraph.csv'}: has no rows")
    since_s = HALF_HOUR_S * math.floor(float(actigraph[:, 0].min()) / HALF_HOUR_S)
    times = actigraph[:, 0] - since_s
    name = user.name
    folder.add(name, FIRST_DAY + timedelta(seconds=since_s), (in_bed_s - since_s, out_s - since_s))
    measured = (actigraph[:, 1] >= HEART_LOW) & (actigraph[:, 1] <= HEART_HIGH)
    folder.write_values(name, "heart_rate", times[measured], actigraph[measured, 1])
    folder.write_values(name, "movement", times, actigraph[:, 2])
    folder.write_values(name, "rr_interval", beats[:, 0] - since_s, beats[:, 1])
    epochs = np.arange(0.0, EPOCH_S * math.floor(float(times.max()) / EPOCH_S), EPOCH_S)
    asleep = (epochs >= onset_s - since_s) & (epochs < out_s - since_s)
    folder.write_stages(name, epochs.tolist(), ["sleep" if slept else "wake" for slept in asleep.tolist()])


def _sleep(file: Path) -> tuple[float, float, float]:
    """Return when the person went to bed, rose, and fell asleep: of several rows, the first and the last."""
    moments = [
        tuple(_moment(file, at, row, f"{what} Date", f"{what} Time") for what in ("In Bed", "Out Bed", "Onset"))
        for at, row in _rows(file)
    ]
    if not moments:
        raise RecordingError(f"{file}: has no rows")
    return moments[0][0], moments[-1][1], moments[0][2]


def _columns(file: Path, wanted: dict[str, Callable[[str], float]]) -> FloatArray:
    """Return a row a moment: its second since midnight of the first day, then the *wanted* columns."""
    table = []
    for at, row in _rows(file):
        try:
            values = [number(row[column]) for column, number in wanted.items()]
        except KeyError as column:
            raise RecordingError(f"{file}, line 1: found no column {column}, expected it") from None
        except ValueError:
            raise RecordingError(f"{file}, line {at}: expected numbers in {', '.join(wanted)}") from None
        table.append((_moment(file, at, row, "day", "time"), *values))
    return np.array(table, np.float64).reshape(-1, 1 + len(wanted))


def _rows(file: Path) -> Iterator[tuple[int, Row]]:
    table = csv.DictReader(read_text(file).splitlines())
    for row in table:
        yield table.line_num, {key: value for key, value in row.items() if key is not None and value is not None}


def _moment(file: Path, at: int, row: Row, day: str, time: str) -> float:
    """Return seconds since midnight of the first day."""
    try:
        hours, minutes, *seconds = map(float, row[time].split(":"))
        moment = (int(row[day]) - 1) * DAY_S + 3_600 * hours + 60 * minutes + (seconds[0] if seconds else 0.0)
    except (KeyError, ValueError):
        found = f"{row.get(day)!r}, {row.get(time)!r}"
        raise RecordingError(f"{file}, line {at}: found {found} as {day}, {time}, expected 1, 13:05:00") from None
    if not 0 <= moment < 4 * DAY_S:
        raise RecordingError(f"{file}, line {at}: found day {row[day]}, expected 1 or 2")
    return moment
