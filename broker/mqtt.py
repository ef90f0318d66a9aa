"""The wire over real MQTT: one connection per device, all on an ordinary loop in a thread of its own.

The devices' loop, whose clock may be virtual, hands messages over in batches and never waits for a
socket; it waits for *arrivals*, and only when it asks (`Link.settled`).
"""

import asyncio
import concurrent.futures
import contextlib
import math
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeVar

from broker.address import Address
from broker.credentials import OPEN, Credentials
from broker.crossing import Crossing
from broker.errors import BrokerLost
from broker.exchange import Exchange
from broker.filters import check_filter, check_topic
from broker.link import GRACE, Message
from broker.open_files import allow_many_files
from broker.station import Station
from broker.waiting import finished

Result = TypeVar("Result")

PATIENCE_S = 30.0
"""Wall seconds for a broker to do what takes it milliseconds."""

WALL_KEEPALIVE_S = 600
"""The least keepalive asked of a real broker: its clock is the wall's, and a long fit must not look like a death."""

ENDURING_KEEPALIVE_S = 20
"""… and where the broker may die: its silence is noticed after 20 to 45 s, ours, by the broker, after 30 s."""

MAX_UNDER_WAY = 10_000
"""So many messages, some 30 MB of readings, may be on their way before a publish waits for them."""


