from datetime import datetime
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.errors import RecordingError
from devices.body import Body, RecordedBody, Recordings, Span, read_recordings
from tests.body.conftest import HEART_RATE, SAMPLE, WriteFolder, shared

TEN_PAST_TEN = datetime.fromisoformat("2018-03-12T22:10")


@pytest.fixture
def recordings(write_folder: WriteFolder) -> Recordings:
    return read_recordings(write_folder())


def test_readings_come_at_their_recorded_local_time(recordings: Recordings) -> None:
    body: Body = RecordedBody(recordings, "ann", TEN_PAST_TEN)

    times, values = body.readings("heart_rate", -600, 0, 300)

    assert times.tolist() == [-600, -539.5, -539.5, -270, -100]
    assert values.tolist() == [70, 68, 66, 61, 72]


def test_a_gap_is_a_gap_and_after_the_end_there_is_nothing(recordings: Recordings) -> None:
    body = RecordedBody(recordings, "ann", TEN_PAST_TEN)

    assert body.readings("heart_rate", -500, -270, 30)[0].size == 0
    assert body.readings("heart_rate", -99, 1e9, 30)[0].size == 0
    assert (body.begins_s, body.ends_s) == (-600, -100)


def test_a_channel_that_was_not_recorded_has_no_readings(recordings: Recordings) -> None:
    body = RecordedBody(recordings, "ann", TEN_PAST_TEN)

    assert body.readings("movement", -1e9, 1e9, 30)[0].size == 0
    with pytest.raises(KeyError, match="blood_sugar"):
        body.readings("blood_sugar", -1e9, 1e9, 30)


def test_the_night_is_known_at_its_end_unscored_where_nobody_scored(recordings: Recordings) -> None:
    body = RecordedBody(recordings, "ann", TEN_PAST_TEN)

    (night,) = body.nights(-180, -179)

    assert (night.bed_s, night.rise_s, night.known_s) == (-300, -180, -180)
    assert night.stages.tolist() == [0, 5, -1, 5]
    assert night.efficiency == pytest.approx(2 / 3)
    assert body.nights(-181, -180) == []


def test_truth_reaches_beyond_the_night(recordings: Recordings) -> None:
    times, stages = RecordedBody(recordings, "ann", TEN_PAST_TEN).truth(-1e9, 1e9)

    assert times.tolist() == [-330, -300, -270, -210, -180]
    assert stages.tolist() == [0, 0, 5, 5, 0]


def test_the_day_tells_what_is_known(recordings: Recordings) -> None:
    assert RecordedBody(recordings, "ann", TEN_PAST_TEN).day(-400, 100) == [
        Span(-400, -300, "home", "still"),
        Span(-300, -270, "home", "in_bed"),
        Span(-270, -240, "home", "asleep"),
        Span(-240, -210, "home", "in_bed"),
        Span(-210, -180, "home", "asleep"),
        Span(-180, 100, "home", "still"),
    ]


@settings(deadline=None, max_examples=50)
@given(from_s=st.floats(-90_000, 90_000), lasts_s=st.floats(1, 90_000))
def test_days_tile_and_readings_do_not_depend_on_the_cut(from_s: float, lasts_s: float) -> None:
    recordings = read_recordings(SAMPLE)
    person = recordings.persons[0].id
    body = RecordedBody(recordings, person, datetime.fromisoformat("2018-03-12T22:00"))
    middle, end = from_s + lasts_s / 3, from_s + lasts_s

    spans = body.day(from_s, end)

    assert (spans[0].from_s, spans[-1].to_s) == (from_s, end)
    assert all(before.to_s == after.from_s for before, after in pairwise(spans))
    parts = [body.readings("heart_rate", *cut, 30)[0] for cut in ((from_s, middle), (middle, end))]
    assert np.array_equal(np.concatenate(parts), body.readings("heart_rate", from_s, end, 30)[0])


def test_a_bad_row_speaks_before_life_begins(write_folder: WriteFolder) -> None:
    recordings = read_recordings(write_folder(heart_rate=HEART_RATE + "600,1000\n"))

    with pytest.raises(RecordingError, match=r"line 7: found 1000"):
        RecordedBody(recordings, "ann", TEN_PAST_TEN)


def test_a_day_and_night_of_mmash_has_truth_for_all_of_it() -> None:
    recordings = read_recordings(shared("mmash"))
    person = recordings.persons[0]
    body = RecordedBody(recordings, person.id, person.start)

    times, stages = body.truth(-1e9, 1e9)

    assert times[-1] - times[0] > 22 * 3_600
    assert set(np.unique(stages)) == {0, 5}
    assert len(body.nights(-1e9, 1e9)) == 1
    assert body.readings("movement", 0, 3_600, 30)[1].size > 1_000
