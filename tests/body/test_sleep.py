from datetime import datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.body import Night, SyntheticBody
from devices.body.sleep import bouts, stages
from devices.body.wearer import wearer
from devices.randomness import stream

NOON = datetime.fromisoformat("2026-01-05T12:00")
DAY_S = 86_400


@settings(deadline=None)
@given(epochs=st.integers(480, 1_300), seed=st.integers(0, 10_000))
def test_bouts_fill_the_night_and_follow_one_another(epochs: int, seed: int) -> None:
    night = bouts(wearer(seed, "wearer-1"), epochs, stream(seed, "night"))

    assert len(stages(night)) == epochs
    assert all(length > 0 for _, length in night)
    assert night[0][0] == 0
    assert set(np.unique(stages(night))) <= {0, 1, 2, 3, 4}


def test_a_night_is_told_once_and_half_an_hour_after_rising() -> None:
    body = SyntheticBody(7, "wearer-1", NOON)
    night = body.nights(0, 2 * DAY_S)[0]

    assert night.known_s == night.rise_s + 1_800
    assert len(night.stages) == (night.rise_s - night.bed_s) / 30
    assert [n.index for n in body.nights(night.known_s, night.known_s + 1)] == [night.index]
    assert body.nights(night.known_s - 3_600, night.known_s) == []


def test_every_date_has_its_night_also_before_the_start() -> None:
    nights = SyntheticBody(7, "wearer-1", NOON).nights(-5 * DAY_S, 5 * DAY_S)

    assert [night.index for night in nights] == list(range(-5, 5))


def test_truth_by_day_is_awake_and_by_night_the_nights_stages() -> None:
    body = SyntheticBody(7, "wearer-1", NOON)
    night = body.nights(0, DAY_S)[0]

    times, truth = body.truth(0, DAY_S)

    in_bed = (times >= night.bed_s) & (times < night.rise_s)
    assert len(times) == DAY_S // 30
    assert (truth[in_bed] == night.stages).all()
    assert (truth[~in_bed] == 0).all()


def test_efficiency_is_the_share_of_scored_epochs_asleep() -> None:
    scored = np.array([-1, 0, 1, 5, -1], dtype=np.int8)

    assert Night(0, 0, 150, 150, scored).efficiency == pytest.approx(2 / 3)
    assert np.isnan(Night(0, 0, 30, 30, scored[:1]).efficiency)


def test_nights_of_a_population_are_those_of_a_sleep_laboratory() -> None:
    nights = [
        night for number in range(60) for night in SyntheticBody(7, f"wearer-{number}", NOON).nights(0, 7 * DAY_S)
    ]
    epochs = np.concatenate([night.stages for night in nights])
    step = np.zeros((5, 5))
    late_n1, early_n1 = np.zeros(5), np.zeros(5)
    for night in nights:
        now, then, quarter = night.stages[:-1], night.stages[1:], len(night.stages) // 4
        np.add.at(step, (now, then), 1)
        np.add.at(early_n1, then[:quarter][now[:quarter] == 1], 1)
        np.add.at(late_n1, then[-quarter:][now[-quarter:] == 1], 1)

    shares = np.bincount(epochs, minlength=5) / len(epochs)
    assert shares == pytest.approx([0.091, 0.068, 0.484, 0.138, 0.220], abs=0.025)
    assert np.diag(step) / step.sum(axis=1) == pytest.approx([0.80, 0.50, 0.93, 0.95, 0.96], abs=0.03)
    assert late_n1[4] / late_n1.sum() > 5 * early_n1[4] / early_n1.sum()
    efficiency = np.array([night.efficiency for night in nights])
    assert 0.84 < efficiency.mean() < 0.91
    assert 0.5 < (efficiency >= 0.85).mean() < 0.85
    assert 0.025 < np.std(efficiency.reshape(60, 7), axis=1, ddof=1).mean() < 0.045
