"""The server knows of a device what the device says of itself over the broker, and nothing else."""

import pytest

from aggregator.selection import Selection
from broker import topics
from broker.access import SERVER_USER
from broker.link import Message
from broker.memory import MemoryWire
from broker.messages import Telemetry, encode_telemetry

pytestmark = pytest.mark.virtual_time
FLEET = "test"


def telemetry(device: str, *, ready: bool) -> Message:
    said = Telemetry(0.0, 0.8, True, True, "wifi", 1, 0, ready, None if ready else "in_use", 12, 60.0)
    return Message(topics.telemetry(FLEET, device), encode_telemetry(said), retain=True)


def state(device: str, word: str) -> Message:
    return Message(topics.state(FLEET, device), word.encode(), retain=True)


async def test_ready_is_who_says_so_and_is_there() -> None:
    wire = MemoryWire()
    phone = wire.link("phone-1")
    await phone.connect(state("phone-1", "lost"))
    phone.publish(state("phone-1", "ready"))
    phone.publish(telemetry("phone-1", ready=True))
    selection = Selection(wire.link(SERVER_USER), FLEET)
    await selection.open()

    assert set(await selection.look()) == {"phone-1"}
    phone.publish(telemetry("phone-1", ready=False))
    assert set(await selection.look()) == set()
    phone.publish(telemetry("phone-1", ready=True))
    phone.sever()
    assert set(await selection.look()) == set()
    assert selection.telemetry["phone-1"].expected_train_s == 60.0
    await selection.close()


async def test_nonsense_is_counted_and_ignored() -> None:
    wire = MemoryWire()
    phone = wire.link("phone-1")
    await phone.connect()
    selection = Selection(wire.link(SERVER_USER), FLEET)
    await selection.open()

    for message in (
        state("phone-1", "ready"),
        telemetry("phone-1", ready=True),
        Message(topics.telemetry(FLEET, "phone-1"), b"{not json"),
        Message(topics.telemetry(FLEET, "phone-2"), b'{"ready": "yes"}'),
        state("phone-1", "marvellous"),
        Message(topics.state(FLEET, "phone-1"), b"\xff\xfe"),
    ):
        phone.publish(message)

    assert set(await selection.look()) == {"phone-1"}
    assert selection.malformed == 4
