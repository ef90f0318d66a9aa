"""The paired bootstrap: what it must do on any data, and how often it catches a truth that is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetbeat.study.bootstrap import (
    Estimate,
    FloatArray,
    balanced_accuracy,
    estimate,
    interval,
    ratio,
    sums_of,
)
from fleetbeat.study.cell import Cell, Judged
from fleetbeat.study.comparison import Comparison
from tests.study_verdict.ground import judged

BOTH = np.array([True, True])
WORLDS = 200


def random_cells(seed: int, arms: tuple[str, ...] = ("one", "other"), seeds: int = 4) -> list[Cell]:
    rng = np.random.default_rng(seed)
    made = []
    for number in range(seeds):
        who = [f"w{place}" for place in range(int(rng.integers(2, 6)))]
        for arm in arms:
            answers = rng.integers(1, 9, (len(who), 2, 2)).tolist()
            made.append(Cell(arm, number, strangers=Judged({}, who, answers)))
    return made


def test_balanced_accuracy_is_the_mean_of_the_recalls() -> None:
    tables = np.array([8.0, 2.0, 30.0, 70.0])

    assert balanced_accuracy(tables, BOTH) == pytest.approx((0.8 + 0.7) / 2)


def test_without_one_of_the_classes_there_is_no_balanced_accuracy() -> None:
    assert np.isnan(balanced_accuracy(np.array([8.0, 2.0, 0.0, 0.0]), BOTH))


def test_a_class_that_never_occurs_is_no_class() -> None:
    three = np.array([8.0, 2.0, 0.0, 3.0, 7.0, 0.0, 0.0, 0.0, 0.0])

    assert balanced_accuracy(three, np.array([True, True, False])) == pytest.approx(0.75)


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_an_arm_against_itself_differs_by_nothing(seed: int) -> None:
    found = Comparison(random_cells(seed)).difference("one", "one", "strangers")

    assert found == Estimate(0.0, 0.0, 0.0, 4)


@given(st.integers(0, 10_000), st.randoms())
@settings(max_examples=25, deadline=None)
def test_the_order_in_which_cells_come_changes_nothing(seed: int, order: object) -> None:
    cells = random_cells(seed)
    mixed = list(cells)
    order.shuffle(mixed)  # type: ignore[attr-defined]  # hypothesis' Random

    assert Comparison(mixed).difference("one", "other", "strangers") == Comparison(cells).difference(
        "one", "other", "strangers"
    )


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_turned_round_the_difference_is_the_same_with_another_sign(seed: int) -> None:
    comparison = Comparison(random_cells(seed))

    there, back = (comparison.difference(*arms, "strangers") for arms in (("one", "other"), ("other", "one")))

    assert there is not None
    assert back is not None
    turned = back.turned()
    assert (there.value, there.low, there.high) == pytest.approx((turned.value, turned.low, turned.high))


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_the_figure_lies_in_its_interval(seed: int) -> None:
    found = Comparison(random_cells(seed)).accuracy("one", "strangers")

    assert found is not None
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_one_seed_has_an_interval_over_its_wearers_and_is_an_anecdote() -> None:
    found = Comparison(random_cells(3, seeds=1)).accuracy("one", "strangers")

    assert found is not None
    assert found.seeds == 1
    assert found.anecdote
    assert found.low is not None
    assert found.low < found.value


def test_a_figure_that_exists_once_has_no_interval() -> None:
    assert estimate(sums_of([np.array([[3.0, 1.0]])]), ratio) == Estimate(3.0, None, None, 1)


def test_both_arms_are_drawn_on_the_same_days() -> None:
    # seeds differ by 20 points, the arms by exactly 1 in each: unpaired, the interval would be 30 points wide
    levels = (0.55, 0.60, 0.65, 0.70, 0.75)
    cells = [
        Cell(arm, seed, strangers=judged(level + more))
        for seed, level in enumerate(levels)
        for arm, more in (("one", 0.01), ("other", 0.0))
    ]

    found = Comparison(cells).difference("one", "other", "strangers")

    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((0.01, 0.01, 0.01))


def test_wearers_that_only_one_arm_has_are_left_out() -> None:
    one, other = judged(0.7, ["a", "b", "c"]), judged(0.6, ["b", "c", "d"])
    cells = [Cell(arm, 1, own=own) for arm, own in (("one", one), ("other", other))]

    found = Comparison(cells).difference("one", "other", "own")

    assert found is not None
    assert found.value == pytest.approx(0.1)
    assert (
        Comparison([Cell("one", 1, own=one), Cell("other", 1, own=judged(0.6, ["x"]))]).difference(
            "one", "other", "own"
        )
        is None
    )


def test_four_times_the_seeds_halve_an_interval() -> None:
    found = Estimate(0.01, -0.01, 0.03, 10)  # 2 points to each side; the threshold is 1 point away

    assert found.further_seeds(0.02) == 30


def test_on_the_threshold_no_number_of_seeds_tells() -> None:
    assert Estimate(0.02, 0.01, 0.03, 10).further_seeds(0.02) is None
    assert Estimate(0.02, None, None, 1).further_seeds(0.05) is None


def _caught(seeds: int, between: float, within: float, wearers: int) -> float:
    """Return how many of `WORLDS` worlds have their true mean (0) in the interval of a mean over wearers."""
    rng = np.random.default_rng(19)
    hits = 0
    for _ in range(WORLDS):
        level = rng.normal(0, between, (seeds, 1))
        values = level + rng.normal(0, within, (seeds, wearers))
        parts: list[FloatArray] = [np.stack([row, np.ones(wearers)], axis=1) for row in values]
        found = estimate(sums_of(parts), ratio)
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= 0 <= found.high
    return hits / WORLDS


@pytest.mark.parametrize("seeds", [3, 10])
def test_the_interval_catches_the_truth_where_seeds_differ(seeds: int) -> None:
    # 95 % of 200 worlds have a standard error of 1.5 points
    assert 0.91 <= _caught(seeds, between=1.0, within=0.1, wearers=4) <= 0.99


def test_where_only_wearers_differ_the_interval_errs_to_the_wide_side() -> None:
    assert _caught(6, between=0.0, within=1.0, wearers=6) >= 0.96


def test_draws_without_the_figure_are_left_out_until_they_are_most() -> None:
    draws = np.array([[1.0, np.nan], [2.0, np.nan], [3.0, np.nan], [np.nan, 1.0]])

    low, high = interval(np.array([2.0, 1.0]), draws, 10)

    assert low[0] <= 1.1
    assert high[0] >= 2.9
    assert np.isnan(low[1])
    assert np.isnan(high[1])
