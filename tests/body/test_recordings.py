from pathlib import Path

import numpy as np
import pytest

from broker.errors import RecordingError
from devices.body import read_recordings
from tests.body.conftest import CONTENTS, HEART_RATE, SAMPLE, STAGE, WriteFolder, shared


def test_a_good_folder_is_read_as_written(write_folder: WriteFolder) -> None:
    recordings = read_recordings(write_folder())

    assert recordings.title == "A short night"
    assert [person.id for person in recordings.persons] == ["ann"]
    heart = recordings.series("ann", "heart_rate")
    assert heart.times.tolist() == [0, 60.5, 60.5, 330, 500]
    assert heart.values.tolist() == [70, 68, 66, 61, 72]
    assert recordings.series("ann", "stage").values.tolist() == [0, 0, 5, 5, 0]
    assert recordings.series("ann", "light").times.size == 0


def test_who_is_not_there_is_told_who_is(write_folder: WriteFolder) -> None:
    with pytest.raises(RecordingError, match=r"no person 'bob'; there are ann"):
        read_recordings(write_folder()).series("bob", "heart_rate")


@pytest.mark.parametrize(
    ("good", "bad", "complaint"),
    [
        ("schema = 1", "schema = 2", r"schema: found 2, expected 1"),
        ("schema = 1", "", r"schema: found nothing, expected 1"),
        ("schema = 1", "schema =", r"is not TOML: .*line 1"),
        ('title = "A short night"', "title = 3", r"title: found 3, expected text"),
        ('notes = ""', 'note = ""', r"found 'note', expected one of schema, title"),
        ('heart_rate = "beat/min"', 'heartrate = "beat/min"', r"\[channels\]: found 'heartrate', expected one of"),
        ('heart_rate = "beat/min"', "heart_rate = 1", r"\[channels\] heart_rate: found 1, expected text"),
        ("[channels]", "[[channels]]", r"\[channels\]: found \[.*expected at least one channel"),
        ('id = "ann"', 'id = "../ann"', r"\[\[person\]\] 1 id: found '../ann', expected the name of a folder"),
        ('id = "ann"', 'id = ".."', r"\[\[person\]\] 1 id: found '..', expected the name of a folder"),
        ('id = "ann"', "id = 7", r"\[\[person\]\] 1 id: found 7, expected the name of a folder"),
        ('id = "ann"', 'id = "bob"', r"bob.heart_rate\.csv\.gz: not found; .* names person 'bob' and heart_rate"),
        ("start = 2018-03-12T22:00:00", 'start = "noon"', r"\[\[person\]\] 1 start: found 'noon', expected local"),
        ("T22:00:00", "T22:00:00Z", r"\[\[person\]\] 1 start: found .*expected local date and time without a zone"),
        ("night_s = [300, 420]", "night_s = [420, 300]", r"night_s: found \[420, 300\], expected a night of"),
        ("night_s = [300, 420]", "night_s = [300]", r"night_s: found \[300\], expected \[from, to\]"),
        ("night_s = [300, 420]", "night_s = [300, nan]", r"night_s: found \[300, nan\], expected \[from, to\]"),
        ("night_s = [300, 420]", "", r"\[\[person\]\] 1: found .*expected a table with id, start, night_s"),
    ],
)
def test_a_bad_table_of_contents_is_refused(write_folder: WriteFolder, good: str, bad: str, complaint: str) -> None:
    assert good in CONTENTS

    with pytest.raises(RecordingError, match=r"recordings\.toml: |csv\.gz: ") as refusal:
        read_recordings(write_folder(contents=CONTENTS.replace(good, bad)))

    refusal.match(complaint)


def test_a_person_named_twice_is_refused(write_folder: WriteFolder) -> None:
    again = CONTENTS[CONTENTS.index("[[person]]") :]

    with pytest.raises(RecordingError, match=r"\[\[person\]\] id: found 'ann', expected every id once"):
        read_recordings(write_folder(contents=CONTENTS + again))


def test_nobody_is_nothing_to_replay(write_folder: WriteFolder) -> None:
    with pytest.raises(RecordingError, match=r"\[\[person\]\]: found nothing, expected at least one person"):
        read_recordings(write_folder(contents=CONTENTS[: CONTENTS.index("[[person]]")]))


