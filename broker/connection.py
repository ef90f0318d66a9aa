"""One MQTT connection: paho's client, driven by the hooks of an asyncio loop."""

import asyncio
import contextlib
import logging
import socket
import ssl
from typing import Any, Protocol

import paho.mqtt.client as mqtt

from broker.address import Address
from broker.entrance import Client, Entrance
from broker.errors import BrokerLost, BrokerRefused
from broker.link import Message

REFUSED = 128
"""Reason codes from here on are refusals (MQTT 5 §2.4)."""

_UNSUPPORTED_VERSION = 132
_NOTHING = "fleetbeat/nothing"
"""A filter to which nobody subscribes."""
_LAST_WORDS_S = 5.0
"""Wall seconds for the broker to read what we still have to say."""

_log = logging.getLogger(__name__)


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


class Connection:
    """Lives on the running loop and is opened once; *limit_s* bounds every wait for the broker, on the wall."""

    def __init__(self, address: Address, entrance: Entrance, ears: Ears, limit_s: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._address = address
        self._entrance = entrance
        self._ears = ears
        self._limit_s = limit_s
        self._greeting: asyncio.Future[bool] = self._loop.create_future()
        self._answers: dict[int, asyncio.Future[int]] = {}
        self._over: asyncio.Future[None] = self._loop.create_future()
        self._expected_end = False
        self._writer_set = False
        self._client = Client(address, entrance, limit_s)
        self._listen()

    async def open(self) -> bool:
        """Connect and return whether the broker remembers the name; the way to the broker itself is made blocking."""
        name, address = self._entrance.name, self._address
        try:
            self._client.enter()
        except ssl.SSLError as error:
            raise BrokerRefused(f"{address}: no safe connection: {error.reason or error}") from None
        except OSError as error:
            raise BrokerRefused(f"{address}: no broker answers: {error.strerror or error}") from None
        try:
            async with asyncio.timeout(self._limit_s):
                return await self._greeting
        except TimeoutError:
            self.expect_end()
            self._shut()
            raise BrokerLost(f"{address} did not answer {name} within {self._limit_s:g} s") from None

    def publish(self, message: Message) -> int | None:
        """Send at QoS 1; return the number under which the broker will answer, None if the connection is gone."""
        info = self._client.publish(message.topic, message.payload, qos=1, retain=message.retain)
        return info.mid if info.rc == mqtt.MQTT_ERR_SUCCESS else None

    async def subscribe(self, topic_filter: str) -> None:
        """Subscribe at QoS 1 and wait for the broker's word."""
        name, address = self._entrance.name, self._address
        try:
            async with asyncio.timeout(self._limit_s):
                reason = await self._answer(self._client.subscribe(topic_filter, qos=1)[1])
        except TimeoutError:
            raise BrokerLost(f"{address} did not answer {name}'s subscription to {topic_filter}") from None
        if reason >= REFUSED:
            raise BrokerRefused(f"{address} refuses {name} the subscription to {topic_filter}")

    @property
    def is_over(self) -> bool:
        """Whether it has ended, whoever ended it."""
        return self._over.done()

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
        self._client.leave(forget=forget)
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

    def _listen(self) -> None:
        client = self._client
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

    def _socket_opened(self, _client: mqtt.Client, _data: object, sock: Any) -> None:
        self._loop.add_reader(sock, self._read)

    def _socket_closed(self, _client: mqtt.Client, _data: object, sock: Any) -> None:
        self._loop.remove_reader(sock)
        self._loop.remove_writer(sock)

    def _something_to_write(self, *_: object) -> None:
        self._loop.call_soon(self._flush)

    def _read(self) -> None:
        try:
            self._client.loop_read()
            while self._address.tls is not None:  # bytes already decrypted make no socket readable
                sock: Any = self._client.socket()
                if sock is None or not sock.pending():
                    return
                self._client.loop_read()
        except Exception:  # paho would try to read the same packet for ever
            _log.exception("%s: a packet of %s makes no sense", self._entrance.name, self._address)
            self._socket_closed(self._client, None, self._client.socket())
            self._shut()
            self._finish(f"{self._address} sent what makes no sense")

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
        said = f": {reason}" if flags.is_disconnect_packet_from_server else ""
        self._finish(f"{self._address} closed the connection{said}")

    def _finish(self, why: str) -> None:
        name = self._entrance.name
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
