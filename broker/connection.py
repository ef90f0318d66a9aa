"""One MQTT connection: paho's client, driven by the hooks of an asyncio loop. The only module that knows paho."""

import asyncio
import contextlib
import socket
import ssl
from dataclasses import dataclass
from typing import Any, Protocol

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from broker.address import Address
from broker.errors import BrokerLost, BrokerRefused
from broker.link import Message

Version = MQTTProtocolVersion
MQTT_5, MQTT_3 = Version.MQTTv5, Version.MQTTv311

SESSION_EXPIRY_S = 86_400
"""A broker of MQTT 5 keeps what waits for a link for a day (of the wall) if nobody tells it to forget."""

REFUSED = 128
"""Reason codes from here on are refusals (MQTT 5 §2.4)."""

_UNSUPPORTED_VERSION = 132
_NOTHING = "fleetbeat/nothing"
"""A filter to which nobody subscribes."""
_LAST_WORDS_S = 5.0
"""Wall seconds for the broker to read what we still have to say."""


class VersionRefused(BrokerRefused):
    """The broker does not speak this version of MQTT, or hangs up at it."""


class Ears(Protocol):
    """Who hears what happens on a connection."""

    def heard(self, message: Message) -> None:
        """A message came."""

    def answered(self, mid: int, reason: int) -> None:
        """The broker answered the message numbered *mid*; a *reason* from `REFUSED` on is a refusal."""

    def ended(self, why: str) -> None:
        """The connection is over, and we did not end it."""


@dataclass(frozen=True, slots=True)
class Entrance:
    """How one connection comes in; *login* is user and password, *keepalive_s* counts on the wall."""

    name: str
    login: tuple[str, str] | None
    will: Message | None
    keepalive_s: int
    anew: bool
    version: Version


class _Client(mqtt.Client):
    """Paho's client, but a socket that cannot be connected is closed, not left to the garbage collector."""

    address: Address
    limit_s: float

    def _create_socket(self) -> socket.socket:
        address = self.address
        if address.socket is None:
            sock = socket.create_connection((address.host, address.port), timeout=self.limit_s)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        else:
            sock = socket.socket(socket.AF_UNIX)
            sock.settimeout(self.limit_s)
        try:
            if address.socket is not None:
                sock.connect(str(address.socket))
            return sock if address.tls is None else address.tls.wrap_socket(sock, server_hostname=address.host)
        except BaseException:
            sock.close()
            raise


