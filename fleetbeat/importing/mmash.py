"""MMASH (Rossi 2020), as PhysioNet publishes it: ``user_N/`` with ``Actigraph.csv``, ``RR.csv`` and ``sleep.csv``.

Moments are a day (1 or 2) and a time of day; dates are not published, and the first day is set to 12 March 2018.
Oddities of the published files: where a month ended in between, the second day counts backwards (-29); of some persons
the day on which they rose is that of the evening; of one, no sleep was written down, and nothing of him is imported.
"""

import csv
import math
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np

from broker.errors import RecordingError
from devices.body.channels import EPOCH_S, FloatArray
from devices.body.day import DAY_S
from fleetbeat.importing.folder import Converted, NewFolder, read_text

FIRST_DAY = datetime(2018, 3, 12)  # noqa: DTZ001  # a label
HALF_HOUR_S = 1_800.0
HEART_LOW, HEART_HIGH = 30.0, 220.0
"""The heart rate column is 0 where nothing was measured."""

SECOND_DAYS = (2, -26, -27, -28, -29)
"""The second day, as it is written where the first was a month's last: 1 - 31 + 1 and its like."""

Row = dict[str, str]


def import_mmash(source: Path, dest: Path) -> Converted:
    """Write the persons of folder *source* (or of its ``DataPaper``) to *dest*; return what came of them."""
    inside = source / "DataPaper" if (source / "DataPaper").is_dir() else source
    users = sorted((path for path in inside.glob("user_*") if (path / "Actigraph.csv").is_file()), key=_number)
    if not users:
        hint = " (unzip its MMASH.zip first)" if (source / "MMASH.zip").is_file() else ""
        raise RecordingError(f"{inside}: found no user_N/Actigraph.csv, expected PhysioNet's MMASH 1.0.0{hint}")
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
        sleeps = _sleeps(user / "sleep.csv")
        if sleeps:
            _person(folder, user, sleeps)
        else:
            folder.passed_over.append(f"{user.name} (no night in its sleep.csv)")
    if not folder.persons:
        raise RecordingError(f"{inside}: found no night in any sleep.csv, expected one a person")
    return folder.finish()


def _number(user: Path) -> tuple[int, str]:
    digits = user.name.removeprefix("user_")
    return (int(digits) if digits.isdecimal() else 0, user.name)


def _person(folder: NewFolder, user: Path, sleeps: list[tuple[float, float, float]]) -> None:
    actigraph = _columns(user / "Actigraph.csv", {"HR": float, "Vector Magnitude": float})
    beats = _columns(user / "RR.csv", {"ibi_s": float})
    in_bed_s, out_s = sleeps[0][0], sleeps[-1][1]
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
    asleep = np.any([(epochs >= onset - since_s) & (epochs < out - since_s) for _, out, onset in sleeps], axis=0)
    folder.write_stages(name, epochs.tolist(), ["sleep" if slept else "wake" for slept in asleep.tolist()])


def _sleeps(file: Path) -> list[tuple[float, float, float]]:
    """Return when the person went to bed, rose, and fell asleep, once a row, in the order of time."""
    sleeps: list[tuple[float, float, float, int]] = []
    for at, row in _rows(file):
        in_bed_s, out_s, onset_s = (
            _moment(file, at, row, f"{what} Date", f"{what} Time") for what in ("In Bed", "Out Bed", "Onset")
        )
        out_s += DAY_S if out_s < in_bed_s else 0.0
        if not in_bed_s <= onset_s < out_s:
            found = f"bed, sleep and rising at {in_bed_s:g}, {onset_s:g} and {out_s:g} s after the first midnight"
            raise RecordingError(f"{file}, line {at}: found {found}, expected them in this order")
        sleeps.append((in_bed_s, out_s, onset_s, at))
    sleeps.sort()
    for (_, until_s, _, before), (in_bed_s, _, _, at) in pairwise(sleeps):
        if in_bed_s < until_s:
            found = f"to bed at {in_bed_s:g} s after the first midnight, in bed until {until_s:g} s by line {before}"
            raise RecordingError(f"{file}, line {at}: found {found}, expected to have risen before")
    return [(in_bed_s, out_s, onset_s) for in_bed_s, out_s, onset_s, _ in sleeps]


def _columns(file: Path, wanted: dict[str, Callable[[str], float]]) -> FloatArray:
    """Return a row a moment: its second since midnight of the first day, then the *wanted* columns."""
    table = []
    for at, row in _rows(file):
        try:
            values = [number(row[column]) for column, number in wanted.items()]
        except KeyError as column:
            raise RecordingError(f"{file}, line {at}: found nothing in column {column}, expected a number") from None
        except ValueError:
            found = ", ".join(repr(row[column]) for column in wanted)
            raise RecordingError(f"{file}, line {at}: found {found} as {', '.join(wanted)}, expected numbers") from None
        table.append((_moment(file, at, row, "day", "time"), *values))
    return np.array(table, np.float64).reshape(-1, 1 + len(wanted))


def _rows(file: Path) -> Iterator[tuple[int, Row]]:
    table = csv.DictReader(read_text(file).splitlines())
    for row in table:
        yield table.line_num, {key: value for key, value in row.items() if key is not None and value is not None}


def _moment(file: Path, at: int, row: Row, day: str, time: str) -> float:
    """Return seconds since midnight of the first day."""
    try:
        number = int(row[day])
        hours, minutes, *seconds = map(float, row[time].split(":"))
        of_day_s = 3_600 * hours + 60 * minutes + (seconds[0] if seconds else 0.0)
    except (KeyError, ValueError):
        found = f"{row.get(day)!r}, {row.get(time)!r}"
        raise RecordingError(f"{file}, line {at}: found {found} as {day}, {time}, expected 1, 13:05:00") from None
    if number != 1 and number not in SECOND_DAYS:
        raise RecordingError(f"{file}, line {at}: found day {number}, expected 1 or 2")
    if not 0 <= of_day_s < DAY_S:
        raise RecordingError(f"{file}, line {at}: found {row[time]!r} as {time}, expected a time of day")
    return (0.0 if number == 1 else DAY_S) + of_day_s
