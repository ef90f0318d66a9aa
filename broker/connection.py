"""One MQTT connection: paho's client, driven by the hooks of an asyncio loop."""

import asyncio
import contextlib
import logging
import socket
from collections import deque
from typing import Any, Protocol

import paho.mqtt.client as mqtt

from broker.address import Address
from broker.entrance import Client, Entrance
from broker.errors import BrokerLost, BrokerRefused
from broker.link import Message
from broker.way import in_words, open_way

REFUSED = 128
"""Reason codes from here on are refusals (MQTT 5 §2.4)."""

_UNSUPPORTED_VERSION = 132
_KEEPALIVE_OVER = 141
_NOTHING = "fleetbeat/nothing"
"""A filter to which nobody subscribes."""
_LAST_WORDS_S = 5.0
"""Wall seconds for the broker to read what we still have to say …"""
_SHORT_LAST_WORDS_S = 1.0
"""… and where there may be no broker any more."""

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
    """Lives on the running loop and is opened once; *limit_s* bounds every wait for the broker, on the wall.

    With *endures* no wait for the broker blocks the loop, not even that for the way to it.
    """

    def __init__(
        self, address: Address, entrance: Entrance, ears: Ears, limit_s: float, *, endures: bool = False
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._address = address
        self._entrance = entrance
        self._ears = ears
        self._limit_s = limit_s
        self._endures = endures
        self._last_words_s = _SHORT_LAST_WORDS_S if endures else _LAST_WORDS_S
        self._greeting: asyncio.Future[bool] = self._loop.create_future()
        self._answers: dict[int, asyncio.Future[int]] = {}
        self._over: asyncio.Future[None] = self._loop.create_future()
        self._expected_end = False
        self._writer_set = False
        self._heard_mids: deque[int | None] | None = None
        """What came and is not acknowledged, if that is for somebody else to do."""
        self._client = Client(address, entrance, limit_s)
        self._listen()

    async def open(self) -> bool:
        """Connect and return whether the broker remembers the name; if it need not endure, the way is made blocking."""
        if not self._endures:
            self._enter()
        try:
            async with asyncio.timeout(self._limit_s):
                if self._endures:
                    with in_words(self._address):
                        self._client.way = await open_way(self._address)
                    self._enter()
                return await self._greeting
        except TimeoutError:
            self._leave_unopened()
            raise BrokerLost(
                f"{self._address} did not answer {self._entrance.name} within {self._limit_s:g} s"
            ) from None
        except asyncio.CancelledError:
            self._leave_unopened()
            raise

    def _enter(self) -> None:
        with in_words(self._address):
            self._client.enter()

    def _leave_unopened(self) -> None:
        self._greeting.cancel()
        if self._endures:
            self.drop()
        else:
            self.expect_end()
            self._shut()

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
        self._heard_mids = None

    def acknowledge_when_told(self) -> None:
        """From now on acknowledge a message only by `acknowledge`."""
        self._client.manual_ack_set(True)
        self._heard_mids = deque()

    def acknowledge(self, count: int) -> None:
        """Acknowledge the *count* oldest messages that came; after `hush` nothing."""
        while self._heard_mids and count > 0:
            mid = self._heard_mids.popleft()
            if mid is not None:
                self._client.ack(mid, 1)
            count -= 1

    def drop(self) -> None:
        """End at once, without reading or saying another word; the broker publishes the will."""
        self.expect_end()
        self._client.let_go()
        self._finish("given up")

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
            async with asyncio.timeout(self._last_words_s):
                await asyncio.shield(self._over)
        self._shut()

    async def _read_to_the_end(self) -> None:
        """Have the broker read all we sent before the end comes.

        Else Mosquitto may notice the end, or the next connection of this name, before what lies unread:
        it would send messages again that were acknowledged, or a will after a goodbye.
        """
        self.expect_end()
        with contextlib.suppress(TimeoutError, BrokerLost):
            async with asyncio.timeout(self._last_words_s):
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
        client.on_message = self._came

    def _came(self, _client: mqtt.Client, _data: object, got: mqtt.MQTTMessage) -> None:
        if self._heard_mids is not None:
            self._heard_mids.append(got.mid if got.qos else None)
        self._ears.heard(Message(got.topic, bytes(got.payload), got.retain, got.dup))

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
        if flags.is_disconnect_packet_from_server:
            self._finish(f"{self._address} closed the connection: {reason}")
        else:
            did = "fell silent" if reason.value == _KEEPALIVE_OVER else "closed the connection"
            self._finish(f"{self._address} {did}")

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
