"""The wire over real MQTT where it differs from its twin: time, threads, TLS, old brokers, and brokers that die."""

import asyncio
import os
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from broker import mqtt, topics
from broker.address import Address, read_address
from broker.credentials import Credentials
from broker.entrance import MQTT_3, MQTT_5
from broker.errors import BrokerLost, BrokerRefused, HeldTooLong
from broker.link import Message
from broker.mosquitto import PrivateMosquitto, find_mosquitto
from broker.mqtt import MqttWire
from tests.broker.ground import ACCESS, FLEET
from tests.broker.patience import until

BAND = topics.biometrics(FLEET, "band-1")


@pytest.fixture
def broker() -> Iterator[PrivateMosquitto]:
    with PrivateMosquitto(ACCESS) as running:
        yield running


@pytest.fixture
async def wire(broker: PrivateMosquitto) -> AsyncIterator[MqttWire]:
    made = MqttWire(broker.address, broker.credentials, patience_s=5.0)
    yield made
    await made.close()


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port: int = door.getsockname()[1]
        return port


@pytest.mark.needs_broker
@pytest.mark.virtual_time
async def test_time_stands_still_while_messages_are_under_way(wire: MqttWire) -> None:
    loop = asyncio.get_running_loop()
    band, phone = wire.link("band-1"), wire.link("phone-1")
    await band.connect()
    await phone.connect()
    await phone.subscribe(BAND)
    arrived = []

    for day in range(3):
        await asyncio.sleep(86_400.0)
        band.publish(Message(BAND, b"day %d" % day))
        await phone.settled()
        arrived += [(loop.time(), message.payload) for message in phone.take()]

    assert arrived == [(86_400.0, b"day 0"), (172_800.0, b"day 1"), (259_200.0, b"day 2")]


@pytest.mark.needs_broker
async def test_more_than_may_be_under_way_waits_and_all_arrives(
    wire: MqttWire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt, "MAX_UNDER_WAY", 10)
    band, phone = wire.link("band-1"), wire.link("phone-1")
    await band.connect()
    await phone.connect()
    await phone.subscribe(BAND)

    under_way = []
    for number in range(200):
        band.publish(Message(BAND, b"%d" % number))
        under_way.append(wire.exchange.ledger.under_way)
    await phone.settled()

    assert [message.payload for message in phone.take()] == [b"%d" % number for number in range(200)]
    assert max(under_way) <= 21  # each message is owed by the broker and to the phone


@pytest.mark.needs_broker
async def test_a_message_that_never_arrives_is_named(broker: PrivateMosquitto) -> None:
    wire = MqttWire(broker.address, broker.credentials, patience_s=0.2)
    band, watch = wire.link("band-1"), wire.link("watch-1")
    await band.connect()
    await watch.connect()
    await watch.subscribe(BAND)  # granted by Mosquitto, but the rules keep the readings from it

    band.publish(Message(BAND, b"not for the watch"))

    with pytest.raises(HeldTooLong, match=rf"1 never reached watch-1, on {BAND}"):
        await watch.settled()
    await wire.close()


@pytest.mark.needs_broker
async def test_a_broker_that_stopped_moving_is_told_from_a_slow_one(broker: PrivateMosquitto) -> None:
    wire = MqttWire(broker.address, broker.credentials, patience_s=0.2)
    band = wire.link("band-1")
    await band.connect()

    os.kill(broker.pid, signal.SIGSTOP)
    band.publish(Message(BAND, b"?"))

    with pytest.raises(HeldTooLong, match="1 of band-1's messages are not acknowledged"):
        await band.settled()
    with pytest.raises(BrokerLost, match=r"did not answer phone-1 within 0\.2 s"):
        await wire.link("phone-1").connect()
    os.kill(broker.pid, signal.SIGCONT)
    await wire.close()


@pytest.mark.needs_broker
async def test_a_broker_that_dies_is_missed_at_the_next_word(wire: MqttWire, broker: PrivateMosquitto) -> None:
    band, phone = wire.link("band-1"), wire.link("phone-1")
    await band.connect()
    await phone.connect()
    await phone.subscribe(BAND)

    broker.stop()
    await until(lambda: not band.connected and not phone.connected)

    with pytest.raises(BrokerLost, match=r"band-1 is not connected: .* closed the connection"):
        band.publish(Message(BAND, b"?"))
    with pytest.raises(BrokerLost, match="phone-1 is not connected"):
        await phone.settled()
    with pytest.raises(BrokerLost, match="is not connected"):
        await wire.settled()
    with pytest.raises(BrokerRefused, match="no broker answers"):
        await band.connect()


async def test_where_nobody_listens_is_told() -> None:
    wire = MqttWire(Address("127.0.0.1", free_port()))

    with pytest.raises(BrokerRefused, match=r"mqtt://127\.0\.0\.1:\d+: no broker answers: Connection refused"):
        await wire.link("band-1").connect()
    await wire.close()


