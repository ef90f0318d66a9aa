from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.learning.features import OF_EPOCH, OF_NIGHT
from devices.learning.models import initial_arrays
from devices.learning.task import TASKS
from tests.learning.nights import N2, REM, Sensors, night, sensors

SLEEP_WAKE, SLEEP_STAGE, NIGHT_QUALITY = TASKS["sleep-wake"], TASKS["sleep-stage"], TASKS["night-quality"]

HEART_COLUMNS = [number for number, feature in enumerate(OF_EPOCH) if "heart" in feature.name]
MOVE_COLUMNS = [number for number, feature in enumerate(OF_EPOCH) if "mov" in feature.name]


def test_every_feature_has_a_name_of_its_own_and_a_source() -> None:
    for features in (OF_EPOCH, OF_NIGHT):
        assert len({feature.name for feature in features}) == len(features)
        assert all(feature.source and feature.scale > 0 for feature in features)


@pytest.mark.parametrize(
    ("name", "shapes"), [("night-quality", (1, 10)), ("sleep-wake", (1, 12)), ("sleep-stage", (3, 12))]
)
def test_the_first_model_is_shaped_by_the_task_alone(name: str, shapes: tuple[int, int]) -> None:
    coefficients, intercepts = initial_arrays(TASKS[name])

    assert coefficients.shape == shapes
    assert intercepts.shape == shapes[:1]
    assert not coefficients.any()
    assert not intercepts.any()


def test_sleep_wake_asks_once_every_30_s() -> None:
    learnt = SLEEP_WAKE.night_examples(night([0, 0, N2, N2, REM, 5]), sensors(-1200, 180).window)

    assert learnt is not None
    assert learnt.labels.tolist() == [0, 0, 1, 1, 1, 1]
    assert learnt.start_s.tolist() == [0, 30, 60, 90, 120, 150]
    assert learnt.features.shape == (6, len(SLEEP_WAKE.feature_names))


def test_sleep_stage_leaves_out_sleep_of_unknown_stage_and_what_nobody_scored() -> None:
    learnt = SLEEP_STAGE.night_examples(night([0, 5, N2, REM, -1, 1]), sensors(-1200, 180).window)

    assert learnt is not None
    assert learnt.labels.tolist() == [0, 1, 2, 1]
    assert learnt.start_s.tolist() == [0, 60, 90, 150]


@pytest.mark.parametrize(("awake", "good"), [(15, 1), (16, 0)])
def test_a_night_is_good_when_85_percent_of_it_were_slept(awake: int, good: int) -> None:
    learnt = NIGHT_QUALITY.night_examples(night([0] * awake + [N2] * (100 - awake)), sensors(0, 3000).window)

    assert learnt is not None
    assert learnt.labels.tolist() == [good]


@given(
    cut=st.integers(1, 119),
    seed=st.integers(0, 50),
    every_s=st.sampled_from([5.0, 30.0, 60.0, 300.0]),
    epochs=st.sampled_from(["in_bed", "all"]),
)
@settings(deadline=None, max_examples=40)
def test_an_epoch_knows_nothing_of_what_comes_after_it(cut: int, seed: int, every_s: float, epochs: str) -> None:
    asleep = night([N2] * 120)
    whole, until = sensors(-1200, 3600, every_s, seed), 30.0 * cut
    before = Sensors(
        {name: (times[times < until], values[times < until]) for name, (times, values) in whole.channels.items()}
    )

    known = SLEEP_WAKE.night_examples(asleep, whole.window, epochs)
    then = SLEEP_WAKE.night_examples(replace(asleep, rise_s=until, stages=asleep.stages[:cut]), before.window, epochs)

    assert known is not None
    assert then is not None
    assert np.array_equal(known.features[:cut], then.features)


def test_a_sensor_without_movement_leaves_those_columns_neutral() -> None:
    both = sensors(-1200, 3000)
    heart_alone = Sensors({"heart_rate": both.channels["heart_rate"]})

    seen = SLEEP_WAKE.night_examples(night([N2] * 100), heart_alone.window)
    whole = SLEEP_WAKE.night_examples(night([N2] * 100), both.window)

    assert seen is not None
    assert whole is not None
    assert not seen.features[:, MOVE_COLUMNS].any()
    assert np.array_equal(seen.features[:, HEART_COLUMNS], whole.features[:, HEART_COLUMNS])


