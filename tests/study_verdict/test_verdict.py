"""The four verdicts, each as a story whose figures can be worked out by hand."""

import math
from dataclasses import replace

import pytest

from fleetbeat.study.cell import Cell
from fleetbeat.study.seedwise import gini, lost_days, to_target
from fleetbeat.study.verdict import conclude
from tests.study_verdict.ground import GOOD, OWN, cells, curve, judged, lived, study


def states(verdict: object) -> dict[str, str]:
    return {one.name: one.state for one in verdict.chief.criteria}  # type: ignore[attr-defined]  # a Verdict


def test_it_held_up_when_all_four_criteria_are_met() -> None:
    verdict = conclude(study(), cells(GOOD))

    assert verdict.verdict == "held up"
    assert set(states(verdict).values()) == {"met"}
    assert "1.0 points less often right" in verdict.sentence
    assert "5.0 points more often right than each device alone" in verdict.sentence
    assert "3.0 % (at most 3.0 %) of a smartwatch's battery day" in verdict.sentence


def test_it_did_not_hold_up_when_the_gap_is_too_wide() -> None:
    verdict = conclude(study(), cells(GOOD | {"fleet": 0.69}))

    assert verdict.verdict == "did not hold up"
    assert states(verdict)["gap_to_central"] == "missed"
    assert "3.0 points less often right than one trained on everybody's data" in verdict.sentence
    assert "2 points behind allowed" in verdict.sentence


def test_it_did_not_hold_up_when_each_device_alone_is_as_good() -> None:
    verdict = conclude(study(), cells(GOOD | {"local-only": 0.71}))

    assert verdict.verdict == "did not hold up"
    assert states(verdict)["gain_over_local"] == "missed"


def test_it_did_not_hold_up_when_one_kind_of_device_pays_too_much() -> None:
    verdict = conclude(study(), cells(GOOD, shares={"fleet": 0.08}))

    assert verdict.verdict == "did not hold up"
    assert "8.0 % of a smartwatch's battery day" in verdict.sentence
    assert "5 % allowed" in verdict.sentence


def test_there_is_nothing_to_hold_up_when_central_hardly_beats_guessing() -> None:
    verdict = conclude(study(), cells({"fleet": 0.53, "central": 0.53, "local-only": 0.52}))

    assert verdict.verdict == "nothing to hold up"
    assert "only 3.0 points of balanced accuracy better than guessing" in verdict.sentence
    assert "5 points asked for" in verdict.sentence


def test_nobody_can_say_when_the_interval_crosses_the_threshold() -> None:
    # one seed 3.5 points worse, the next 3.5 better: the mean gap is 1 point, but it might be 3
    verdict = conclude(study(), cells(GOOD, wobble={"fleet": 0.035}))

    assert verdict.verdict == "cannot say"
    assert states(verdict)["gap_to_central"] == "undecided"
    more = verdict.chief.further_seeds
    assert more is not None
    assert more > 5
    assert "more seeds would tell" in verdict.sentence


def test_as_many_seeds_more_as_were_asked_for_settle_it() -> None:
    first = conclude(study(), cells(GOOD, wobble={"fleet": 0.035}))
    assert first.chief.further_seeds is not None
    enough = range(10 + first.chief.further_seeds + first.chief.further_seeds % 2)

    then = conclude(study(), cells(GOOD, seeds=tuple(enough), wobble={"fleet": 0.035}))

    assert then.verdict == "held up"


def test_one_seed_decides_nothing() -> None:
    verdict = conclude(study(), cells(GOOD, seeds=(7,)))

    assert verdict.verdict == "cannot say"
    assert "anecdote" in verdict.sentence
    assert set(states(verdict).values()) == {"undecided"}


def test_what_misses_by_far_is_missed_whatever_else_is_undecided() -> None:
    verdict = conclude(study(), cells(GOOD, wobble={"fleet": 0.035}, shares={"fleet": 0.2}))

    assert verdict.verdict == "did not hold up"


def test_an_arm_that_crashed_with_one_seed_did_not_hold_up_with_ten() -> None:
    made = [
        Cell("fleet", 3, error="ValueError: no") if (cell.arm, cell.seed) == ("fleet", 3) else cell
        for cell in cells(GOOD)
    ]

    verdict = conclude(study(), made)

    assert verdict.verdict == "cannot say"
    assert "crashed with 1 of 10 seeds (seed 3: ValueError: no)" in verdict.sentence
    assert verdict.figures["fleet"].seeds == 9


