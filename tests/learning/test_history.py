from datetime import datetime

import numpy as np

from devices.body import SyntheticBody
from devices.buffer import MemoryBuffer
from devices.kinds import altered, kind_named
from devices.learning.diary import Diary
from devices.learning.history import at_sport, learn_night, nights_of, whole_day
from devices.learning.task import TASKS
from tests.learning.nights import N2, Sensors, night, sensors

SLEEP_WAKE = TASKS["sleep-wake"]
SENSES = {"heart_rate": 30.0, "movement": 30.0}


def three_nights() -> Sensors:
    nights = [night([0] * 20 + [N2] * 180, index, bed_s=index * 86_400.0) for index in (-2, -1, 0)]
    return Sensors(sensors(-2 * 86_400.0 - 3600, 10_000).channels, nights)


def test_history_is_the_nights_whose_label_is_known() -> None:
    learnt = nights_of(three_nights(), SENSES, SLEEP_WAKE, -10 * 86_400.0, 0.0)

    assert [(index, len(examples)) for index, examples in learnt] == [(-2, 200), (-1, 200)]


def test_history_equals_what_a_buffer_would_have_taught() -> None:
    body, buffer = three_nights(), MemoryBuffer("memory:watch-1", 1_000_000)
    for channel in SENSES:
        buffer.append(channel, *body.window(channel, -1e9, 1e9))

    kept = [learn_night(buffer, SLEEP_WAKE, one) for one in body.nights(-1e9, 1e9)]

    for (_, remembered), lived in zip(nights_of(body, SENSES, SLEEP_WAKE, -1e9, 1e9), kept, strict=True):
        assert lived is not None
        # A buffer remembers seven digits of a reading, features three.
        assert np.allclose(remembered.features, lived.examples.features, atol=4e-3)
        assert np.array_equal(remembered.labels, lived.examples.labels)


def test_nights_at_the_charger_are_no_history() -> None:
    learnt = nights_of(
        three_nights(), SENSES, SLEEP_WAKE, -1e9, 1e9, worn=lambda times: np.abs(times + 86_400) > 10_000
    )

    assert [index for index, _ in learnt] == [-2, 0]


def test_a_sensor_shows_only_its_own_channels() -> None:
    ((_, learnt),) = nights_of(three_nights(), {"movement": 30.0}, SLEEP_WAKE, 0.0, 1e9)

    assert not learnt.features[:, SLEEP_WAKE.feature_names.index("heart rate swings over 20 min")].any()


def test_a_watch_that_is_always_worn_is_in_session_at_its_wearers_sport_and_a_band_never_is() -> None:
    body = SyntheticBody(7, "wearer-1", datetime(2026, 1, 5, 18), {"sport_share": 1.0})
    band = altered(kind_named("band"), {"senses_in_session.heart_rate": 5})

    ((rhythm, stretches),) = at_sport(body, kind_named("smartwatch"), 0.0, 7 * 86_400.0)

    assert rhythm == {"heart_rate": 5.0}
    assert len(stretches) == 7
    assert all(0.6 <= (end_s - begin_s) / 3600 <= 1.25 for begin_s, end_s in stretches)
    assert at_sport(body, band, 0.0, 7 * 86_400.0) == []


def test_history_may_come_from_the_diary() -> None:
    body, diary = three_nights(), Diary(3, "wearer-1")

    learnt = nights_of(body, SENSES, SLEEP_WAKE, -1e9, 1e9, diary=diary)

    assert [index for index, _ in learnt] == [
        one.index for one in body.nights(-1e9, 1e9) if diary.told(one) is not None
    ]


def test_all_epochs_of_a_day_end_when_its_wearer_rises() -> None:
    body = Sensors(sensors(-2 * 86_400.0, 86_400.0).channels, [night([N2] * 100)])

    ((_, learnt),) = nights_of(body, SENSES, SLEEP_WAKE, 0.0, 1e9, epochs="all")

    assert len(learnt) == 2880
    assert learnt.start_s[-1] == 99 * 30.0
    assert learnt.labels.sum() == 100


def test_a_day_is_widened_around_what_was_told() -> None:
    slept = night([5] * 10, bed_s=600.0)

    day = whole_day(slept, Sensors({}, [night([N2] * 10, bed_s=600.0)]).truth, 0.0, 1200.0)

    assert (day.bed_s, day.rise_s) == (0.0, 1200.0)
    assert day.stages.tolist() == [0] * 20 + [5] * 10 + [0] * 10


def test_readings_that_come_late_make_the_night_anew_and_nothing_else_does() -> None:
    slept, body = night([N2] * 200), sensors(-1200, 6000)
    buffer = MemoryBuffer("memory:phone-1", 1_000_000)
    times, heart = body.channels["heart_rate"]

    buffer.append("heart_rate", times[:180], heart[:180])
    first = learn_night(buffer, SLEEP_WAKE, slept)
    unchanged = learn_night(buffer, SLEEP_WAKE, slept)
    buffer.append("heart_rate", times[180:], heart[180:])
    late = learn_night(buffer, SLEEP_WAKE, slept)

    assert first is not None
    assert unchanged is None
    assert late is not None
    assert len(first.examples) < len(late.examples) == 200
    assert [kept.readings for kept in buffer.nights()] == [late.readings]
    assert late.fresh


def test_a_night_that_the_buffer_has_forgotten_stays_as_it_was_learnt() -> None:
    slept, body = night([N2] * 200), sensors(-1200, 6000)
    buffer = MemoryBuffer("memory:phone-1", 300)
    buffer.append("heart_rate", *body.channels["heart_rate"])
    first = learn_night(buffer, SLEEP_WAKE, slept)

    buffer.append("heart_rate", np.arange(7000.0, 20_000.0, 30.0), np.full(434, 60.0))

    assert first is not None
    assert learn_night(buffer, SLEEP_WAKE, slept) is None
    assert len(buffer.nights()[0].examples) == len(first.examples)


def test_an_unworn_night_is_not_kept() -> None:
    buffer = MemoryBuffer("memory:phone-1", 100)

    assert learn_night(buffer, SLEEP_WAKE, night([N2] * 200)) is None
    assert buffer.nights() == []
