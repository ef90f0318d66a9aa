from datetime import datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.body import Body, SyntheticBody
from devices.body.sensor import SENSED

EVENING = datetime.fromisoformat("2026-01-05T18:00")
DAY_S = 86_400

channels = st.sampled_from(sorted(SENSED))
rhythms = st.sampled_from([5, 30, 60, 90, 300, 0.5])
moments = st.floats(-30 * DAY_S, 30 * DAY_S, allow_nan=False)


@settings(deadline=None, max_examples=60)
@given(channel=channels, every_s=rhythms, from_s=moments, lasts_s=st.floats(0, 7_200), share=st.floats(0, 1))
def test_readings_are_the_same_however_the_span_is_cut(
    channel: str, every_s: float, from_s: float, lasts_s: float, share: float
) -> None:
    body: Body = SyntheticBody(7, "wearer-1", EVENING)
    another = SyntheticBody(7, "wearer-1", EVENING)
    middle, end = from_s + share * lasts_s, from_s + lasts_s

    later, earlier = body.readings(channel, middle, end, every_s), body.readings(channel, from_s, middle, every_s)

    times, values = another.readings(channel, from_s, end, every_s)
    assert np.array_equal(np.r_[earlier[0], later[0]], times)
    assert np.array_equal(np.r_[earlier[1], later[1]], values)


@settings(deadline=None, max_examples=60)
@given(every_s=rhythms, from_s=moments, lasts_s=st.floats(0, 3_600))
def test_times_are_all_the_multiples_in_the_span(every_s: float, from_s: float, lasts_s: float) -> None:
    times, values = SyntheticBody(7, "wearer-1", EVENING).readings("light", from_s, from_s + lasts_s, every_s)

    assert times.dtype == values.dtype == np.float64
    assert ((times >= from_s) & (times < from_s + lasts_s)).all()
    assert np.array_equal(times / every_s, np.rint(times / every_s))
    assert len(times) == len(values) == np.ceil((from_s + lasts_s) / every_s) - np.ceil(from_s / every_s)


def test_a_reading_is_that_of_its_epoch_also_across_noon() -> None:
    body = SyntheticBody(7, "wearer-1", datetime.fromisoformat("2026-01-05T11:50"))

    _, fine = body.readings("movement", 0, 1_200, 5)
    _, coarse = body.readings("movement", 0, 1_200, 30)

    assert np.array_equal(fine, np.repeat(coarse, 6))


def test_the_same_seed_and_name_live_the_same_life_and_others_do_not() -> None:
    def heart(seed: int, name: str) -> list[float]:
        values: list[float] = SyntheticBody(seed, name, EVENING).readings("heart_rate", 0, DAY_S, 300)[1].tolist()
        return values

    assert heart(7, "wearer-1") == heart(7, "wearer-1")
    assert heart(7, "wearer-1") != heart(7, "wearer-2")
    assert heart(7, "wearer-1") != heart(8, "wearer-1")


def test_what_was_asked_before_changes_nothing() -> None:
    body, another = (SyntheticBody(7, "wearer-1", EVENING) for _ in range(2))

    for day in range(6, -6, -1):
        body.readings("rmssd", day * DAY_S, day * DAY_S + 60, 60)

    assert np.array_equal(body.readings("rmssd", 0, DAY_S, 60)[1], another.readings("rmssd", 0, DAY_S, 60)[1])


def test_one_hidden_state_drives_all_signals() -> None:
    body = SyntheticBody(7, "wearer-1", EVENING)
    night = body.nights(0, DAY_S)[0]
    asleep = body.readings("heart_rate", night.bed_s + 3_600, night.rise_s, 30)[1]
    up = body.readings("heart_rate", 0, night.bed_s, 30)[1]

    assert asleep.mean() < up.mean()
    assert body.readings("light", night.bed_s, night.bed_s + 3_600, 30)[1].max() == 0


def test_the_answer_is_the_askers_own() -> None:
    body = SyntheticBody(7, "wearer-1", EVENING)
    _, values = body.readings("heart_rate", 0, 3_600, 30)

    values[:] = 0

    assert body.readings("heart_rate", 0, 3_600, 30)[1].min() > 0


def test_an_unknown_channel_is_an_error() -> None:
    body = SyntheticBody(7, "wearer-1", EVENING)

    with pytest.raises(KeyError, match="blood_sugar"):
        body.readings("blood_sugar", 0, DAY_S, 30)
