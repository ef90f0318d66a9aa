import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.body.noise import following, remembered, wandering


@settings(deadline=None)
@given(memory=st.floats(0, 0.99), length=st.integers(1, 200), seed=st.integers(0, 2**32 - 1))
def test_doubling_the_span_gives_what_a_loop_over_time_gives(memory: float, length: int, seed: int) -> None:
    steps = np.random.default_rng(seed).standard_normal((1, length))

    series = remembered(steps, np.array([memory]))

    slowly, value = [], 0.0
    for step in steps[0]:
        value = memory * value + step
        slowly.append(value)
    assert series[0] == pytest.approx(slowly, abs=0.02)


def test_what_wanders_has_unit_variance_and_the_asked_memory() -> None:
    fresh = np.random.default_rng(1).standard_normal((3, 50_000))

    series = wandering(fresh, np.array([0.0, 0.5, 0.95]))

    assert series.std(axis=1) == pytest.approx([1, 1, 1], abs=0.06)
    lag_one = [np.corrcoef(row[1:], row[:-1])[0, 1] for row in series]
    assert lag_one == pytest.approx([0.0, 0.5, 0.95], abs=0.02)


def test_a_follower_closes_the_gap_and_starts_without_one() -> None:
    target = np.r_[np.full(20, 60.0), np.full(100, 100.0)]

    followed = following(target, 0.9)

    assert followed[:20] == pytest.approx(60)
    assert followed[20] == pytest.approx(64)
    assert followed[-1] == pytest.approx(100, abs=0.1)
    assert (np.diff(followed) > -1e-9).all()
