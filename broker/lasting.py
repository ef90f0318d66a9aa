"""A lasting client: one conversation with a broker that goes on when the broker dies and comes back.

For programs that tell or follow a fleet's life from outside any device: it has a thread of its own, in which
it hears, and may be told something from any other thread at any time.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Any

from broker.address import Address
from broker.connection import REFUSED, Connection, VersionRefused
from broker.crossing import Crossing
from broker.entrance import MQTT_3, MQTT_5, Entrance, Version
from broker.errors import BrokerLost, BrokerRefused, FleetbeatError
from broker.filters import check_filter, check_topic, matches
from broker.link import Message
from broker.mailbag import Letter, Mailbag
from broker.way import NobodyAnswers

KEEPALIVE_S = 20
"""A broker's silence is noticed after one to two of these, ours, by the broker, after one and a half."""
READERS_BACK_S = 10.0
"""So long after our own return all others must have found the broker again: twice the longest pause between tries."""

_ANSWERS_WITHIN_S = 10.0
_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 5.0
_TICK_S = 5.0
_WINDOW = 500
"""Letters handed to paho at a time; it has at most 20 of them under way."""
_GOODBYE_S = 1.0

Hear = Callable[[str, bytes], None]

_log = logging.getLogger(__name__)


class LastingClient:
    """All messages travel at QoS 1, in the order given; they may arrive twice. The session outlives a connection.

    With *login* None it comes as nobody. *client_id* must be its own: of two with the same, each ends the other.
    """

    def __init__(
        self, address: Address, login: tuple[str, str] | None, client_id: str, will: Message | None = None
    ) -> None:
        self._address = address
        self._login = login
        self._name = client_id
        self._will = will
        self._mail = Mailbag()
        self._ears: dict[str, Hear] = {}
        self._connection: Connection | None = None
        self._version: Version | None = None
        self._pause_s = _PAUSE_S
        self._looking = False
        self._since_s = 0.0
        self._telling_again: asyncio.TimerHandle | None = None
        self._quiet = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        self._crossing = Crossing(f"fleetbeat-{client_id}")

    @property
    def connected(self) -> bool:
        """Whether the broker is there, as far as we know."""
        return self._connection is not None

    @property
    def unacknowledged(self) -> int:
        """Messages that the broker has not acknowledged, nor denied."""
        return self._mail.open

    @property
    def dropped(self) -> int:
        """The oldest messages that had to go because too many waited (`mailbag.LIMIT`)."""
        return self._mail.dropped

    @property
    def denied(self) -> int:
        """Messages that the broker did not accept from us."""
        return self._mail.denied

    def connect(self, patience_s: float) -> None:
        """Connect for the first time (blocking); from then on every loss is survived.

        Raises BrokerRefused at once if user, password or certificate are wrong, and after *patience_s* wall seconds
        if nobody answers; BrokerLost if somebody does, but not to us. It may be called again then.
        """
        self._crossing.ask(partial(self._arrive, patience_s), in_turn=False).result()

    def publish(self, topic: str, payload: bytes, retain: bool = False) -> None:
        """Send, now or when the broker is there, and return at once; after `close` it does nothing.

        Raises ValueError for a topic with a wildcard, and nothing else.
        """
        check_topic(topic)
        if not self._closed:
            self._mail.put(Letter(topic, payload, retain))
            self._post(self._send)

    def subscribe(self, topic_filter: str, hear: Hear) -> None:
        """Have *hear* called, in the client's thread, for each message of *topic_filter*; filters must not overlap.

        It may be called before `connect`: then nothing is missed that the broker kept for us. Raises ValueError for a
        filter that cannot be.
        """
        self._ears[check_filter(topic_filter)] = hear
        if not self._closed:
            self._post(lambda: self._begin(self._subscribe(topic_filter)))

    def close(self, patience_s: float) -> int:
        """Wait (blocking) until all is acknowledged, say goodbye, and return how many messages are missing."""
        if not self._closed:
            self._closed = True
            self._crossing.ask(partial(self._leave, patience_s), in_turn=False).result()
            self._crossing.stop()
        return self._mail.open

    # --- what a connection tells its ears, on the client's own loop

    def heard(self, message: Message) -> None:
        """Pass a message on; whoever hears it may fail without harm to others."""
        for topic_filter, hear in list(self._ears.items()):
            if matches(topic_filter, message.topic):
                try:
                    hear(message.topic, message.payload)
                except Exception:
                    _log.exception("%s: a message on %s could not be dealt with", self._name, message.topic)
                return

    def answered(self, mid: int, reason: int) -> None:
        """Strike out what the broker has, or does not want, and go on."""
        denied = reason >= REFUSED
        letter = self._mail.answered(mid, self._crossing.loop.time(), denied=denied)
        if letter is not None and denied and self._mail.denied == 1:
            _log.warning("%s denies %s a message on %s (reason %d)", self._address, self._name, letter.topic, reason)
        self._send()

    def ended(self, why: str) -> None:
        """The broker, or the way to it, is gone: look for it."""
        if self._connection is None:
            return
        now_s = self._crossing.loop.time()
        self._connection = None
        self._mail.lost(now_s)
        if now_s - self._since_s >= _LONGEST_PAUSE_S:  # else somebody throws us out again and again
            self._pause_s = _PAUSE_S
        if self._telling_again is not None:
            self._telling_again.cancel()
        if not self._looking:
            _log.warning("%s lost its broker, and what it has to say waits: %s", self._name, why)
            self._begin(self._return())

    # --- on the client's own loop

    async def _arrive(self, patience_s: float) -> None:
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + patience_s
        self._looking = True
        try:
            while self._connection is None:
                try:
                    await self._open(min(_ANSWERS_WITHIN_S, max(_PAUSE_S, deadline_s - loop.time())))
                except (NobodyAnswers, VersionRefused, BrokerLost):
                    pause_s = self._next_pause_s()
                    if loop.time() + pause_s >= deadline_s:
                        raise
                    await asyncio.sleep(pause_s)
        finally:
            self._looking = False
        self._begin(self._tick())

    async def _return(self) -> None:
        loop = asyncio.get_running_loop()
        lost_s = loop.time()
        self._looking = True
        while self._connection is None:
            await asyncio.sleep(self._next_pause_s())
            with suppress(FleetbeatError):
                await self._open(_ANSWERS_WITHIN_S)
        self._looking = False
        _log.warning("%s has its broker back after %.1f s", self._name, loop.time() - lost_s)
        self._telling_again = loop.call_later(READERS_BACK_S, self._tell_again)

    def _tell_again(self) -> None:
        self._mail.tell_again()
        self._send()

    def _next_pause_s(self) -> float:
        pause_s = self._pause_s
        self._pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        return pause_s * random.uniform(0.5, 1.0)  # not all clients of a broker at the same moment

    async def _open(self, limit_s: float) -> None:
        for version in (MQTT_5, MQTT_3) if self._version is None else (self._version,):
            entrance = Entrance(self._name, self._login, self._will, KEEPALIVE_S, anew=False, version=version)
            connection = Connection(self._address, entrance, self, limit_s, endures=True)
            try:
                await connection.open()
            except VersionRefused:
                if version == MQTT_3:
                    raise
            else:
                break
        if connection.is_over:
            raise BrokerLost(f"{self._address} let {self._name} in, and was gone")
        if version == MQTT_5:  # a broker that is dying hangs up like one of the old school: never believe the latter
            self._version = version
        self._connection = connection
        self._since_s = self._crossing.loop.time()
        self._mail.store_again()
        for topic_filter in list(self._ears):
            await self._subscribe(topic_filter)
        self._send()

    async def _subscribe(self, topic_filter: str) -> None:
        connection = self._connection
        if connection is None:
            return
        try:
            await connection.subscribe(topic_filter)
        except BrokerRefused as error:
            _log.error("%s", error)
        except BrokerLost as error:
            if connection is self._connection:
                connection.drop()
                self.ended(str(error))

    def _send(self) -> None:
        connection, mail = self._connection, self._mail
        while connection is not None and mail.under_way < _WINDOW:
            letter = mail.next()
            if letter is None:
                break
            mid = connection.publish(Message(letter.topic, letter.payload, letter.retain))
            if mid is None:
                mail.back(letter)
                return
            mail.sent(mid, letter)
        if mail.empty:
            self._quiet.set()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            if self._connection is not None:
                self._connection.tick()

    async def _leave(self, patience_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                if self._mail.in_doubt and self._connection is not None:
                    self._mail.tell_again()
                self._quiet.clear()
                self._send()
                while not self._mail.empty:
                    self._quiet.clear()
                    await self._quiet.wait()
        for task in self._tasks:
            task.cancel()
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_GOODBYE_S):
                    await connection.say_goodbye(forget=True)
            connection.drop()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _post(self, call: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # it was closed by another thread at this very moment
            self._crossing.post(call)
