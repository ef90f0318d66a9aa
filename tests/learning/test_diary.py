import numpy as np
import pytest

from broker.errors import SettingsError
from devices.learning.diary import Diary, diary_for
from devices.learning.task import TASKS
from tests.learning.nights import N2, REM, night, sensors


def told_nights(wearer: str, count: int = 200, seed: int = 7) -> list[int]:
    diary = Diary(seed, wearer)
    return [index for index in range(count) if diary.told(night([0] * 20 + [N2] * 900, index)) is not None]


def test_the_same_nights_are_always_told_alike() -> None:
    slept = night([0] * 30 + [N2] * 500 + [0] * 15 + [REM] * 300, index=3)

    first, again = (Diary(7, "wearer-3").told(slept) for _ in range(2))

    assert (first is None) == (again is None)
    assert first is None or again is None or np.array_equal(first.stages, again.stages)
    assert told_nights("wearer-1") == told_nights("wearer-1")


def test_wearers_forget_some_mornings_each_their_own() -> None:
    answered = [told_nights(f"wearer-{number}") for number in range(40)]

    assert 0.7 < np.mean([len(one) for one in answered]) / 200 < 0.9
    assert len({tuple(one) for one in answered}) == 40


def test_short_awakenings_are_forgotten_and_long_ones_are_not() -> None:
    slept = [N2] * 200 + [0] * 4 + [REM] * 200 + [0] * 12 + [N2] * 300
    diary = Diary(7, "wearer-1")

    told = next(one for one in (diary.told(night(slept, index)) for index in range(50)) if one is not None)

    assert (told.stages == 0).sum() == 12
    assert set(told.stages.tolist()) == {0, 5}  # awake, or asleep: nobody can tell more


def test_the_time_to_fall_asleep_is_a_guess() -> None:
    diary = Diary(7, "wearer-1")
    told = [one for one in (diary.told(night([0] * 40 + [N2] * 900, index)) for index in range(200)) if one is not None]

    guesses = np.array([int(np.argmax(one.stages == 5)) for one in told])

    assert set(guesses % 10) == {0}  # to five minutes
    assert len(set(guesses)) > 3
    assert 30 < np.median(guesses) < 50


def test_a_diary_errs_about_some_nights_but_not_about_most() -> None:
    task, rng = TASKS["night-quality"], np.random.default_rng(1)
    window, right = sensors(0, 960 * 30).window, []
    for index in range(200):
        latency = int(rng.integers(10, 250))
        slept, diary = night([0] * latency + [N2] * (960 - latency), index), Diary(7, f"wearer-{index % 9}")
        told, truth = diary.told(slept), task.night_examples(slept, window)
        if told is not None and truth is not None and (answer := task.night_examples(told, window)) is not None:
            right.append(answer.labels[0] == truth.labels[0])

    assert 0.7 < np.mean(right) < 1.0


def test_truth_needs_no_diary_and_rem_has_none() -> None:
    assert diary_for("truth", TASKS["sleep-stage"], 7, "wearer-1") is None
    assert isinstance(diary_for("diary", TASKS["night-quality"], 7, "wearer-1"), Diary)
    with pytest.raises(SettingsError, match="REM"):
        diary_for("diary", TASKS["sleep-stage"], 7, "wearer-1")