def test_an_arm_that_always_crashed_has_no_figures_and_the_others_theirs() -> None:
    made = [*cells(GOOD), *(Cell("eager", seed, error="ValueError: no") for seed in range(1, 11))]

    verdict = conclude(study(), made)

    assert verdict.verdict == "held up"
    assert verdict.arms["eager"].verdict == "cannot say"
    assert "eager crashed with every seed (seed 1: ValueError: no)" in verdict.arms["eager"].sentence
    assert verdict.figures["eager"].balanced_accuracy is None


@pytest.mark.parametrize("missing", ["central", "local-only"])
def test_without_a_reference_nobody_can_say(missing: str) -> None:
    made = [cell for cell in cells(GOOD) if cell.arm != missing]

    verdict = conclude(study(), made)

    assert verdict.verdict == "cannot say"
    assert f"there is no arm {missing}" in verdict.sentence


def test_without_any_cell_nobody_can_say() -> None:
    verdict = conclude(study(), [])

    assert verdict.verdict == "cannot say"


def test_where_nobody_is_kept_aside_the_gap_is_on_nights_of_their_own() -> None:
    made = [replace(cell, strangers=None, curve=()) for cell in cells(GOOD)]

    verdict = conclude(study(), made)

    assert verdict.verdict == "held up"
    assert verdict.figures["fleet"].gap_yardstick == "own"
    assert any("own wearers" in remark for remark in verdict.chief.remarks)
    assert verdict.figures["fleet"].to_target is None


def test_an_arm_that_never_lived_cannot_be_said_to_leave_the_battery_its_day() -> None:
    made = [*cells(GOOD), *(Cell("personalised", seed, own=judged(0.74, OWN)) for seed in range(1, 11))]

    verdict = conclude(study(), made)

    assert verdict.arms["personalised"].verdict == "cannot say"
    assert "no account of what learning takes" in verdict.arms["personalised"].sentence


def test_the_verdict_is_about_the_arm_that_the_study_names() -> None:
    made = list(cells(GOOD | {"tenth": 0.60}))

    verdict = conclude(study(about="tenth"), made)

    assert verdict.verdict == "did not hold up"
    assert "“tenth” (a tenth of the devices a round)" in verdict.sentence
    assert verdict.arms["fleet"].verdict == "held up"


@pytest.mark.parametrize(
    ("thresholds", "ending"),
    [
        ({"gap_to_central": 0.005}, "did not hold up"),
        ({"gain_over_local": 0.06}, "did not hold up"),
        ({"battery_day_share": 0.01}, "did not hold up"),
        ({"central_above_chance": 0.9}, "nothing to hold up"),
    ],
)
def test_a_threshold_that_no_arm_can_meet_is_met_by_none(thresholds: dict[str, float], ending: str) -> None:
    verdict = conclude(study(thresholds=thresholds), cells(GOOD))

    assert {one.verdict for one in verdict.arms.values() if verdict.figures[one.arm].seeds} == {ending}


def test_what_lies_on_a_threshold_is_within_it() -> None:
    verdict = conclude(study(thresholds={"gap_to_central": 0.01, "battery_day_share": 0.03}), cells(GOOD))

    assert verdict.verdict == "held up"


def test_a_study_that_was_stopped_says_how_many_seeds_are_missing() -> None:
    verdict = conclude(study(seeds=tuple(range(1, 15))), cells(GOOD))

    assert any("4 of 14 seeds are missing" in remark for remark in verdict.chief.remarks)


def test_guessing_among_three_is_right_in_a_third() -> None:
    thirds = [[[4, 3, 3], [3, 4, 3], [3, 3, 4]]] * 5
    who = ["a", "b", "c", "d", "e"]
    answers = replace(judged(0.4, who), answers=thirds)
    made = [Cell(arm, seed, strangers=answers, own=answers) for arm in GOOD for seed in range(10)]

    verdict = conclude(study(), made)

    gate = verdict.chief.criteria[0]
    assert gate.estimate is not None
    assert gate.estimate.value == pytest.approx(0.4 - 1 / 3)
    assert gate.state == "met"


# --- figures


