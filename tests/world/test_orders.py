"""Orders: what is typed while a fleet lives."""

import asyncio
import io

import pytest

from broker.errors import UsageError
from fleetbeat.orders import listen, understood

DEVICES = ("phone-1", "smartwatch-1")


def test_a_device_and_a_word_are_understood() -> None:
    assert understood("  phone-1   unplug\n", DEVICES) == ("phone-1", "unplug")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("phone-1", "expected a device and a word, such as: phone-1 unplug"),
        ("phone-1 unplug now", "expected a device and a word"),
        ("phon-1 unplug", 'no device is called phon-1; did you mean "phone-1"'),
        ("phone-1 unplugg", 'did you mean "unplug"'),
        ("phone-1 explode", "expected one of unplug, plug"),
    ],
)
def test_nonsense_is_answered_with_what_was_expected(line: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        understood(line, DEVICES)


async def test_typed_lines_become_orders_and_nonsense_a_word_to_who_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("\nphone-1 unplug\nwatch unplug\nsmartwatch-1 take_off\n"))
    orders: list[tuple[str, str]] = []
    said: list[str] = []
    both = asyncio.Event()

    def order(device: str, do: str) -> None:
        orders.append((device, do))
        if len(orders) == 2:
            both.set()

    listen(asyncio.get_running_loop(), DEVICES, order, said.append)
    await asyncio.wait_for(both.wait(), timeout=10)

    assert orders == [("phone-1", "unplug"), ("smartwatch-1", "take_off")]
    assert said == ["no device is called watch"]
