"""A private Mosquitto with a door: other processes come in, it may die and come back, and nobody stops the others."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiomqtt
import pytest

from broker import topics
from broker.certificates import new_authority
from broker.mosquitto import Door, PrivateMosquitto
from broker.mosquitto import configuration as conf
from broker.ports import PortTaken
from tests.broker.ground import ACCESS, FLEET
from tests.broker.patience import until

pytestmark = pytest.mark.needs_broker

BAND = topics.biometrics(FLEET, "band-1")
WATCH = topics.biometrics(FLEET, "watch-1")
STATE = topics.state(FLEET, "band-1")


@pytest.fixture
def broker() -> Iterator[PrivateMosquitto]:
    with PrivateMosquitto(ACCESS, Door()) as running:
        yield running


@asynccontextmanager
async def visitor(broker: PrivateMosquitto, user: str, name: str | None = None) -> AsyncIterator[aiomqtt.Client]:
    """A foreign client with the right password, which the broker remembers when it has gone."""
    login = broker.credentials.of(user)
    assert login is not None
    async with aiomqtt.Client(
        broker.address.host,
        broker.address.port,
        username=login[0],
        password=login[1],
        identifier=name or user,
        protocol=aiomqtt.ProtocolVersion.V311,
        clean_session=False,
        tls_context=broker.address.tls,
        timeout=2.0,
    ) as client:
        yield client


async def hear(client: aiomqtt.Client, count: int) -> list[bytes]:
    heard: list[bytes] = []
    async with asyncio.timeout(10):
        while len(heard) < count:
            payload = (await anext(client.messages)).payload
            assert isinstance(payload, bytes)
            heard.append(payload)
    return heard


@pytest.mark.parametrize("tls", [True, False], ids=["mqtts", "mqtt"])
async def test_another_process_comes_in_by_the_door(tls: bool) -> None:
    with PrivateMosquitto(ACCESS, Door(authority=new_authority("home", 2) if tls else None)) as broker:
        async with visitor(broker, "band-1") as band:
            await band.subscribe(BAND, qos=1)
            await band.publish(BAND, b"61", qos=1)
            assert await hear(band, 1) == [b"61"]

        assert str(broker.address) == f"{'mqtts' if tls else 'mqtt'}://127.0.0.1:{broker.address.port}"
        assert broker.ca_file == (broker.folder / "ca.crt" if tls else None)
        assert [file.name for file in broker.folder.iterdir() if b"PRIVATE KEY" in read(file)] == ["server.key"] * tls
        for secret in {"server.key", "passwords", "acl"} & {file.name for file in broker.folder.iterdir()}:
            assert (broker.folder / secret).stat().st_mode & 0o777 == 0o600

    assert not broker.folder.exists()


def read(file: Path) -> bytes:
    return file.read_bytes() if file.is_file() else b""


async def test_each_process_gets_the_passwords_of_its_users_and_no_others(broker: PrivateMosquitto) -> None:
    lines = broker.credentials_file(["server", "stranger"])

    assert lines == "server:{}\n".format((broker.credentials.of("server") or ("", ""))[1])


async def test_what_it_was_told_outlives_its_death(broker: PrivateMosquitto) -> None:
    async with visitor(broker, "phone-1") as phone:
        await phone.subscribe(BAND, qos=1)
    async with visitor(broker, "band-1") as band:
        await band.publish(STATE, b"ready", qos=1, retain=True)
        for number in range(20):
            await band.publish(BAND, b"batch %d" % number, qos=1)
        await until(lambda: b"batch 19" in read(broker.folder / conf.STORE / "mosquitto.db"))
    address, pid = broker.address, broker.pid

    broker.kill()
    assert not broker.is_running
    broker.start_again()

    assert (broker.is_running, broker.address, broker.pid != pid) == (True, address, True)
    async with visitor(broker, "phone-1") as phone, visitor(broker, "server") as server:
        assert await hear(phone, 20) == [b"batch %d" % number for number in range(20)]
        await server.subscribe(STATE, qos=1)
        assert await hear(server, 1) == [b"ready"]


async def test_one_that_died_by_itself_can_be_started_again(broker: PrivateMosquitto) -> None:
    os.kill(broker.pid, signal.SIGKILL)
    await until(lambda: not broker.is_running)

    broker.start_again()

    async with visitor(broker, "band-1") as band:
        await band.publish(BAND, b"61", qos=1)


async def test_a_port_that_is_taken_is_named() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(PortTaken, match=rf"port {port} of 127\.0\.0\.1 is taken: .* choose another port"):
            PrivateMosquitto(ACCESS, Door(port))


async def test_a_port_that_is_free_can_be_asked_for(unused_tcp_port: int) -> None:
    with PrivateMosquitto(ACCESS, Door(unused_tcp_port)) as broker:
        assert broker.address.port == unused_tcp_port


async def test_two_find_ports_of_their_own(broker: PrivateMosquitto) -> None:
    with PrivateMosquitto(ACCESS, Door()) as other:
        assert other.address.port != broker.address.port


async def test_a_hostile_device_stops_nobody(broker: PrivateMosquitto) -> None:
    stop = asyncio.Event()

    async def shout(payload: bytes, topic: str) -> None:
        """Publish as fast as it goes, on a new connection whenever the broker has had enough."""
        while not stop.is_set():
            try:
                async with visitor(broker, "watch-1", "hostile") as hostile:
                    while not stop.is_set():
                        await hostile.publish(topic, payload, qos=1)
            except aiomqtt.MqttError:
                await asyncio.sleep(0.01)

    for payload, topic in ((b"forged", BAND), (bytes(10_000_000), WATCH), (bytes(3_000_000), WATCH)):
        async with visitor(broker, "phone-1") as phone, visitor(broker, "band-1") as band:
            await phone.subscribe(BAND, qos=1)
            noise = asyncio.create_task(shout(payload, topic), name="hostile")
            for number in range(30):
                await band.publish(BAND, b"batch %d" % number, qos=1)
                await asyncio.sleep(0.005)

            assert await hear(phone, 30) == [b"batch %d" % number for number in range(30)]
            stop.set()
            await noise
            stop.clear()


async def test_who_does_not_read_what_it_asked_for_fills_nothing_up(broker: PrivateMosquitto) -> None:
    async with visitor(broker, "watch-1", "deaf") as deaf:
        await deaf.subscribe(WATCH, qos=1)
    async with visitor(broker, "watch-1") as watch:
        for _ in range(20):
            await watch.publish(WATCH, bytes(2_000_000), qos=1)

    async with visitor(broker, "watch-1", "deaf") as deaf:
        kept = await hear(deaf, 8)

    assert len(kept) == 8  # 16 MiB of 40 MB; what came last was dropped, for this one client
