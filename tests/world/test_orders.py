"""Orders: what is typed while a fleet lives, and what who typed it is told."""

import asyncio
import io
import threading
from collections.abc import Iterator
from datetime import datetime

import pytest

from broker.errors import UsageError
from devices.fleet_file import Overrides, load_fleet
from devices.ideal import equipped
from devices.residents import residents
from devices.script import Obeyed
from devices.settings import EVENTS
from fleetbeat.orders import STANDS, answer, example, invitation, listen, understood

HOUSEHOLD = residents(load_fleet("household"))


def six() -> datetime:
    return datetime(2026, 1, 5, 18)


def test_a_device_and_a_word_are_understood() -> None:
    assert understood("  phone-1   unplug\n", HOUSEHOLD) == ("phone-1", "unplug")


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
        understood(line, HOUSEHOLD)


def test_the_hint_names_a_word_that_ends_a_fit() -> None:
    only_watches = HOUSEHOLD[:1]

    assert invitation(HOUSEHOLD) == "type `phone-1 plug`, and `phone-1 unplug` while it trains"
    assert example(only_watches) == "smartwatch-1 switch_off"
    assert invitation(only_watches) == "type `smartwatch-1 switch_off` and watch"


def test_the_hint_names_no_charger_in_a_world_where_none_is_needed() -> None:
    fleet = load_fleet("household", Overrides(sets=("ideal=true",)))
    here = [equipped(fleet, device) for device in residents(fleet)]

    assert invitation(here) == "type `smartwatch-1 switch_off` and watch"
    with pytest.raises(UsageError, match="such as: smartwatch-1 switch_off"):
        understood("unplug", here)


def test_every_word_has_its_answer() -> None:
    assert tuple(STANDS) == EVENTS
    assert answer("phone-1", "unplug", changed=True) == "phone-1 is off its charger now"
    assert answer("phone-1", "unplug", changed=False) == (
        "phone-1 was off its charger already, and stays so until `phone-1 plug`"
    )
    assert answer("phone-1", "crash", changed=False) == "phone-1: nothing changes, it is off already"


async def test_typed_lines_become_orders_and_nonsense_a_word_to_who_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("\nphone-1 unplug\nwatch unplug\nsmartwatch-1 take_off\n"))
    orders: list[tuple[str, str]] = []
    said: list[str] = []
    both = asyncio.Event()

    def order(device: str, do: str, obeyed: Obeyed) -> None:
        orders.append((device, do))
        obeyed(do == "unplug")
        if len(orders) == 2:
            both.set()

    listen(HOUSEHOLD, order, six, said.append)
    await asyncio.wait_for(both.wait(), timeout=10)

    assert orders == [("phone-1", "unplug"), ("smartwatch-1", "take_off")]
    assert sorted(said) == [
        "Mon 18:00  phone-1 is off its charger now",
        "Mon 18:00  smartwatch-1 was not worn already, and stays so until `smartwatch-1 put_on`",
        "no device is called watch",
    ]


def test_a_line_that_comes_when_life_is_over_is_left_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    late: list[str] = []

    def lines() -> Iterator[str]:
        over.wait(10)
        for line in ("phone-1 plug\n", "phone-1 unplug\n"):
            late.append(line)
            yield line

    async def life() -> set[threading.Thread]:
        before = set(threading.enumerate())
        listen(HOUSEHOLD, lambda *_: None, six, late.append)
        return set(threading.enumerate()) - before

    monkeypatch.setattr("sys.stdin", lines())
    (reader,) = asyncio.run(life())
    over.set()
    reader.join(10)

    assert late == ["phone-1 plug\n"]  # and no exception in that thread, which pytest would tell
