from itertools import pairwise

import pytest

from devices.fleet_api.budget import Budget


def test_three_hundred_nodes_that_want_to_poll_at_once_take_turns() -> None:
    budget = Budget(polls_per_s=40.0)

    turns_s = [budget.turn_s(100.0) for _ in range(300)]

    assert turns_s[0] == 100.0
    assert turns_s[-1] == pytest.approx(100.0 + 299 / 40)
    assert all(later - sooner > 0.0249 for sooner, later in pairwise(turns_s))


def test_what_was_not_used_is_not_saved_up() -> None:
    budget = Budget(polls_per_s=40.0)
    budget.turn_s(0.0)

    assert [budget.turn_s(1_000.0) for _ in range(3)] == [1_000.0, 1_000.025, 1_000.05]
