"""The twin and a real broker tell the same story, whatever the devices do, in virtual time."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker import topics
from broker.entrance import MQTT_3, MQTT_5, Version
from broker.link import Message, Wire
from broker.memory import MemoryBroker, MemoryWire
from broker.mosquitto import PrivateMosquitto
from broker.mqtt import MqttWire
from fleetbeat.clock import run_virtual
from tests.broker.ground import ACCESS, FLEET

NAMES = ("phone-1", "band-1", "watch-1", "server")
DEEDS = st.tuples(
    st.sampled_from(NAMES),
    st.sampled_from(
        ["speak", "speak", "speak", "store", "sever", "close", "silent", "connect", "connect", "read", "wait"]
    ),
)


async def story(wire: Wire, deeds: Sequence[tuple[str, str]]) -> list[tuple[float, str, list[Message]]]:
    """Do *deeds* one after the other; return who read what when."""
    loop = asyncio.get_running_loop()
    read: list[tuple[float, str, list[Message]]] = []
    links = {name: wire.link(name, keepalive_s=10.0) for name in NAMES}
    wills = {name: Message(topics.state(FLEET, name), b"lost", retain=True) for name in NAMES if name != "server"}
    for name, link in links.items():
        await link.connect(wills.get(name))
    await links["phone-1"].subscribe(topics.biometrics(FLEET, "phone-1"))
    await links["phone-1"].subscribe(topics.biometrics(FLEET, "band-1"))
    await links["watch-1"].subscribe(topics.biometrics(FLEET, "watch-1"))
    await links["server"].subscribe(topics.everyones(FLEET, topics.STATE))
    for number, (name, deed) in enumerate(deeds):
        link = links[name]
        if deed == "wait":
            await asyncio.sleep(7.0)
        elif deed == "connect":
            await link.connect(wills.get(name))
        elif deed == "read":
            await link.settled()
            read.append((loop.time(), name, link.take()))
        elif deed == "sever":
            link.sever()
        elif deed == "close":
            await link.close()
        elif link.connected and deed == "silent":
            link.fall_silent()
        elif link.connected and name != "server":
            topic = topics.state(FLEET, name) if deed == "store" else topics.biometrics(FLEET, name)
            link.publish(Message(topic, b"%d" % number, retain=deed == "store"))
    for name, link in links.items():
        await link.settled()
        read.append((loop.time(), name, link.take()))
    for name, link in links.items():
        await link.connect()
        await link.settled()
        read.append((loop.time(), name, link.take()))
    await wire.close()
    return read


def same_story(deeds: Sequence[tuple[str, str]], version: Version) -> None:
    twins = run_virtual(story(MemoryWire(MemoryBroker(ACCESS)), deeds))

    with PrivateMosquitto(ACCESS) as broker:
        wire = MqttWire(broker.address, broker.credentials, patience_s=5.0)
        wire.exchange.version = version
        real = run_virtual(story(wire, deeds))

    assert real == twins


LIVES = st.lists(DEEDS, max_size=40)
VERSIONS = st.sampled_from([MQTT_5, MQTT_3])


@pytest.mark.needs_broker
@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(LIVES, VERSIONS)
def test_the_twin_and_mosquitto_tell_the_same_story(deeds: list[tuple[str, str]], version: Version) -> None:
    same_story(deeds, version)


@pytest.mark.needs_broker
@pytest.mark.slow
@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(LIVES, VERSIONS)
def test_the_twin_and_mosquitto_tell_the_same_long_story(deeds: list[tuple[str, str]], version: Version) -> None:
    same_story(deeds, version)


async def test_at_the_limit_the_newest_message_is_dropped_and_counted() -> None:
    wire = MemoryWire(MemoryBroker(queue_limit=2))
    band, phone = wire.link("band-1"), wire.link("phone-1")
    await band.connect()
    await phone.connect()
    await phone.subscribe("readings")
    phone.sever()

    for number in range(5):
        band.publish(Message("readings", b"%d" % number))
    await phone.connect()

    assert [message.payload for message in phone.take()] == [b"0", b"1"]
    assert wire.dropped == 3