def test_a_folder_that_is_none_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"recordings\.toml: not found; a recordings folder has"):
        read_recordings(tmp_path)


@pytest.mark.parametrize(
    ("good", "bad", "complaint"),
    [
        ("time_s,value\n", "", r"line 1: found '0,70', expected 'time_s,value'"),
        ("60.5,68\n60.5,66", "60.5,68\n60.4,66", r"line 4: found 60\.4, expected a time not before the row before"),
        ("330,61", "330,fast", r"line 5: found '330,fast', expected two numbers"),
        ("330,61", "330", r"line 5: found '330', expected two numbers"),
        ("330,61", "330,61,1", r"line 5: found '330,61,1', expected two numbers"),
        ("330,61", "", r"line 5: found '', expected two numbers"),
        ("330,61", "330,610", r"line 5: found 610, expected heart_rate from 20 to 250 beat/min"),
        ("330,61", "330,-1", r"line 5: found -1, expected heart_rate from 20 to 250 beat/min"),
        ("330,61", "330,nan", r"line 5: found nan, expected heart_rate from 20 to 250 beat/min"),
        ("500,72", "inf,72", r"line 6: found inf, expected a finite time"),
        ("330,61", "nan,61", r"line 5: found nan, expected a finite time"),
    ],
)
def test_a_bad_row_is_named_by_file_and_line(write_folder: WriteFolder, good: str, bad: str, complaint: str) -> None:
    assert good in HEART_RATE
    recordings = read_recordings(write_folder(heart_rate=HEART_RATE.replace(good, bad)))

    with pytest.raises(RecordingError, match=r"ann.heart_rate\.csv\.gz, ") as refusal:
        recordings.series("ann", "heart_rate")

    refusal.match(complaint)


@pytest.mark.parametrize(
    ("good", "bad", "complaint"),
    [
        (
            "330,sleep",
            "330,dozing",
            r"line 4: found .330,dozing., expected a time in seconds and one of unscored",
        ),
        ("330,sleep", "330,5", r"line 4: found '330,5', expected a time in seconds and one of"),
        ("330,sleep", "320,sleep", r"line 4: found 320, expected a time at least 30 s after the row before"),
    ],
)
def test_a_bad_truth_is_named_by_file_and_line(write_folder: WriteFolder, good: str, bad: str, complaint: str) -> None:
    recordings = read_recordings(write_folder(stage=STAGE.replace(good, bad)))

    with pytest.raises(RecordingError, match=complaint):
        recordings.series("ann", "stage")


def test_what_is_no_gzip_file_is_refused(write_folder: WriteFolder) -> None:
    folder = write_folder()
    file = folder / "ann" / "heart_rate.csv.gz"
    whole = file.read_bytes()
    recordings = read_recordings(folder)

    for content in (HEART_RATE.encode(), whole[:-12], b"\x1f\x8b"):
        file.write_bytes(content)
        with pytest.raises(RecordingError, match=r"is not a whole gzip file of text"):
            recordings.series("ann", "heart_rate")


def test_the_shipped_sample_is_small_whole_and_says_whose_it_is() -> None:
    recordings = read_recordings(SAMPLE)

    assert len(recordings.persons) == 6
    assert recordings.licence == "ODC-By-1.0"
    assert "10.13026/hmhs-py35" in recordings.source
    assert "Open Data Commons Attribution License" in (SAMPLE / "README.md").read_text(encoding="utf-8")
    assert sum(file.stat().st_size for file in SAMPLE.rglob("*") if file.is_file()) < 1_000_000
    for person in recordings.persons:
        heart, stage = recordings.series(person.id, "heart_rate"), recordings.series(person.id, "stage")
        covered = np.searchsorted(heart.times, stage.times + 60) - np.searchsorted(heart.times, stage.times - 60)
        assert np.mean(covered > 0) > 0.99


@pytest.mark.parametrize(("name", "persons"), [("walch", 23), ("mmash", 15)])
def test_whole_data_sets_are_accepted(name: str, persons: int) -> None:
    recordings = read_recordings(shared(name))

    assert len(recordings.persons) == persons
    for person in (recordings.persons[0], recordings.persons[-1]):
        for channel in recordings.channels:
            assert recordings.series(person.id, channel).times.size
