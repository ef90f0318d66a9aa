"""Two public data sets in their own layout become recordings folders, or the line that cannot be is named."""

import csv
from collections.abc import Callable
from pathlib import Path

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


def break_label(folder: Path) -> Path:
    file = sorted((folder / "labels").iterdir())[0]
    file.write_text(file.read_text().replace("\n", "\n30 deep\n", 1))
    return file


def break_heart(folder: Path) -> Path:
    file = sorted((folder / "heart_rate").iterdir())[0]
    file.unlink()
    return file


@pytest.mark.parametrize(
    ("breaks", "complaint"), [(break_label, "line 2: found '30 deep'"), (break_heart, "not found")]
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


@pytest.fixture
def mmash(tmp_path: Path) -> Path:
    """One man from 22:00 to 06:00, who falls asleep at 23:00 and rises at 05:30."""
    user = tmp_path / "mmash" / "DataPaper" / "user_1"
    user.mkdir(parents=True)
    with (user / "Actigraph.csv").open("w", newline="") as opened:
        table = csv.writer(opened)
        table.writerow(["", "Axis1", "Axis2", "Axis3", "Steps", "HR", "Vector Magnitude", "day", "time"])
        for row, second in enumerate(range(22 * 3_600, 30 * 3_600, 10)):
            clock = f"{second // 3600 % 24:02}:{second // 60 % 60:02}:{second % 60:02}"
            heart = 0 if row % 50 == 0 else 60
            table.writerow([row, 0, 0, 0, 0, heart, f"{row % 7 * 10.5}", 1 + second // 86_400, clock])
    (user / "RR.csv").write_text(",ibi_s,day,time\n1,0.9,1,22:00:05\n2,500,1,22:00:06\n3,1.1,2,00:00:07\n")
    (user / "sleep.csv").write_text(
        ",In Bed Date,In Bed Time,Out Bed Date,Out Bed Time,Onset Date,Onset Time\n1,1,22:30,2,05:30,1,23:00\n"
    )
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
    assert recordings.series("user_1", "rr_interval").times.tolist() == [5, 7_207]
    assert recordings.series("user_1", "heart_rate").values.min() == 60
    assert len(recordings.series("user_1", "movement").times) == 8 * 360


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
