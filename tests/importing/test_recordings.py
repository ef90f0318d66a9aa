"""Two public data sets in their own layout become recordings folders, or the line that cannot be is named."""

import csv
from collections.abc import Callable
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from broker.errors import RecordingError, UsageError
from devices.body import STAGES, read_recordings
from devices.fleet_file import SHIPPED
from fleetbeat.importing import convert

SAMPLE = SHIPPED / "recordings" / "walch-sample"
NUMBERS = {"unscored": -1, "wake": 0, "n1": 1, "n2": 2, "n3": 3, "rem": 5}


@pytest.fixture
def walch(tmp_path: Path) -> Path:
    """Two persons of the sample, in PhysioNet's layout."""
    words = {number: word for word, number in STAGES.items()}
    recordings = read_recordings(SAMPLE)
    for place in ("heart_rate", "labels"):
        (tmp_path / "sleep-accel" / place).mkdir(parents=True)
    for person in recordings.persons[:2]:
        heart, stages = (recordings.series(person.id, channel) for channel in ("heart_rate", "stage"))
        zero_s, end_s = person.night_s
        lines = [f"{time - zero_s:.5f},{value:g}" for time, value in zip(heart.times, heart.values, strict=True)]
        (tmp_path / "sleep-accel" / "heart_rate" / f"{person.id}_heartrate.txt").write_text("\n".join(lines) + "\n")
        scored = zip(stages.times - zero_s, stages.values, strict=True)
        labels = {0.0: -1, end_s - zero_s - 30: -1} | {time: NUMBERS[words[int(value)]] for time, value in scored}
        rows = [f"{time:g} {labels[time]}" for time in sorted(labels)]
        (tmp_path / "sleep-accel" / "labels" / f"{person.id}_labeled_sleep.txt").write_text("\n".join(rows) + "\n")
    return tmp_path / "sleep-accel"


def test_walch_comes_out_as_the_sample_that_ships(walch: Path, tmp_path: Path) -> None:
    imported = convert("walch", walch, tmp_path / "mine")

    assert (imported.count, imported.left_out) == (2, 0)
    ours, theirs = read_recordings(tmp_path / "mine"), read_recordings(SAMPLE)
    for person in ours.persons:
        known = theirs.person(person.id)
        for channel in ("heart_rate", "stage"):
            mine, sample = ours.series(person.id, channel), theirs.series(known.id, channel)
            assert np.array_equal(mine.values, sample.values)
            assert mine.times - person.night_s[0] == pytest.approx(sample.times - known.night_s[0])


def test_walch_as_it_was_written(tmp_path: Path) -> None:
    """Commas between heart rates, spaces between labels, days before the night, steps and motion beside them."""
    files = {
        "heart_rate/46343_heartrate.txt": "-124489.16105,57\n-124481.16111,56\n2.98865,71\n5.98866,71\n",
        "labels/46343_labeled_sleep.txt": "0 -1\n30 0\n60 2\n90 4\n120 5\n",
        "steps/46343_steps.txt": "-604984.5,0\n-604384.5,12\n",
        "motion/46343_acceleration.txt": "-124489.161050 0.017487 -0.586700 -0.805771\n",
    }
    for name, content in files.items():
        file = tmp_path / "sleep-accel" / name
        file.parent.mkdir(parents=True)
        file.write_text(content)

    convert("walch", tmp_path / "sleep-accel", tmp_path / "mine")

    recordings = read_recordings(tmp_path / "mine")
    (person,) = recordings.persons
    heart, stages = (recordings.series("46343", channel) for channel in ("heart_rate", "stage"))
    zero_s = person.night_s[0]
    assert (person.start + timedelta(seconds=zero_s)).time() == time(22, 30)
    assert heart.times - zero_s == pytest.approx([-124489.161, -124481.161, 2.989, 5.989], abs=1e-3)
    assert heart.values.tolist() == [57, 56, 71, 71]
    assert (stages.times - zero_s).tolist() == [30, 60, 90, 120]
    assert stages.values.tolist() == [STAGES["wake"], STAGES["n2"], STAGES["n3"], STAGES["rem"]]


def break_label(folder: Path) -> Path:
    file = sorted((folder / "labels").iterdir())[0]
    file.write_text(file.read_text().replace("\n", "\n30 deep\n", 1))
    return file


def break_stage(folder: Path) -> Path:
    file = sorted((folder / "labels").iterdir())[0]
    file.write_text(file.read_text().replace("\n", "\n30 7\n", 1))
    return file


def break_heart(folder: Path) -> Path:
    file = sorted((folder / "heart_rate").iterdir())[0]
    file.unlink()
    return file


