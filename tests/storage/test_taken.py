import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.storage.taken import MAX_RUNS, Taken


@given(st.lists(st.integers(0, 40)))
def test_every_number_is_taken_once_in_whatever_order_they_come(numbers: list[int]) -> None:
    taken, seen = Taken(), set[int]()

    for number in numbers:
        assert taken.add(number, 10) == (number not in seen)
        seen.add(number)

    assert {number for first, last in taken.runs for number in range(first, last + 1)} == seen
    assert all(first[1] + 1 < second[0] for first, second in zip(taken.runs, taken.runs[1:], strict=False))
    assert taken.readings == 10 * len(seen)


def test_numbers_in_order_are_one_run() -> None:
    taken = Taken()

    for number in range(1, 5_000):
        taken.add(number, 1)

    assert taken.runs == [(1, 4_999)]


def test_who_skips_numbers_on_purpose_closes_the_oldest_gap() -> None:
    taken = Taken()

    for number in range(0, 4 * MAX_RUNS, 2):
        taken.add(number, 1)

    assert len(taken.runs) == MAX_RUNS
    assert not taken.add(1, 1)
    assert taken.add(4 * MAX_RUNS - 3, 1)


@pytest.mark.parametrize("seq", [0, 2**63 - 1])
def test_the_first_and_the_last_number_there_is(seq: int) -> None:
    taken = Taken()

    assert taken.add(seq, 1)
    assert not taken.add(seq, 1)
