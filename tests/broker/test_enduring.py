"""The wire that endures: its broker is killed, frozen, silent or slow, and its links go on."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from broker import exchange, mqtt, topics
from broker.address import Address, read_address
from broker.errors import BrokerLost, BrokerRefused
from broker.link import Message
from broker.mosquitto import PrivateMosquitto
from broker.mqtt import MqttLink, MqttWire
from tests.broker.ground import ACCESS, FLEET
from tests.broker.mortal import Mortal, free_port, silent_door
from tests.broker.patience import until

NAMES = [f"band-{number}" for number in range(20)]


def topic_of(name: str) -> str:
    return topics.biometrics(FLEET, name)


@pytest.fixture(autouse=True)
def trust_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "TRUSTS_AFTER_S", 0.0)


@asynccontextmanager
async def enduring(address: Address, patience_s: float = 5.0) -> AsyncIterator[MqttWire]:
    wire = MqttWire(address, patience_s=patience_s, endures=True)
    yield wire
    await wire.close()


async def begun(wire: MqttWire, name: str) -> MqttLink:
    link = wire.link(name, keepalive_s=60.0)
    await link.connect(Message(topics.state(FLEET, name), b"lost"))
    await link.subscribe(topic_of(name))
    return link


async def again(link: MqttLink) -> None:
    """Try until the broker is there, as an agent does."""
    while not link.connected:
        try:
            await link.connect()
            await link.subscribe(topic_of(link.name))
        except (BrokerRefused, BrokerLost):
            await asyncio.sleep(0.01)


@pytest.mark.needs_broker
async def test_all_links_outlive_a_broker_that_is_killed_while_they_stream(
    mortal: Mortal, caplog: pytest.LogCaptureFixture
) -> None:
    async with enduring(mortal.address) as wire:
        links = [await begun(wire, name) for name in NAMES]
        thanked: list[str] = []

        def stream(count: int, about: str) -> None:
            for number in range(count):
                for link in links:
                    message = Message(topic_of(link.name), f"{about} {number}".encode())
                    link.publish(message, partial(thanked.append, link.name))

        stream(10, "before")
        await asyncio.gather(*(link.settled() for link in links))
        mortal.kill()
        stream(10, "while it dies")
        await until(lambda: not any(link.connected for link in links))
        stream(10, "when it is gone")
        owed = wire.exchange.ledger.under_way
        began_s = time.monotonic()
        await asyncio.gather(*(link.settled() for link in links))
        waited_s = time.monotonic() - began_s
        with pytest.raises(BrokerLost, match="band-0 is not connected"):
            await links[0].subscribe("home/#")
        with pytest.raises(BrokerRefused, match="no broker answers"):
            await links[0].connect()
        for link in links:
            link.take()

        mortal.start()
        await asyncio.gather(*(again(link) for link in links))
        thanked.clear()
        stream(5, "after")
        await asyncio.gather(*(link.settled() for link in links))
        heard = [[message.payload for message in link.take()] for link in links]
        await until(lambda: len(thanked) == 100)

        assert owed == 0
        assert waited_s < 0.5
        assert heard == [[b"after %d" % number for number in range(5)]] * 20
        assert wire.exchange.failure is None
    lines = [record.message for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(lines) == 2
    assert "closed the connection" in lines[0]
    assert "is back" in lines[1]


@pytest.mark.needs_broker
async def test_a_frozen_broker_holds_nobody_up_for_long(mortal: Mortal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "SETTLES_WITHIN_S", 0.2)
    async with enduring(mortal.address, patience_s=0.3) as wire:
        band, other = await begun(wire, "band-1"), await begun(wire, "band-2")
        thanked: list[str] = []

        mortal.freeze()
        band.publish(Message(topic_of("band-1"), b"?"), partial(thanked.append, "band-1"))
        began_s = time.monotonic()
        for _ in range(10):
            await band.settled()
            await wire.settled()
        with pytest.raises(BrokerLost, match=r"did not answer band-3 within 0\.3 s"):
            await wire.link("band-3").connect()
        with pytest.raises(BrokerLost, match="did not answer band-2's subscription"):
            await other.subscribe("home/#")
        took_s = time.monotonic() - began_s
        still = band.connected, other.connected
        mortal.thaw()
        await until(lambda: bool(thanked))
        await again(other)
        await band.settled()

        assert took_s < 2.0
        assert still == (True, False)
        assert [message.payload for message in band.take()] == [b"?"]


@pytest.mark.parametrize("tls", [False, True])
async def test_a_broker_that_never_answers_holds_up_nobody_else(tls: bool) -> None:
    with silent_door() as address:
        if tls:
            address = read_address(f"mqtts://127.0.0.1:{address.port}")
        async with enduring(address, patience_s=0.5) as wire:
            began_s = time.monotonic()
            failures = await asyncio.gather(*(wire.link(name).connect() for name in NAMES), return_exceptions=True)
            took_s = time.monotonic() - began_s

    assert {type(failure) for failure in failures} == {BrokerLost}
    assert "did not answer band-" in str(failures[0])
    assert took_s < 1.5


async def test_where_nobody_listens_is_told_each_time() -> None:
    async with enduring(Address("127.0.0.1", free_port())) as wire:
        link = wire.link("band-1")
        for _ in range(3):
            with pytest.raises(BrokerRefused, match="no broker answers: Connection refused"):
                await link.connect()
        with pytest.raises(BrokerLost, match="band-1 is not connected"):
            link.publish(Message(topic_of("band-1"), b"?"))
        link.sever()
        await link.close()
        await link.settled()


@pytest.mark.needs_broker
async def test_ends_raise_nothing_whatever_became_of_the_broker(mortal: Mortal) -> None:
    async with enduring(mortal.address) as wire:
        severed, closed, silent = [await begun(wire, name) for name in NAMES[:3]]
        mortal.kill()
        await until(lambda: not (severed.connected or closed.connected or silent.connected))

        severed.sever()
        await closed.close()
        silent.fall_silent()
        await severed.settled()
    severed.sever()
    await severed.close()
    await severed.settled()

    assert not severed.connected


@pytest.mark.needs_broker
async def test_a_broker_too_slow_for_us_is_left_without_waiting(
    mortal: Mortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt, "MAX_UNDER_WAY", 100)
    async with enduring(mortal.address) as wire:
        band = await begun(wire, "band-1")
        mortal.freeze()

        began_s = time.monotonic()
        for number in range(200):
            band.publish(Message(topic_of("band-1"), b"%d" % number))
        took_s = time.monotonic() - began_s
        await until(lambda: not band.connected)
        mortal.thaw()
        await again(band)

        assert took_s < 1.0
        assert wire.exchange.ledger.under_way == 0


@pytest.mark.needs_broker
async def test_a_process_that_dies_hears_again_what_it_had_not_kept(mortal: Mortal) -> None:
    async with enduring(mortal.address) as others:
        watch = others.link("watch-1")
        await watch.connect()
        dying = MqttWire(mortal.address, endures=True)
        phone = dying.link("phone-1")
        await phone.connect()
        await phone.subscribe(topic_of("watch-1"))

        async def hear(about: bytes) -> list[bytes]:
            watch.publish(Message(topic_of("watch-1"), about))
            await until(lambda: bool(phone._station.inbox))
            return [message.payload for message in phone.take()]

        heard = await hear(b"kept") + await hear(b"taken when it died")
        phone.publish(Message(topics.state(FLEET, "phone-1"), b"ready"))
        await phone.settled()  # the acknowledgement of the first went before
        dying._crossing.stop()  # as a process that is killed: not another word, and its sockets close
        assert phone._station.connection is not None
        phone._station.connection._client._sock.close()  # type: ignore[union-attr]  # only we know that it is open
        watch.publish(Message(topic_of("watch-1"), b"while it was away"))
        await watch.settled()

        async with enduring(mortal.address) as reborn:
            phone = reborn.link("phone-1")
            remembered = await phone.connect()
            await until(lambda: len(phone._station.inbox) == 2)
            again_heard = [message.payload for message in phone.take()]
            await phone.close()
            await phone.connect()
            await phone.settled()
            nothing = phone.take()

    assert heard == [b"kept", b"taken when it died"]
    assert remembered
    assert again_heard == [b"taken when it died", b"while it was away"]
    assert nothing == []


@pytest.mark.needs_broker
async def test_what_was_taken_before_an_end_does_not_come_again(mortal: Mortal) -> None:
    async with enduring(mortal.address) as wire:
        phone, watch = wire.link("phone-1"), wire.link("watch-1")
        await watch.connect()
        await phone.connect()
        await phone.subscribe(topic_of("watch-1"))
        heard: list[bytes] = []

        for number, end in enumerate[Callable[[], None]]((phone.sever, phone.sever)):
            watch.publish(Message(topic_of("watch-1"), b"%d" % number))
            await watch.settled()
            await phone.settled()
            heard += [message.payload for message in phone.take()]
            end()
            await phone.connect()
        await phone.settled()

        assert heard + [message.payload for message in phone.take()] == [b"0", b"1"]


@pytest.mark.needs_broker
async def test_a_broker_that_dies_soon_after_its_word_is_not_believed(
    mortal: Mortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "TRUSTS_AFTER_S", 0.3)
    thanked: list[str] = []
    async with enduring(mortal.address) as wire:
        band, watch = await begun(wire, "band-1"), await begun(wire, "watch-1")

        async def send(link: MqttLink, about: str) -> None:
            link.publish(Message(topic_of(link.name), about.encode()), partial(thanked.append, about))
            await link.settled()

        await send(band, "long before")
        await until(lambda: thanked == ["long before"])
        await send(watch, "before an end in order")
        await watch.close()
        await asyncio.sleep(0)
        in_order = list(thanked)
        await send(band, "shortly before")
        mortal.kill()
        await until(lambda: not band.connected)
        mortal.start()
        await again(band)
        await send(band, "after")
        await until(lambda: "after" in thanked)

    assert in_order == ["long before", "before an end in order"]
    assert thanked == [*in_order, "after"]


@pytest.mark.needs_broker
@pytest.mark.parametrize("anew", [False, True])
async def test_what_the_broker_kept_for_an_earlier_process_comes_unless_all_begins_anew(
    anew: bool, tmp_path: Path
) -> None:
    with Mortal(tmp_path, persistent=True) as mortal:
        async with enduring(mortal.address) as earlier:
            await (await begun(earlier, "band-1")).close()
            sender = await begun(earlier, "band-2")
            sender.publish(Message(topic_of("band-1"), b"while it was away"))
            await sender.settled()

        later = MqttWire(mortal.address, patience_s=5.0, endures=True, anew=anew)
        band = await begun(later, "band-1")
        band.publish(Message(topic_of("band-1"), b"now"))
        await until(lambda: len(band._station.inbox) == (1 if anew else 2))
        payloads = [message.payload for message in band.take()]
        await later.close()

    assert payloads == ([b"now"] if anew else [b"while it was away", b"now"])


@pytest.mark.needs_broker
async def test_wrong_passwords_are_refused_and_local_sockets_do() -> None:
    with PrivateMosquitto(ACCESS) as broker:
        wire = MqttWire(broker.address, broker.credentials, endures=True)
        await wire.link("band-1").connect()
        with pytest.raises(BrokerRefused, match="refuses burglar"):
            await wire.link("burglar").connect()
        await wire.close()


def test_a_folder_is_no_broker(tmp_path: Path) -> None:
    async def connect() -> None:
        async with enduring(Address(socket=tmp_path)) as wire:
            await wire.link("band-1").connect()

    with pytest.raises(BrokerRefused, match="no broker answers"):
        asyncio.run(connect())


@pytest.mark.needs_broker
async def test_what_was_written_off_is_read_in_its_order_all_the_same(
    mortal: Mortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "SETTLES_WITHIN_S", 0.1)
    async with enduring(mortal.address) as wire:
        band = await begun(wire, "band-1")
        mortal.freeze()
        band.publish(Message(topic_of("band-1"), b"0"))
        await band.settled()
        for number in range(1, 5):
            band.publish(Message(topic_of("band-1"), b"%d" % number))
        mortal.thaw()
        await until(lambda: len(band._station.inbox) == 5)

        assert [message.payload for message in band.take()] == [b"%d" % number for number in range(5)]


@pytest.mark.needs_broker
async def test_a_session_that_began_anew_outlives_the_broker(tmp_path: Path) -> None:
    with Mortal(tmp_path, persistent=True, more="autosave_interval 1\n") as broker:
        wire = MqttWire(broker.address, patience_s=5.0, endures=True, anew=True)
        phone = await begun(wire, "phone-1")
        await asyncio.sleep(2.5)  # it is written down
        broker.kill()
        await until(lambda: not phone.connected)
        broker.start()

        remembered = await phone.connect()
        await wire.close()

    assert remembered
