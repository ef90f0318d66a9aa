"""The words beside a figure, and those beside its interval, count the same way."""

import pytest

from fleetbeat.study.bootstrap import Estimate
from fleetbeat.study.criteria import Criterion, Name
from fleetbeat.study.wording import line, sentence

AHEAD, BEHIND = Estimate(-0.041, -0.124, 0.046, 10), Estimate(0.041, -0.046, 0.124, 10)


@pytest.mark.parametrize(
    ("name", "known", "found"),
    [
        ("gap_to_central", BEHIND, "4.1 points behind"),
        ("gap_to_central", AHEAD, "4.1 points ahead"),
        ("gain_over_local", AHEAD, "4.1 points worse"),
    ],
)
def test_what_is_ahead_has_an_interval_of_being_ahead(name: Name, known: Estimate, found: str) -> None:
    told = line(Criterion(name, known, 0.02, "undecided"))

    assert (told.found, told.between) == (found, "95 %: −4.6 to 12.4, 10 seeds")


def test_a_model_of_all_data_below_guessing_is_called_worse_in_the_sentence_too() -> None:
    below = Criterion("central_above_chance", AHEAD, 0.05, "undecided")

    said = sentence("the fleet", "cannot say", (below,), ())

    assert "is 4.1 points worse than guessing, but that may be anything from −4.6 to 12.4 (" in said