class MqttLink:
    """One device at a real broker (see `broker.link.Link`)."""

    def __init__(self, wire: "MqttWire", station: Station, keepalive_s: float) -> None:
        self.name = station.name
        self._wire = wire
        self._station = station
        self._keepalive_s = keepalive_s
        self._patience: asyncio.TimerHandle | None = None
        self._taken: tuple[int, int] | None = None
        """On which visit how many messages were taken and are not acknowledged."""

    @property
    def connected(self) -> bool:
        """Whether messages can be sent now."""
        return self._station.connected

    async def connect(self, will: Message | None = None) -> bool:
        """Log in and wait for the broker's word."""
        self._stop_patience()
        return await self._wire.ask(
            self._station, partial(self._wire.exchange.enter, self._station, will), f"{self.name}'s connection"
        )

    async def subscribe(self, topic_filter: str) -> None:
        """Ask for messages and wait for the broker's word."""
        check_filter(topic_filter)
        self._check_connected()
        await self._wire.ask(
            self._station,
            partial(self._wire.exchange.subscribe, self._station, topic_filter),
            f"{self.name}'s subscription to {topic_filter}",
        )

    def publish(self, message: Message, acknowledged: Callable[[], None] | None = None) -> None:
        """Send; if too much is under way already, wait (blocking) until it has arrived.

        Where the wire endures, nobody waits: with too much under way the connection is given up, and on one that was
        lost the message goes nowhere; it is never acknowledged. What the broker acknowledges counts so when it has
        lived on for `exchange.TRUSTS_AFTER_S` wall seconds, or the link ends.
        """
        check_topic(message.topic)
        if self._wire.endures and self._station.lost is not None:
            return
        self._check_connected()
        if acknowledged is not None:
            acknowledged = partial(_pass_back, asyncio.get_running_loop(), acknowledged)
        self._wire.send(self._station, message, acknowledged)

    async def settled(self) -> None:
        """Wait until what was published for this link is in its inbox, and its own messages are with the broker."""
        await self._wire.settle(self.name)
        if self._station.lost is not None and not self._wire.endures:
            self._check_connected()

    def take(self) -> list[Message]:
        """Return what has come since the last time, in the order of publishing (of arrival, where the wire endures).

        Where the wire endures, it is acknowledged to the broker by the next of `take`, `sever` and `close`: whoever
        dies before hears it again.
        """
        if self._wire.endures:
            self._acknowledge_taken()
        inbox = self._station.inbox
        taken = [inbox.popleft() for _ in range(len(inbox))]
        if taken and self._wire.endures:
            visit = taken[-1][0][0]
            self._taken = visit, sum(when == visit for (when, _), _ in taken)
        if not self._wire.endures:  # there, numbers of what was written off are not those of its publishing
            taken.sort(key=lambda numbered: numbered[0])
        return [message for _, message in taken]

    def fall_silent(self) -> None:
        """Hear, but answer no more; after 1.5 × keepalive of the running loop's time the connection is cut."""
        if self._wire.endures:
            self._acknowledge_taken()
        else:
            self._check_connected()
        self._station.connected = False
        self._wire.start(self._station, self._wire.exchange.hush)
        if self._keepalive_s > 0:
            self._patience = asyncio.get_running_loop().call_later(GRACE * self._keepalive_s, self.sever)

    def sever(self) -> None:
        """End abruptly, once what was published before has arrived."""
        self._stop_patience()
        if self._wire.endures:
            self._acknowledge_taken()
        self._station.connected = False
        self._wire.start(self._station, self._wire.exchange.cut)

    async def close(self) -> None:
        """Say goodbye."""
        self._stop_patience()
        if self._wire.endures:
            self._acknowledge_taken()
        self._station.connected = False
        if self._wire.closed:
            return
        await self._wire.ask(self._station, partial(self._wire.exchange.leave, self._station), f"{self.name}'s goodbye")

    def _acknowledge_taken(self) -> None:
        taken, self._taken = self._taken, None
        if taken is not None:
            self._wire.post(partial(self._station.acknowledge, *taken))

    def _check_connected(self) -> None:
        if not self._station.connected:
            why = f": {self._station.lost}" if self._station.lost else ""
            raise BrokerLost(f"{self.name} is not connected{why}")

    def _stop_patience(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None


class MqttWire:
    """A real broker as one process sees it; *patience_s* bounds every wait for it, on the wall.

    With *endures* the broker may go away and come back: its links wait at most `exchange.SETTLES_WITHIN_S`, raise
    nothing when it is lost but from `connect` and `subscribe`, and can then be connected again; sessions are kept for
    the process that comes after this one. With *anew* those of an earlier one are forgotten, and what waited in them.
    """

    def __init__(
        self,
        address: Address,
        credentials: Credentials = OPEN,
        patience_s: float = PATIENCE_S,
        *,
        endures: bool = False,
        anew: bool = False,
    ) -> None:
        allow_many_files()
        self.endures = endures
        self.exchange = Exchange(address, credentials, patience_s, endures=endures, anew=anew)
        self._address = address
        self._crossing = Crossing("fleetbeat-wire")
        self.closed = False

    @property
    def denied(self) -> int:
        """Messages that the broker did not accept (MQTT 3.1.1 has no word for that: always 0)."""
        return self.exchange.ledger.denied

    @property
    def dropped(self) -> int:
        """Messages lost because the broker forgot a link that was away."""
        return self.exchange.ledger.dropped

    def link(self, name: str, keepalive_s: float = 0.0) -> MqttLink:
        """Return a link for *name*, not yet connected; *keepalive_s* = 0: its silence is never noticed.

        Where the wire endures, real silence, in seconds of the wall, always is.
        """
        if self.endures:
            return MqttLink(self, self.exchange.station(name, ENDURING_KEEPALIVE_S), keepalive_s)
        wall_s = max(WALL_KEEPALIVE_S, math.ceil(keepalive_s)) if keepalive_s > 0 else 0
        return MqttLink(self, self.exchange.station(name, wall_s), keepalive_s)

    async def settled(self) -> None:
        """Wait until nothing is under way to any connected link."""
        await self.settle(None)
        lost = self.exchange.lost()
        if lost is not None and not self.endures:
            raise BrokerLost(f"{lost.name} is not connected: {lost.lost}")

    async def close(self) -> None:
        """Disconnect everybody, without wills, and end the thread."""
        if not self.closed:
            self.closed = True
            await finished(self._crossing.ask(self.exchange.end, in_turn=True), f"the goodbyes at {self._address}")
            self._crossing.stop()

    def send(self, station: Station, message: Message, acknowledged: Callable[[], None] | None) -> None:
        """Have *station* send a message in its turn."""
        if not self.endures:
            self._check()
        if self._crossing.backlog + self.exchange.ledger.under_way < MAX_UNDER_WAY:
            self.post(partial(station.send, message, acknowledged))
        elif self.endures:
            why = f"{self._address} is too slow: {MAX_UNDER_WAY} messages are under way"
            self.post(partial(self.exchange.give_up, station, why))
        else:
            self._crossing.ask(partial(self.exchange.until_quiet, None), in_turn=True).result()
            self.post(partial(station.send, message, acknowledged))

    def post(self, call: Callable[[], None]) -> None:
        """Have *call* made on the wire's loop in its turn."""
        if not self.closed:
            self._crossing.post(call)

    def start(self, station: Station, work: Callable[[Station], Coroutine[Any, Any, None]]) -> None:
        """Have *work* done for *station* on the wire's loop in its turn; nobody waits for it here."""
        if not self.closed:
            self._give(station, partial(work, station))

    async def ask(self, station: Station, work: Callable[[], Coroutine[Any, Any, Result]], what: str) -> Result:
        """Have *work* done for *station* on the wire's loop in its turn, and wait for it."""
        return await finished(self._give(station, work), f"{what} at {self._address}")

    async def settle(self, name: str | None) -> None:
        """Wait until nothing of *name* (None: of anybody) is under way; cheap when that is so already."""
        if not self.endures:
            self._check()
        elif self.closed or name in self.exchange.slow:
            return
        ledger = self.exchange.ledger
        if self._crossing.backlog or not (ledger.quiet(name) if name else ledger.under_way == 0):
            what = f"the messages of {name or 'all links'} at {self._address}"
            wait = self.exchange.calm if self.endures else self.exchange.until_quiet
            answer: concurrent.futures.Future[None] = self._crossing.ask(partial(wait, name), in_turn=False)
            await finished(answer, what)
            if not self.endures:
                self._check()

    def _give(
        self, station: Station, work: Callable[[], Coroutine[Any, Any, Result]]
    ) -> "concurrent.futures.Future[Result]":
        """Give *work* to the wire's loop; where that endures, only what concerns the same name waits for its end."""
        if self.endures:
            return self._crossing.ask(partial(self.exchange.alone, station, work), in_turn=False)
        return self._crossing.ask(work, in_turn=True)

    def _check(self) -> None:
        if self.exchange.failure is not None:
            raise self.exchange.failure


def _pass_back(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    with contextlib.suppress(RuntimeError):  # its loop is closed: nobody waits to hear of it any more
        loop.call_soon_threadsafe(call)