def test_a_seed_that_never_came_there_is_counted() -> None:
    made = list(cells(GOOD))
    slow = [replace(cell, curve=curve(0.5, 0.6)) if (cell.arm, cell.seed) == ("fleet", 4) else cell for cell in made]

    reached = conclude(study(), slow).figures["fleet"].to_target

    assert reached is not None
    assert (reached.reached, reached.seeds) == (9, 10)
    assert (reached.median_s, reached.median_rounds) == (2 * 86_400, 2)


def test_where_most_seeds_never_came_there_so_says_the_median() -> None:
    made = [
        replace(cell, curve=curve(0.5, 0.6)) if cell.arm == "fleet" and cell.seed > 4 else cell for cell in cells(GOOD)
    ]

    reached = conclude(study(), made).figures["fleet"].to_target

    assert reached is not None
    assert reached.reached == 4
    assert reached.median_s is None
    assert reached.high_s is None


def test_the_target_is_what_central_reached_less_the_gap() -> None:
    central = Cell("central", 1, strangers=judged(0.72))
    arm = Cell("fleet", 1, curve=curve(0.5, 0.69, 0.70, 0.71))

    assert to_target(arm, {"central": central}, 0.02) == (2 * 86_400, 2)
    assert to_target(arm, {"central": central}, 0.005) == (math.inf, 0)
    assert to_target(arm, {}, 0.02) is None


@pytest.mark.parametrize(
    ("counts", "expected"),
    [([3, 3, 3, 3], 0.0), ([0, 0, 0, 4], 0.75), ([1, 3], 0.25), ([0, 0], None), ([], None)],
)
def test_gini_is_what_the_textbook_says(counts: list[int], expected: float | None) -> None:
    assert gini(counts) == (None if expected is None else pytest.approx(expected))


def test_only_days_that_would_have_lasted_count_as_lost() -> None:
    with_it = Cell("fleet", 1, lived=lived(deaths={"watch-1": [1, 2, 5], "watch-2": [3]}))
    without = Cell("no-training", 1, lived=lived(deaths={"watch-1": [2], "watch-3": [0]}))

    assert lost_days(with_it, {"no-training": without}) == 3  # watch-1 on 1 and 5, watch-2 on 3
    assert lost_days(with_it, {}) is None


def test_those_who_never_delivered_are_told_from_the_others() -> None:
    own = judged(0.8, OWN)
    answers = [*own.answers[:2], *judged(0.6, OWN).answers[2:]]  # watch-3 and watch-4 never delivered
    made = [replace(cell, own=replace(own, answers=answers)) if cell.arm == "fleet" else cell for cell in cells(GOOD)]

    figures = conclude(study(), made).figures["fleet"]

    assert figures.unheard_accuracy is not None
    assert figures.heard_accuracy is not None
    assert figures.unheard_less_heard is not None
    assert figures.unheard_accuracy.value == pytest.approx(0.6)
    assert figures.heard_accuracy.value == pytest.approx(0.8)
    assert figures.unheard_less_heard.value == pytest.approx(-0.2)


def test_price_and_outcomes_are_shares_of_what_was_spent_and_asked() -> None:
    figures = conclude(study(), cells(GOOD)).figures["fleet"]

    assert figures.outcomes["delivered"].value == pytest.approx(8 / 16)
    assert sum(share.value for share in figures.outcomes.values()) == pytest.approx(1)
    assert figures.wasted_share is not None
    assert figures.wasted_share.value == pytest.approx(0.25)
    assert figures.energy_per_point_j is not None
    assert figures.energy_per_point_j.value == pytest.approx(1_000 / 21)
    assert figures.gini is not None
    assert figures.gini.value == pytest.approx(0.5)
    assert figures.worst_kind == "smartwatch"


def test_pairs_are_on_shared_seeds_and_tell_how_many() -> None:
    made = [cell for cell in cells(GOOD) if (cell.arm, cell.seed) != ("central", 5)]

    pairs = {(pair.arm, pair.reference, pair.metric): pair.difference for pair in conclude(study(), made).pairs}

    assert pairs["fleet", "central", "balanced_accuracy"].seeds == 9
    assert pairs["fleet", "central", "balanced_accuracy"].value == pytest.approx(-0.01)
    assert pairs["fleet", "local-only", "own_balanced_accuracy"].value == pytest.approx(0.05)
    assert pairs["fleet", "no-training", "learning_j"].value == 1_000
    assert not any(arm == reference for arm, reference, _ in pairs)
