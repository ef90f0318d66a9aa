"""How long bytes take, and what they cost."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from devices.hardware.radio import Far, Near

WIFI = Far(down_mbit_s=40.0, up_mbit_s=20.0, power_mw=1_000.0, wake_mj=30.0, latency_s=0.01)
BLUETOOTH = Near(kbit_s=400.0, energy_uj_per_byte=1.0, wake_mj=0.1)


def test_twenty_megabytes_take_four_seconds_down_and_eight_up() -> None:
    assert WIFI.transfer_s(20e6, down=True) == pytest.approx(4.01)
    assert WIFI.transfer_s(20e6, down=False) == pytest.approx(8.01)


def test_a_transfer_costs_a_wake_up_and_its_time() -> None:
    assert WIFI.wake_j == pytest.approx(0.03)
    assert WIFI.energy_j(20e6, down=True) == pytest.approx(0.03 + 4.01)


def test_a_batch_of_four_thousand_bytes_takes_eighty_milliseconds_and_four_millijoules() -> None:
    assert BLUETOOTH.transfer_s(4_000) == pytest.approx(0.08)
    assert BLUETOOTH.energy_j(4_000) == pytest.approx(0.0041)


@settings(deadline=None)
@given(size=st.integers(0, 10**9), share=st.floats(0, 1))
def test_a_part_of_a_batch_takes_its_part_of_the_time(size: int, share: float) -> None:
    assert BLUETOOTH.transfer_s(size * share) == pytest.approx(BLUETOOTH.transfer_s(size) * share)
    assert BLUETOOTH.energy_j(size * share) <= BLUETOOTH.energy_j(size)


@pytest.mark.parametrize("figure", ["down_mbit_s", "up_mbit_s"])
@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan"), float("inf"), "fast"])
def test_a_radio_that_cannot_be_is_refused(figure: str, bad: object) -> None:
    with pytest.raises(ValidationError, match=figure):
        Far.model_validate(WIFI.model_dump() | {figure: bad})