def test_movement_in_seconds_and_in_half_minutes_is_the_same_movement() -> None:
    rng = np.random.default_rng(3)
    seconds = np.where(rng.random(4200) < 0.01, 50.0, 0.0)
    fine = Sensors({"movement": (np.arange(-1200.0, 3000.0), seconds)})
    coarse = Sensors({"movement": (np.arange(-1200.0, 3000.0, 30.0), seconds.reshape(-1, 30).sum(axis=1))})

    by_second = SLEEP_WAKE.night_examples(night([N2] * 100), fine.window)
    by_epoch = SLEEP_WAKE.night_examples(night([N2] * 100), coarse.window)

    assert by_second is not None
    assert by_epoch is not None
    assert np.array_equal(by_second.features, by_epoch.features)


def test_a_night_that_was_not_worn_long_enough_teaches_nothing() -> None:
    asleep = night([N2] * 100)  # 3000 s

    assert SLEEP_WAKE.night_examples(asleep, sensors(-1200, 1700).window) is None
    assert NIGHT_QUALITY.night_examples(asleep, sensors(-1200, 1700).window) is None
    assert SLEEP_WAKE.night_examples(asleep, Sensors({}).window) is None


def test_epochs_without_a_reading_are_left_out_of_a_worn_night() -> None:
    learnt = SLEEP_WAKE.night_examples(night([N2] * 100), sensors(-1200, 2100).window)

    assert learnt is not None
    assert learnt.start_s.max() == 2340  # that epoch ends 5 min after the last reading, at 2070 s


def test_a_night_that_nobody_scored_teaches_nothing() -> None:
    assert SLEEP_WAKE.night_examples(night([-1] * 100), sensors(0, 3000).window) is None


def test_sparse_watches_are_understood_too() -> None:
    learnt = SLEEP_WAKE.night_examples(night([N2] * 100), sensors(-1200, 3000, every_s=300).window)

    assert learnt is not None
    assert len(learnt) == 100
    assert np.isfinite(learnt.features).all()
    assert learnt.features[:, HEART_COLUMNS[0]].any()


def test_a_day_with_all_epochs_does_not_tell_when_its_wearer_went_to_bed() -> None:
    learnt = SLEEP_WAKE.night_examples(night([0] * 50 + [N2] * 50), sensors(-1200, 3000).window, "all")

    assert learnt is not None
    for name in ("hours in bed", "settling in"):
        assert not learnt.features[:, SLEEP_WAKE.feature_names.index(name)].any()


def test_an_hour_of_sport_weighs_as_an_hour_however_often_it_is_measured() -> None:
    minutes = np.arange(-1200.0, 14_400.0, 60.0)
    sport = (minutes >= 3600) & (minutes < 7200)
    rng = np.random.default_rng(5)
    heart = np.where(sport, 140.0, 60.0) + rng.integers(-5, 6, len(minutes)).astype(np.float64)
    moves = np.where(sport, 800.0, 0.0)
    usual = Sensors({"heart_rate": (minutes, heart), "movement": (minutes, moves)})
    often, halves = np.arange(-1200.0, 14_400.0, 5.0), np.arange(-1200.0, 14_400.0, 30.0)
    often = often[((often >= 3600) & (often < 7200)) | (often % 60 == 0)]
    halves = halves[((halves >= 3600) & (halves < 7200)) | (halves % 60 == 0)]
    session = Sensors(
        {
            "heart_rate": (often, heart[np.searchsorted(minutes, often, side="right") - 1]),
            "movement": (halves, moves[np.searchsorted(minutes, halves, side="right") - 1]),
        }
    )
    day = night([0] * 480)

    seldom, dense = (SLEEP_WAKE.night_examples(day, one.window, "all") for one in (usual, session))

    assert seldom is not None
    assert dense is not None
    assert len(often) > 3 * len(minutes)
    assert np.array_equal(seldom.features, dense.features)


def test_restless_nights_look_restless() -> None:
    times = np.arange(0.0, 8 * 3600.0, 30.0)
    calm = Sensors({"movement": (times, np.where(np.arange(len(times)) % 40 == 0, 300.0, 0.0))})
    restless = Sensors({"movement": (times, np.where(np.arange(len(times)) % 5 == 0, 300.0, 0.0))})
    asleep = night([N2] * len(times))

    calm_row, restless_row = (NIGHT_QUALITY.night_examples(asleep, one.window) for one in (calm, restless))

    assert calm_row is not None
    assert restless_row is not None
    rises = dict(zip(NIGHT_QUALITY.feature_names, (restless_row.features - calm_row.features)[0], strict=True))
    assert rises["moving share of the night"] > 1
    assert rises["share of the night in still bouts"] < -1
    assert rises["longest still bout"] < 0
