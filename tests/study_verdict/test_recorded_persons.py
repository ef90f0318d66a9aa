"""Recorded persons, who come back under every seed: what they leave open, and what the verdict makes of it."""

from dataclasses import replace

import numpy as np
import pytest

from fleetbeat.study.bootstrap import Estimate, FloatArray, estimate, ratio, stretched, sums_of
from fleetbeat.study.cell import Cell, Judged
from fleetbeat.study.comparison import Comparison
from fleetbeat.study.verdict import conclude
from fleetbeat.study.wording import line, remark
from tests.study_verdict.ground import GOOD, WEARERS, cells, judged, lived, study


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


def test_where_recorded_persons_leave_it_open_more_persons_are_asked_for_not_more_seeds() -> None:
    # every second stranger loses by 9 points of 100 in the fleet, every other one wins 7; each seed has the same ones
    right = [63 if number % 2 else 79 for number in range(WEARERS)]
    tables = [[[each, 100 - each], [100 - each, each]] for each in right]
    made = [
        replace(cell, strangers=replace(judged(0.71), answers=tables)) if cell.arm == "fleet" else cell
        for cell in cells(GOOD)
    ]

    verdict = conclude(study(), made, recorded=True)

    gap = verdict.chief.criteria[1]
    assert (verdict.verdict, gap.state, gap.further_seeds) == ("cannot say", "undecided", None)
    assert verdict.chief.further_seeds is None
    told = "it takes more persons to tell, as every seed judges the same ones"
    assert verdict.sentence.endswith(f"(2 points behind allowed); {told}.")
    assert remark(gap) == f"the interval crosses the threshold; {told}"


@pytest.mark.parametrize("wobble", [{}, {"fleet": 0.035}], ids=["seeds agree", "seeds differ"])
def test_one_recorded_person_decides_nothing_and_asks_for_no_seeds(wobble: dict[str, float]) -> None:
    made = [
        cell
        if cell.strangers is None
        else replace(cell, strangers=judged(cell.strangers.answers[0][0][0] / 5, ["one"]))
        for cell in cells(GOOD, wobble=wobble)
    ]

    verdict = conclude(study(), made, recorded=True)

    gate, gap, *_ = verdict.chief.criteria
    assert (verdict.verdict, gate.state, gap.state) == ("cannot say", "undecided", "undecided")
    assert (verdict.chief.further_seeds, gap.further_seeds) == (None, None)
    assert verdict.sentence.endswith(": one person is an anecdote, and more seeds bring no other.")
    assert line(gap).between == "no interval"


def test_recorded_persons_who_are_all_alike_leave_it_to_the_seeds() -> None:
    made = list(cells(GOOD, wobble={"fleet": 0.035}))

    on_it, beside_it = (
        conclude(study(thresholds={"gap_to_central": allowed}), made, recorded=True).chief.criteria[1]
        for allowed in (0.01, 0.02)
    )

    assert remark(on_it).endswith("the figure lies on the threshold: more seeds may never tell")
    assert remark(beside_it).endswith("more seeds would tell")