async def test_who_does_not_speak_mqtt_is_told() -> None:
    async def web_server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(web_server, "127.0.0.1", 0) as server:
        wire = MqttWire(Address("127.0.0.1", server.sockets[0].getsockname()[1]), patience_s=5.0)
        with pytest.raises(BrokerRefused, match="hangs up on band-1"):
            await wire.link("band-1").connect()
        await wire.close()


async def test_a_broker_of_the_old_school_is_spoken_to_in_its_language() -> None:
    heard: list[int] = []

    async def old_broker(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Speaks just enough of MQTT 3.1.1 to answer CONNECT and UNSUBSCRIBE."""
        while header := await reader.read(1):
            packet = await reader.readexactly((await reader.readexactly(1))[0])
            if header[0] == 0x10:
                level = packet[6]
                heard.append(level)
                writer.write(bytes((0x20, 2, 0, 0 if level == 4 else 1)))
            if header[0] == 0xA2:
                writer.write(bytes((0xB0, 2, *packet[:2])))
            if header[0] == 0xE0:
                break
        writer.close()

    async with await asyncio.start_server(old_broker, "127.0.0.1", 0) as server:
        wire = MqttWire(Address("127.0.0.1", server.sockets[0].getsockname()[1]), patience_s=5.0)
        present = await wire.link("band-1").connect()
        assert wire.exchange.version == MQTT_3
        await wire.close()

    assert not present
    assert heard == [5, 4, 4]  # once to be understood, once to clear up, once to stay


async def test_a_broker_that_talks_nonsense_is_left() -> None:
    async def mad_broker(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(bytes((0x20, 3, 0, 0, 0)))  # welcome
        writer.write(bytes((0x30, 5, 0, 2, 0xFF, 0xFF, 0)))  # a topic that is no text
        await reader.read()
        writer.close()

    async with await asyncio.start_server(mad_broker, "127.0.0.1", 0) as server:
        wire = MqttWire(Address("127.0.0.1", server.sockets[0].getsockname()[1]), patience_s=5.0)
        band = wire.link("band-1")

        async def talk() -> None:
            await band.connect()
            await until(lambda: not band.connected)
            await band.settled()

        with pytest.raises(BrokerLost, match="sent what makes no sense"):
            await talk()
        await wire.close()


@pytest.mark.needs_broker
async def test_mosquitto_speaks_the_new_language(wire: MqttWire) -> None:
    await wire.link("band-1").connect()

    assert wire.exchange.version == MQTT_5


@pytest.fixture
def secure_broker(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """An open Mosquitto with TLS: its port, and the certificate that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    today = datetime(2025, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today)
        .not_valid_after(today + timedelta(days=36_500))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "key").write_bytes(secret)
    (tmp_path / "crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    port = free_port()
    (tmp_path / "conf").write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\ncertfile {tmp_path}/crt\nkeyfile {tmp_path}/key\n"
        + ("user root\n" if os.geteuid() == 0 else "")
    )
    program = find_mosquitto()
    assert program is not None
    process = subprocess.Popen([program, "-c", str(tmp_path / "conf")], stderr=subprocess.DEVNULL)
    yield port, tmp_path / "crt"
    process.terminate()
    process.wait()


@pytest.mark.needs_broker
async def test_readings_cross_a_safe_connection(secure_broker: tuple[int, Path]) -> None:
    port, ca = secure_broker
    wire = MqttWire(read_address(f"mqtts://127.0.0.1:{port}", ca), patience_s=5.0)
    band, phone = wire.link("band-1"), wire.link("phone-1")
    async with asyncio.timeout(5):
        while not band.connected:
            try:
                await band.connect(Message("state", b"lost"))
            except BrokerRefused:  # it is still starting
                await asyncio.sleep(0.01)
    await phone.connect()
    await phone.subscribe(BAND)
    await phone.subscribe("state")

    for size in (1, 1000, 100_000):
        band.publish(Message(BAND, bytes(size)))
    band.sever()
    await phone.settled()

    assert [len(message.payload) for message in phone.take()] == [1, 1000, 100_000, 4]
    await wire.close()


@pytest.mark.needs_broker
async def test_a_broker_nobody_vouches_for_is_not_trusted(secure_broker: tuple[int, Path]) -> None:
    port, _ = secure_broker
    wire = MqttWire(read_address(f"mqtts://127.0.0.1:{port}"), patience_s=5.0)
    band = wire.link("band-1")
    says = "no broker answers"
    async with asyncio.timeout(5):
        while "no broker answers" in says:  # it is still starting
            with pytest.raises(BrokerRefused) as refused:
                await band.connect()
            says = str(refused.value)
            await asyncio.sleep(0.01)

    assert "no safe connection" in says
    await wire.close()


@pytest.mark.needs_broker
async def test_one_user_for_all_devices_is_enough_where_the_broker_allows_it(broker: PrivateMosquitto) -> None:
    login = broker.credentials.of("band-1")
    assert login is not None
    wire = MqttWire(broker.address, Credentials({}, shared=login), patience_s=5.0)
    anyone = wire.link("anyone")

    await anyone.connect()
    anyone.publish(Message(BAND, b"in band-1's name"))
    await anyone.settled()

    assert wire.denied == 0
    await wire.close()