class Connection:
    """Lives on the running loop; is opened once and never again."""

    def __init__(self, address: Address, entrance: Entrance, ears: Ears) -> None:
        self._loop = asyncio.get_running_loop()
        self._address = address
        self._entrance = entrance
        self._ears = ears
        self._greeting: asyncio.Future[bool] = self._loop.create_future()
        self._answers: dict[int, asyncio.Future[int]] = {}
        self._over: asyncio.Future[None] = self._loop.create_future()
        self._expected_end = False
        self._writer_set = False
        self._client = self._make_client()

    async def open(self, limit_s: float) -> bool:
        """Connect and return whether the broker remembers the name; the way to the broker itself is made blocking."""
        came_in, address = self._entrance, self._address
        extra: dict[str, Any] = {}
        if came_in.version == MQTT_5:
            extra = {"clean_start": came_in.anew, "properties": _expiry(PacketTypes.CONNECT, SESSION_EXPIRY_S)}
        self._client.address, self._client.limit_s = address, limit_s
        try:
            self._client.connect(
                address.host or str(address.socket), address.port or 1, keepalive=came_in.keepalive_s, **extra
            )
        except ssl.SSLError as error:
            raise BrokerRefused(f"{address}: no safe connection: {error.reason or error}") from None
        except OSError as error:
            raise BrokerRefused(f"{address}: no broker answers: {error.strerror or error}") from None
        try:
            async with asyncio.timeout(limit_s):
                return await self._greeting
        except TimeoutError:
            self.expect_end()
            self._shut()
            raise BrokerLost(f"{address} did not answer {came_in.name} within {limit_s:g} s") from None

    def publish(self, message: Message) -> int | None:
        """Send at QoS 1; return the number under which the broker will answer, None if the connection is gone."""
        info = self._client.publish(message.topic, message.payload, qos=1, retain=message.retain)
        return info.mid if info.rc == mqtt.MQTT_ERR_SUCCESS else None

    async def subscribe(self, topic_filter: str, limit_s: float) -> None:
        """Subscribe at QoS 1 and wait for the broker's word."""
        name, address = self._entrance.name, self._address
        try:
            async with asyncio.timeout(limit_s):
                reason = await self._answer(self._client.subscribe(topic_filter, qos=1)[1])
        except TimeoutError:
            raise BrokerLost(f"{address} did not answer {name}'s subscription to {topic_filter}") from None
        if reason >= REFUSED:
            raise BrokerRefused(f"{address} refuses {name} the subscription to {topic_filter}")

    def expect_end(self) -> None:
        """Whatever ends this connection from now on is no news."""
        self._expected_end = True

    def hush(self) -> None:
        """Acknowledge nothing from now on."""
        self._flush()
        self._client.manual_ack_set(True)

    async def cut(self) -> None:
        """End abruptly; what was acknowledged before stays acknowledged."""
        await self._read_to_the_end()
        self._shut()
        await self._over

    async def say_goodbye(self, *, forget: bool) -> None:
        """End in order; with *forget* the broker (of MQTT 5) drops the name's subscriptions and messages too."""
        await self._read_to_the_end()
        with_expiry = forget and self._entrance.version == MQTT_5
        self._client.disconnect(properties=_expiry(PacketTypes.DISCONNECT, 0) if with_expiry else None)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS_S):
                await asyncio.shield(self._over)
        self._shut()

    async def _read_to_the_end(self) -> None:
        """Have the broker read all we sent before the end comes.

        Else Mosquitto may notice the end, or the next connection of this name, before what lies unread:
        it would send messages again that were acknowledged, or a will after a goodbye.
        """
        self.expect_end()
        with contextlib.suppress(TimeoutError, BrokerLost):
            async with asyncio.timeout(_LAST_WORDS_S):
                await self._answer(self._client.unsubscribe(_NOTHING)[1])

    async def _answer(self, mid: int | None) -> int:
        """Wait for the broker's answer to the question numbered *mid*; return its reason."""
        if mid is None:
            raise BrokerLost(f"{self._entrance.name} is not connected")
        self._answers[mid] = self._loop.create_future()
        try:
            return await self._answers[mid]
        finally:
            del self._answers[mid]

    def tick(self) -> None:
        """Ping if it is time; to be called every minute or so."""
        self._client.loop_misc()

    def _make_client(self) -> _Client:
        came_in = self._entrance
        client = _Client(
            CallbackAPIVersion.VERSION2,
            client_id=came_in.name,
            clean_session=None if came_in.version == MQTT_5 else came_in.anew,
            protocol=came_in.version,
            reconnect_on_failure=False,
        )
        if came_in.login is not None:
            client.username_pw_set(*came_in.login)
        if came_in.will is not None:
            client.will_set(came_in.will.topic, came_in.will.payload, qos=1, retain=came_in.will.retain)
        client.on_socket_open = self._socket_opened
        client.on_socket_close = self._socket_closed
        client.on_socket_register_write = self._something_to_write
        client.on_connect = self._greeted
        client.on_disconnect = self._disconnected
        client.on_subscribe = client.on_unsubscribe = self._answered
        client.on_publish = lambda _client, _data, mid, reason, _more: self._ears.answered(mid, reason.value)
        client.on_message = lambda _client, _data, got: self._ears.heard(
            Message(got.topic, bytes(got.payload), got.retain)
        )
        return client

    def _socket_opened(self, _client: mqtt.Client, _data: object, sock: Any) -> None:
        self._loop.add_reader(sock, self._read)

    def _socket_closed(self, _client: mqtt.Client, _data: object, sock: Any) -> None:
        self._loop.remove_reader(sock)
        self._loop.remove_writer(sock)

    def _something_to_write(self, *_: object) -> None:
        self._loop.call_soon(self._flush)

    def _read(self) -> None:
        self._client.loop_read()
        while self._address.tls is not None:  # bytes already decrypted make no socket readable
            sock: Any = self._client.socket()
            if sock is None or not sock.pending():
                return
            self._client.loop_read()

    def _flush(self) -> None:
        self._client.loop_write()
        sock: Any = self._client.socket()
        if sock is None:
            return
        if self._client.want_write():  # the kernel's buffer is full
            self._loop.add_writer(sock, self._flush)
            self._writer_set = True
        elif self._writer_set:
            self._loop.remove_writer(sock)
            self._writer_set = False

    def _shut(self) -> None:
        sock: Any = self._client.socket()
        if sock is not None:
            with contextlib.suppress(OSError):  # the other side was faster
                sock.shutdown(socket.SHUT_RDWR)

    def _greeted(self, _client: mqtt.Client, _data: object, flags: Any, reason: Any, _more: object) -> None:
        if self._greeting.done():
            return
        if reason.value < REFUSED:
            self._greeting.set_result(flags.session_present)
            return
        self.expect_end()
        kind = VersionRefused if reason.value == _UNSUPPORTED_VERSION else BrokerRefused
        user = self._entrance.login[0] if self._entrance.login else "without user and password"
        self._greeting.set_exception(kind(f"{self._address} refuses {self._entrance.name} ({user}): {reason}"))

    def _disconnected(self, _client: mqtt.Client, _data: object, flags: Any, reason: Any, _more: object) -> None:
        name = self._entrance.name
        said = f": {reason}" if flags.is_disconnect_packet_from_server else ""
        why = f"{self._address} closed the connection{said}"
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(BrokerLost(f"{name}: {why}"))
        if not self._greeting.done():
            self._greeting.set_exception(VersionRefused(f"{self._address} hangs up on {name}: no word of MQTT"))
        elif not self._expected_end:
            self._ears.ended(why)
        if not self._over.done():
            self._over.set_result(None)

    def _answered(self, _client: mqtt.Client, _data: object, mid: int, reasons: Any, _more: object) -> None:
        answer = self._answers.get(mid)
        if answer is not None and not answer.done():
            answer.set_result(max((reason.value for reason in reasons), default=0))


def _expiry(packet: int, seconds: int) -> Properties:
    properties = Properties(packet)  # type: ignore[no-untyped-call]  # paho annotates only part of itself
    properties.SessionExpiryInterval = seconds
    return properties
