"""What the grid tells is what the account can close: every device-round that the server opened has one end."""

from collections import Counter

import pytest
from flwr.app import Error, Message

from aggregator.accounting import Account, Glance
from broker import events as ev
from tests.aggregator.fleet import Fleet, failing

pytestmark = pytest.mark.virtual_time


def refusing(message: Message) -> Message:
    return Message(Error(6, "refused: in_use"), reply_to=message)


async def test_a_run_with_all_kinds_of_trouble_closes() -> None:
    fleet = Fleet(8)
    for name, work_s in zip(fleet.names, (60.0, 70.0, 80.0, 900.0, 5_000.0, 60.0, 60.0, 60.0), strict=True):
        fleet.devices[name].work_s = work_s
    fleet.devices["phone-6"].answering = failing
    fleet.devices["phone-7"].answering = refusing
    fleet.devices["phone-8"].comes_s = 1_500.0

    await fleet.learn(rounds=3, deadline_s=600.0)
    books = Account(lambda _device: Glance(0.5, "wifi"))
    for event in fleet.diary:
        books.record(event)
    books.close(fleet.grid.now_s())

    books.check(ended=True)
    outcomes = Counter(trail.outcome for trail in books.trails())
    assert outcomes["delivered"] > 10
    assert len(fleet.events(ev.DeviceSelected)) == sum(outcomes.values())
