"""Work takes its time, more of it while the wearer uses the device."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.hardware.processor import Processor

PHONE = Processor(gflops=2.0, in_use_speed=0.5)


def test_the_same_work_takes_twice_as_long_while_the_phone_is_in_use() -> None:
    assert PHONE.seconds(1_200, in_use=False) == 600
    assert PHONE.seconds(1_200, in_use=True) == 1_200


@settings(deadline=None)
@given(gflop=st.floats(0, 1e6), share=st.floats(0, 1), first_in_use=st.booleans())
def test_work_done_in_two_parts_is_the_whole_work(gflop: float, share: float, first_in_use: bool) -> None:
    first_s = PHONE.seconds(gflop, in_use=first_in_use) * share
    left = gflop - PHONE.gflop(first_s, in_use=first_in_use)

    assert left == pytest.approx(gflop * (1 - share), abs=1e-6 * max(gflop, 1))


def test_in_an_ideal_world_work_takes_no_time() -> None:
    ideal = Processor(gflops=math.inf, in_use_speed=0.5)

    assert ideal.seconds(1e9, in_use=True) == 0
    assert ideal.gflop(0.0, in_use=True) == 0
