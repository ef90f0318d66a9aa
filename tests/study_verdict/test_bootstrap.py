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
    stretched,
    sums_of,
)
from fleetbeat.study.cell import Cell, Judged
from fleetbeat.study.comparison import Comparison
from tests.study_verdict.ground import judged, lived

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


def test_the_same_persons_under_every_seed_are_no_more_than_they_are() -> None:
    # ten seeds that judge the same four persons alike tell nothing about a fifth: the interval is that of one seed
    answers = [[[5, 5], [5, 5]], [[9, 1], [1, 9]], [[6, 4], [4, 6]], [[10, 0], [0, 10]]]
    who = ["p1", "p2", "p3", "p4"]
    ten = Comparison((Cell("one", seed, strangers=Judged({}, who, answers)) for seed in range(10)), recorded=True)
    one = Comparison([Cell("one", 0, strangers=Judged({}, who, answers))])

    many, single = (each.accuracy("one", "strangers") for each in (ten, one))

    assert many is not None
    assert single is not None
    assert many.high is not None
    assert many.low is not None
    assert single.high is not None
    assert single.low is not None
    assert many.high - many.low >= 0.9 * (single.high - single.low)


def own_nights(without: tuple[int, str] | None = None) -> list[Cell]:
    """Five seeds of six recorded persons who are answered as differently as can be; one night may be missing."""
    right = {f"watch-{number}": 5 + number for number in range(6)}
    return [
        Cell(
            "one",
            seed,
            own=Judged({}, who, [[[right[name], 10 - right[name]], [10 - right[name], right[name]]] for name in who]),
            lived=lived(delivered={"watch-0": 1, "watch-1": 1, "watch-2": 1}),
        )
        for seed in range(5)
        for who in [[name for name in right if (seed, name) != without]]
    ]


def told(cells: list[Cell], *, recorded: bool = True) -> list[tuple[int | None, float]]:
    """Of how many persons, and how wide, the figures of own nights are: all devices', and those never heard."""
    comparison = Comparison(cells, recorded=recorded)
    figures = comparison.accuracy("one", "own"), comparison.unheard("one")[0]
    return [
        (one.persons, one.high - one.low) for one in figures if one and one.high is not None and one.low is not None
    ]


@pytest.mark.parametrize("missing", [(0, "watch-5"), (3, "watch-0")])
def test_a_night_that_one_seed_lacks_makes_nobody_another_person(missing: tuple[int, str]) -> None:
    whole, lacking, others = told(own_nights()), told(own_nights(missing)), told(own_nights(missing), recorded=False)

    for (persons, wide), (still, as_wide), (none, narrow) in zip(whole, lacking, others, strict=True):
        assert (persons, still, none) == (6, 6, None)
        assert as_wide > 0.9 * wide
        assert narrow < 0.8 * wide
    assert len(whole) == 2


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


def persons(seeds: int, differ: float) -> Estimate:
    """A mean of .1 over eight persons who differ by so much; each seed shifts all of them by .1, up or down."""
    each = 0.1 + differ * np.linspace(-1, 1, 8)
    parts: list[FloatArray] = [np.stack([each + 0.1 * (-1) ** seed, np.ones(8)], axis=1) for seed in range(seeds)]
    found = estimate(sums_of(parts, [list("abcdefgh")] * seeds), ratio)
    assert found is not None
    return found


def test_what_the_same_persons_leave_open_is_decided_by_no_number_of_seeds() -> None:
    few, many = (persons(seeds, differ=0.5) for seeds in (10, 1_000))

    for found in (few, many):
        assert found.wants_persons(0.0)
        assert found.further_seeds(0.0) is None
        assert found.turned().above(0.2).wants_persons(-0.2)


def test_what_seeds_leave_open_is_decided_by_seeds_though_persons_are_the_same() -> None:
    found = persons(10, differ=0.02)
    assert found.low is not None
    assert not found.wants_persons(0.05)
    more = found.further_seeds(0.05)
    assert more is not None
    assert found.low < 0.05

    then = persons(10 + more + more % 2, differ=0.02)

    assert then.low is not None
    assert then.low > 0.05


def test_persons_who_are_all_alike_are_not_asked_for_more_of_them() -> None:
    found = persons(10, differ=0.0)

    assert not found.wants_persons(found.value)
    assert found.further_seeds(found.value) is None
    assert found.further_seeds(0.05) is not None


def test_one_person_has_no_interval_however_many_the_seeds() -> None:
    parts = [np.array([[0.1 * seed, 1.0]]) for seed in range(10)]

    found = estimate(sums_of(parts, [["a"]] * 10), ratio)

    assert found is not None
    assert found == Estimate(found.value, None, None, 10, persons=1)


def test_three_persons_are_as_few_as_three_seeds() -> None:
    answers = np.array([[0.0, 1.0], [0.1, 1.0], [0.2, 1.0]])

    three, alone = (estimate(sums_of([answers] * 10, same), ratio) for same in ([["a", "b", "c"]] * 10, None))

    assert three is not None
    assert alone is not None
    assert three.high is not None
    assert three.persons_alone == pytest.approx((three.low, three.high))  # seeds that are all alike add nothing
    assert alone.persons_alone is None
    assert three.high - three.value == pytest.approx(0.1 * stretched(3))


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
