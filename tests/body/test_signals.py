"""What a small population shows, in wide bands around what was measured on people."""

from datetime import datetime
from functools import cache

import numpy as np
import numpy.typing as npt
import pytest

from devices.body import CHANNELS, SyntheticBody
from devices.body.channels import FloatArray
from devices.body.sensor import SENSED

NOON = datetime.fromisoformat("2026-01-05T12:00")
DAYS = 2
TO_S = DAYS * 86_400


class Life:
    """All that one wearer shows over the test's days."""

    def __init__(self, number: int) -> None:
        body = SyntheticBody(7, f"wearer-{number}", NOON, {"slips": 0.0})
        whole = {channel: body.readings(channel, 0, TO_S, 30) for channel in SENSED}
        self.times = whole["heart_rate"][0]
        self.signals: dict[str, FloatArray] = {channel: values for channel, (_, values) in whole.items()}
        self.asleep: npt.NDArray[np.bool_] = body.truth(0, TO_S)[1] > 0
        self.nights = body.nights(0, TO_S)
        self.in_bed = np.zeros(len(self.times), dtype=bool)
        for night in self.nights:
            self.in_bed[(self.times >= night.bed_s) & (self.times < night.rise_s)] = True


@cache
def population() -> tuple[Life, ...]:
    return tuple(Life(number) for number in range(60))


def test_no_signal_is_outside_what_a_sensor_shows_and_all_are_whole() -> None:
    for channel in SENSED:
        values = np.concatenate([life.signals[channel] for life in population()])
        assert values.min() >= CHANNELS[channel].low
        assert values.max() <= CHANNELS[channel].high
        assert (values == np.rint(values)).all()


def test_hearts_are_slow_asleep_and_differ_between_persons() -> None:
    asleep = [life.signals["heart_rate"][life.asleep].mean() for life in population()]

    assert 60 < np.mean(asleep) < 65
    assert 4.5 < np.std(asleep) < 9


def test_hearts_follow_the_day() -> None:
    amplitudes, peaks = [], []
    for life in population():
        angle = (12 + life.times / 3_600) * (np.pi / 12)
        waves = np.c_[np.ones_like(angle), np.cos(angle), np.sin(angle)]
        _, cosine, sine = np.linalg.lstsq(waves, life.signals["heart_rate"])[0]
        amplitudes.append(np.hypot(cosine, sine))
        peaks.append(np.arctan2(sine, cosine) * 12 / np.pi % 24)

    assert np.mean(amplitudes) == pytest.approx(12.7, abs=4)
    assert np.median(peaks) == pytest.approx(15.5, abs=2)


def test_hearts_asleep_remember_minutes() -> None:
    lags = {1: 0.73, 10: 0.42}
    found: dict[int, list[float]] = {lag: [] for lag in lags}
    for life in population():
        for night in life.nights:
            inside = (life.times >= night.bed_s) & (life.times < night.rise_s)
            heart, asleep = life.signals["heart_rate"][inside], life.asleep[inside]
            for lag in lags:
                both = asleep[lag:] & asleep[:-lag]
                found[lag].append(np.corrcoef(heart[lag:][both], heart[:-lag][both])[0, 1])

    for lag, real in lags.items():
        assert np.mean(found[lag]) == pytest.approx(real, abs=0.12)


def test_beats_are_more_uneven_asleep_than_awake() -> None:
    asleep = np.mean([life.signals["rmssd"][life.asleep].mean() for life in population()])
    awake = np.mean([life.signals["rmssd"][~life.in_bed].mean() for life in population()])

    assert asleep == pytest.approx(55, abs=12)
    assert awake == pytest.approx(35, abs=12)


def test_wrists_are_still_asleep_and_seldom_awake() -> None:
    moves = np.concatenate([life.signals["movement"] for life in population()])
    asleep = np.concatenate([life.asleep for life in population()])
    up = ~np.concatenate([life.in_bed for life in population()])

    assert np.mean(moves[up] == 0) == pytest.approx(0.16, abs=0.06)
    assert np.mean(moves[asleep] == 0) == pytest.approx(0.91, abs=0.06)
    assert np.median(moves[up]) == pytest.approx(674, rel=0.25)


def test_hearts_awake_go_with_movement() -> None:
    together = []
    for life in population():
        up = ~life.in_bed
        moved = np.log1p(life.signals["movement"][up])
        together.append(np.corrcoef(moved, life.signals["heart_rate"][up])[0, 1])

    assert np.mean(together) == pytest.approx(0.47, abs=0.15)


def test_a_restless_night_is_a_poor_one_and_the_heart_does_not_tell() -> None:
    efficiency, moving, heart = [], [], []
    for life in population():
        night = life.nights[0]
        inside = (life.times >= night.bed_s) & (life.times < night.rise_s)
        efficiency.append(night.efficiency)
        moving.append(np.mean(life.signals["movement"][inside] > 0))
        heart.append(life.signals["heart_rate"][inside].mean())

    assert -0.85 < np.corrcoef(efficiency, moving)[0, 1] < -0.4
    assert abs(np.corrcoef(efficiency, heart)[0, 1]) < 0.3


def test_nights_are_dark_and_days_are_not() -> None:
    light = np.concatenate([life.signals["light"] for life in population()])
    in_bed = np.concatenate([life.in_bed for life in population()])

    assert np.median(light[in_bed]) <= 1
    assert 20 < np.median(light[~in_bed]) < 500
    assert light.max() > 10_000