@pytest.mark.parametrize(
    ("breaks", "complaint"),
    [
        (break_label, "line 2: found '30 deep'"),
        (break_stage, "line 2: found stage 7, expected one of -1 0 1 2 3 4 5"),
        (break_heart, "not found"),
    ],
)
def test_a_broken_file_is_named_and_nothing_is_left_behind(
    walch: Path, tmp_path: Path, breaks: Callable[[Path], Path], complaint: str
) -> None:
    file = breaks(walch)

    with pytest.raises(RecordingError) as refused:
        convert("walch", walch, tmp_path / "mine")

    assert str(file) in str(refused.value)
    assert complaint in str(refused.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sleep-accel"]


ACTIGRAPH = [
    *("", "Axis1", "Axis2", "Axis3", "Steps", "HR"),
    *("Inclinometer Off", "Inclinometer Standing", "Inclinometer Sitting", "Inclinometer Lying"),
    *("Vector Magnitude", "day", "time"),
]
SLEEP = [
    *("", "In Bed Date", "In Bed Time", "Out Bed Date", "Out Bed Time", "Onset Date", "Onset Time"),
    *("Latency", "Efficiency", "Total Minutes in Bed", "Total Sleep Time (TST)", "Wake After Sleep Onset (WASO)"),
    *("Number of Awakenings", "Average Awakening Length", "Movement Index", "Fragmentation Index"),
    "Sleep Fragmentation Index",
]
"""The columns as PhysioNet has them, with their unnamed first one."""


def write_man(user: Path, *, second_day: int = 2, rose: tuple[int, str] = (2, "05:30"), nights: int = 1) -> None:
    """One man from 22:00 to 06:00, who goes to bed at 22:30, falls asleep at 23:00 and rises at 05:30."""
    user.mkdir(parents=True)
    with (user / "Actigraph.csv").open("w", newline="") as opened:
        table = csv.writer(opened)
        table.writerow(ACTIGRAPH)
        for row, second in enumerate(range(22 * 3_600, 30 * 3_600, 10)):
            clock = f"{second // 3600 % 24:02}:{second // 60 % 60:02}:{second % 60:02}"
            heart = 0 if row % 50 == 0 else 60.0
            day = second_day if second >= 86_400 else 1
            table.writerow([row + 189, 37, 23, 49, 0, heart, 0, 1, 0, 0, f"{row % 7 * 10.5}", day, clock])
    (user / "RR.csv").write_text(
        f",ibi_s,day,time\n1,0.9,1,22:00:05\n2,0.8,1,22:00:05\n3,500,1,22:00:06\n4,1.1,{second_day},00:00:07\n"
    )
    with (user / "sleep.csv").open("w", newline="") as opened:
        table = csv.writer(opened)
        table.writerow(SLEEP)
        for row in range(nights):
            table.writerow(
                [
                    row,
                    1,
                    "22:30",
                    *rose,
                    1,
                    "23:00",
                    30,
                    80.77,
                    420,
                    336,
                    77,
                    27,
                    2.85,
                    17.308,
                    25.926,
                    43.233999999999995,
                ]
            )


@pytest.fixture
def mmash(tmp_path: Path) -> Path:
    write_man(tmp_path / "mmash" / "DataPaper" / "user_1")
    return tmp_path / "mmash"


def test_mmash_becomes_seconds_since_the_first_half_hour(mmash: Path, tmp_path: Path) -> None:
    imported = convert("mmash", mmash, tmp_path / "mine")

    assert (imported.count, imported.left_out) == (1, 1)  # no heart beats every 500 s
    recordings = read_recordings(tmp_path / "mine")
    (person,) = recordings.persons
    assert f"{person.start:%H:%M}" == "22:00"
    assert person.night_s == (1_800, 27_000)
    stage = recordings.series("user_1", "stage")
    asleep = stage.times[stage.values == STAGES["sleep"]]
    assert (asleep[0], asleep[-1]) == (3_600, 26_970)
    assert recordings.series("user_1", "rr_interval").times.tolist() == [5, 5, 7_207]
    assert recordings.series("user_1", "heart_rate").values.min() == 60
    assert len(recordings.series("user_1", "movement").times) == 8 * 360


@pytest.mark.parametrize("oddity", [{"second_day": -29}, {"rose": (1, "05:30")}], ids=["month's end", "rose on day 1"])
def test_days_that_were_miscounted_are_the_second(mmash: Path, tmp_path: Path, oddity: dict[str, Any]) -> None:
    write_man(mmash / "DataPaper" / "user_8", **oddity)

    convert("mmash", mmash, tmp_path / "mine")

    recordings = read_recordings(tmp_path / "mine")
    plain, odd = recordings.persons
    assert (odd.start, odd.night_s) == (plain.start, plain.night_s)
    for channel in recordings.channels:
        one, other = recordings.series("user_1", channel), recordings.series("user_8", channel)
        assert np.array_equal(one.times, other.times)
        assert np.array_equal(one.values, other.values)


ROW = "0,1,{bed},{out_day},{out},1,{onset},30,80,420,336,77,27,2.85,17.3,25.9,43.2\n"
LONG = ROW.format(bed="22:30", out_day=2, out="05:30", onset="23:00")


def test_sleeps_in_any_order_make_one_night_from_the_first_to_the_last(mmash: Path, tmp_path: Path) -> None:
    file = mmash / "DataPaper" / "user_1" / "sleep.csv"
    short = ROW.format(bed="22:10", out_day=1, out="22:25", onset="22:15")
    file.write_text(",".join(SLEEP) + "\n" + LONG + short)

    convert("mmash", mmash, tmp_path / "mine")

    recordings = read_recordings(tmp_path / "mine")
    stage = recordings.series("user_1", "stage")
    assert recordings.persons[0].night_s == (600, 27_000)
    asleep = stage.times[stage.values == STAGES["sleep"]]
    assert (asleep[0], asleep[19], asleep[20]) == (900, 1_470, 3_600)


def test_sleeps_that_overlap_are_refused_with_both_lines(mmash: Path, tmp_path: Path) -> None:
    file = mmash / "DataPaper" / "user_1" / "sleep.csv"
    file.write_text(",".join(SLEEP) + "\n" + LONG + ROW.format(bed="22:10", out_day=1, out="22:45", onset="22:15"))

    with pytest.raises(RecordingError) as refused:
        convert("mmash", mmash, tmp_path / "mine")

    found = "to bed at 81000 s after the first midnight, in bed until 81900 s by line 3"
    assert str(refused.value) == f"{file}, line 2: found {found}, expected to have risen before"


def test_men_are_in_the_order_of_their_numbers(mmash: Path, tmp_path: Path) -> None:
    for number in (11, 2):
        write_man(mmash / "DataPaper" / f"user_{number}")

    convert("mmash", mmash, tmp_path / "mine")

    assert [person.id for person in read_recordings(tmp_path / "mine").persons] == ["user_1", "user_2", "user_11"]


def test_who_has_no_night_is_passed_over_and_named(mmash: Path, tmp_path: Path) -> None:
    write_man(mmash / "DataPaper" / "user_11", nights=0)
    write_man(mmash / "DataPaper" / "user_2")

    imported = convert("mmash", mmash, tmp_path / "mine")

    assert [person.id for person in read_recordings(tmp_path / "mine").persons] == ["user_1", "user_2"]
    assert "without user_11 (no night in its sleep.csv)" in imported.words()
    assert imported.as_json()["passed_over"] == ["user_11 (no night in its sleep.csv)"]


def test_a_value_that_is_none_is_told_with_what_was_expected(mmash: Path, tmp_path: Path) -> None:
    file = mmash / "DataPaper" / "user_1" / "RR.csv"
    for content, complaint in (
        (",ibi_s,day,time\n1,fast,1,22:00:05\n", "line 2: found 'fast' as ibi_s, expected numbers"),
        (",rr,day,time\n1,0.9,1,22:00:05\n", "line 2: found nothing in column 'ibi_s', expected a number"),
        (",ibi_s,day,time\n1,0.9,7,22:00:05\n", "line 2: found day 7, expected 1 or 2"),
        (",ibi_s,day,time\n1,0.9,1,25:00:05\n", "line 2: found '25:00:05' as time, expected a time of day"),
    ):
        file.write_text(content)

        with pytest.raises(RecordingError) as refused:
            convert("mmash", mmash, tmp_path / "mine")

        assert str(refused.value) == f"{file}, {complaint}"


def test_the_archive_in_the_archive_is_to_be_unzipped(tmp_path: Path) -> None:
    (tmp_path / "mmash").mkdir()
    (tmp_path / "mmash" / "MMASH.zip").touch()

    with pytest.raises(RecordingError, match=r"unzip its MMASH\.zip first"):
        convert("mmash", tmp_path / "mmash", tmp_path / "mine")


def test_a_moment_that_is_none_is_refused(mmash: Path, tmp_path: Path) -> None:
    file = mmash / "DataPaper" / "user_1" / "RR.csv"
    file.write_text(",ibi_s,day,time\n1,0.9,1,half past ten\n")

    with pytest.raises(RecordingError, match=r"RR\.csv, line 2: found '1', 'half past ten' as day, time"):
        convert("mmash", mmash, tmp_path / "mine")


def test_what_is_no_data_set_is_refused(tmp_path: Path) -> None:
    for format_, complaint in (
        ("walch", "no ID_labeled_sleep"),
        ("mmash", "no user_N"),
        ("wlach", 'did you mean "walch"'),
    ):
        with pytest.raises(UsageError, match=complaint):
            convert(format_, tmp_path, tmp_path / "mine")
    with pytest.raises(UsageError, match="no such file or folder"):
        convert("walch", tmp_path / "nowhere", tmp_path / "mine")
    with pytest.raises(UsageError, match="is there already"):
        convert("walch", tmp_path, tmp_path)
