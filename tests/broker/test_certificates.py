"""Certificates of our own: taken by everybody who speaks TLS, refused in words that help where they do not fit."""

import asyncio
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import grpc  # type: ignore[import-untyped]  # it publishes no types
import pytest
from cryptography import x509

from broker import topics
from broker.address import read_address
from broker.certificates import Authority, Pair, holds, new_authority, server_certificate, still_good, today
from broker.errors import BrokerRefused, UsageError
from broker.link import Message
from broker.mosquitto import Door, PrivateMosquitto
from broker.mosquitto import configuration as conf
from broker.mqtt import MqttWire
from broker.secret_files import write_secret, write_whole
from tests.broker.ground import ACCESS, FLEET

HERE = ("localhost", "127.0.0.1", "::1", "broker", "*.fleet.example")


@pytest.fixture(scope="module")
def authority() -> Authority:
    return new_authority("the fleet's own", 365)


@pytest.fixture(scope="module")
def pair(authority: Authority) -> Pair:
    return server_certificate(authority, HERE, 90)


def context(pair: Pair, folder: Path) -> ssl.SSLContext:
    write_whole(folder / "crt", pair.certificate)
    write_secret(folder / "key", pair.key)
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made.load_cert_chain(folder / "crt", folder / "key")
    return made


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "broker", "a.fleet.example"])
async def test_it_holds_for_each_of_its_hosts(authority: Authority, pair: Pair, tmp_path: Path, host: str) -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"welcome")
        writer.close()
        await writer.wait_closed()

    trusting = ssl.create_default_context(cadata=authority.certificate.decode())
    trusting.verify_flags |= ssl.VERIFY_X509_STRICT  # the default of Python 3.13
    async with await asyncio.start_server(greet, "127.0.0.1", 0, ssl=context(pair, tmp_path)) as server:
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting, server_hostname=host)
        assert await reader.read() == b"welcome"
        writer.close()
        await writer.wait_closed()


def test_grpc_takes_it_too(authority: Authority, pair: Pair) -> None:
    with ThreadPoolExecutor(1) as pool:
        server = grpc.server(pool)
        port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(pair.key, pair.certificate)]))
        server.start()
        with grpc.secure_channel(f"localhost:{port}", grpc.ssl_channel_credentials(authority.certificate)) as channel:
            grpc.channel_ready_future(channel).result(10)
        server.stop(None).wait()


def test_no_certificate_outlives_its_authority(authority: Authority) -> None:
    pair = server_certificate(authority, ["broker"], 10_000)

    found = x509.load_pem_x509_certificate(pair.certificate)

    assert found.not_valid_after_utc == authority.parsed.not_valid_after_utc
    assert holds(found, 364)
    assert not holds(found, 366)


def test_what_must_be_made_anew_is_known(authority: Authority, pair: Pair) -> None:
    another = new_authority("the fleet's own", 365)

    assert still_good(pair.certificate, authority, HERE, 30)
    assert not still_good(pair.certificate, authority, HERE, 100)
    assert not still_good(pair.certificate, authority, HERE[:2], 30)
    assert not still_good(pair.certificate, another, HERE, 30)
    assert not still_good(b"-----BEGIN CERTIFICATE-----", authority, HERE, 30)


@pytest.mark.parametrize("host", ["", "a b", "bücher.example", "a/b", "*."])
def test_what_is_no_host_gets_no_certificate(authority: Authority, host: str) -> None:
    with pytest.raises(UsageError, match="expected a name such as"):
        server_certificate(authority, [host], 1)


def test_a_certificate_is_for_somebody(authority: Authority) -> None:
    with pytest.raises(UsageError, match="one name or IP address at least"):
        server_certificate(authority, [], 1)


def test_an_authority_has_its_own_key(authority: Authority) -> None:
    for key in (new_authority("another", 1).key, b"", b"-----BEGIN PRIVATE KEY-----"):
        with pytest.raises(UsageError, match="do not belong together"):
            Authority(authority.certificate, key)


def test_keys_are_never_shown(authority: Authority, pair: Pair) -> None:
    assert "PRIVATE" not in repr(authority) + repr(pair)


# --- at a real broker


@contextmanager
def broker_with(pair: Pair, authority: Authority) -> Iterator[PrivateMosquitto]:
    """A private Mosquitto that shows another certificate than its own."""
    with PrivateMosquitto(ACCESS, Door(authority=authority)) as broker:
        broker.kill()
        write_whole(broker.folder / conf.CERTIFICATE, pair.certificate)
        write_secret(broker.folder / conf.KEY, pair.key)
        broker.start_again()
        yield broker


async def refusal(broker: PrivateMosquitto, ca: Path | None, scheme: str = "mqtts") -> str:
    address = read_address(f"{scheme}://127.0.0.1:{broker.address.port}", ca)
    wire = MqttWire(address, broker.credentials, patience_s=5.0)
    with pytest.raises(BrokerRefused) as refused:
        await wire.link("band-1").connect()
    await wire.close()
    return str(refused.value)


@pytest.mark.needs_broker
async def test_readings_cross_with_a_certificate_of_ours(authority: Authority) -> None:
    band = topics.biometrics(FLEET, "band-1")
    with PrivateMosquitto(ACCESS, Door(authority=authority)) as broker:
        wire = MqttWire(broker.address, broker.credentials, patience_s=5.0)
        sender, phone = wire.link("band-1"), wire.link("phone-1")
        await sender.connect()
        await phone.connect()
        await phone.subscribe(band)
        sender.publish(Message(band, b"sealed"))
        await phone.settled()
        assert [message.payload for message in phone.take()] == [b"sealed"]
        await wire.close()


@pytest.mark.needs_broker
async def test_an_expired_certificate_is_to_be_renewed(authority: Authority) -> None:
    expired = server_certificate(authority, ["127.0.0.1"], 30, since=today() - timedelta(days=31))
    with broker_with(expired, authority) as broker:
        said = await refusal(broker, broker.ca_file)

    assert "no safe connection: its certificate has expired: renew it (`fleetbeat broker … --renew`" in said


@pytest.mark.needs_broker
async def test_a_certificate_of_tomorrow_makes_one_look_at_the_clock(authority: Authority) -> None:
    early = server_certificate(authority, ["127.0.0.1"], 30, since=today() + timedelta(days=3))
    with broker_with(early, authority) as broker:
        said = await refusal(broker, broker.ca_file)

    assert "not valid yet: is the clock of this machine" in said


@pytest.mark.needs_broker
async def test_a_foreign_authority_is_named_with_the_option_that_helps(authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_bytes(new_authority("somebody else's", 30).certificate)
    with PrivateMosquitto(ACCESS, Door(authority=authority)) as broker:
        for ca in (tmp_path / "ca.crt", None):
            said = await refusal(broker, ca)
            assert "from an authority that is not trusted here" in said
            assert "--broker-ca" in said


@pytest.mark.needs_broker
async def test_a_certificate_for_another_name_tells_how_to_add_one(authority: Authority) -> None:
    with broker_with(server_certificate(authority, ["broker.example"], 30), authority) as broker:
        said = await refusal(broker, broker.ca_file)

    assert "for another name: " in said
    assert "--host NAME" in said
