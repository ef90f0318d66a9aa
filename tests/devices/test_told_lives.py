"""A line of life, told as an event and heard again."""

import pytest

from devices.circumstances import Circumstances
from devices.lifelog import Lived, lived_in, told


@pytest.mark.parametrize("why_not", [None, "not_charging"])
def test_a_line_that_is_told_is_heard_as_it_was(why_not: str | None) -> None:
    life = Circumstances(
        10.0, 20.0, charging=True, near_link=False, far_link="wifi", place="work", worn=True, in_use=True
    )
    line = Lived("phone-1", 10.0, 20.0, True, 0.25, 0.5, life, why_not)

    assert lived_in(told(line)) == line
