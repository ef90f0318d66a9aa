"""The exchange: all MQTT connections of one wire and its ledger, on the wire's own loop.

Whatever changes who hears what (a connect, a subscription, an end) waits until all that was
published before has arrived, so that a run's messages do not depend on how fast the broker is.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from broker.address import Address
from broker.connection import Connection, VersionRefused
from broker.credentials import Credentials
from broker.entrance import MQTT_3, MQTT_5, Entrance, Version
from broker.errors import BrokerLost, FleetbeatError, HeldTooLong
from broker.ledger import Ledger
from broker.link import Message
from broker.station import Station

Result = TypeVar("Result")

_TICK_S = 60.0
"""Wall seconds between two looks at who must ping …"""
_ENDURING_TICK_S = 5.0
"""… and where a broker's silence must be noticed soon."""

SETTLES_WITHIN_S = 2.0
"""Wall seconds that an enduring wire waits for messages under way; what is not here by then is written off."""

TRUSTS_AFTER_S = 2.0
"""Wall seconds that a broker must live on before an enduring wire passes its acknowledgement on: one that is killed
takes with it what it had not handed over, or, `autosave_interval` being 1 s, not yet written down."""

_log = logging.getLogger(__name__)


class Exchange:
    """Everything here runs on the wire's loop; *patience_s* bounds, on the wall, every wait for the broker.

    With *endures* the broker may die and come back: what different links do happens at the same time, nobody waits
    long for messages, sessions outlive this process, and one line is logged when the broker is lost and one when it
    is back. With *anew*, or if it does not endure, what the broker kept for a link is forgotten when that first enters.
    """

    def __init__(
        self,
        address: Address,
        credentials: Credentials,
        patience_s: float,
        *,
        endures: bool = False,
        anew: bool = False,
    ) -> None:
        self.ledger = Ledger(endures=endures)
        self.failure: FleetbeatError | None = None
        """What went wrong where nobody was waiting to hear of it."""
        self.version: Version | None = None
        """What the broker speaks, once it has spoken."""
        self.slow: set[str | None] = set()
        """For whose messages was waited in vain, without news of them since; any thread may look."""
        self._endures = endures
        self._anew = anew or not endures
        self._away = False
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._address = address
        self._credentials = credentials
        self._patience_s = patience_s
        self._online: dict[str, Station] = {}
        self._met: set[str] = set()
        self._waiting: defaultdict[str | None, list[asyncio.Future[None]]] = defaultdict(list)
        self._ticking: asyncio.Task[None] | None = None

    def station(self, name: str, keepalive_s: int) -> Station:
        """Return a place for a link."""
        trusts_after_s = TRUSTS_AFTER_S if self._endures else 0.0
        return Station(name, keepalive_s, self.ledger, self._news, self._lose, trusts_after_s)

    async def alone(self, station: Station, work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """Do *work* while nothing else is done for a link of that name."""
        async with self._turns[station.name]:
            return await work()

    async def enter(self, station: Station, will: Message | None) -> bool:
        """Connect *station*; an older connection of its name is cut first (Mosquitto would keep its will to itself)."""
        older = self._online.get(station.name)
        if older is not None and older.connection is not None:
            await self.cut(older)
            if older is not station:
                older.lost = "another connection of the same name took over"
        station.visits += 1
        anew = self._anew and station.name not in self._met
        connection, present = await self._greet(station, will, anew=anew)
        if connection.is_over:
            raise BrokerLost(f"{station.name} is not connected: {station.lost}")
        self._met.add(station.name)
        self.ledger.enter(station.name, remembered=present)
        station.connection, station.will, station.lost, station.connected = connection, will, None, True
        self._online[station.name] = station
        if self._away:
            self._away = False
            _log.warning("%s is back, says %s", self._address, station.name)
        if station.keepalive_s and self._ticking is None:
            self._ticking = asyncio.create_task(self._tick(), name="wire/tick")
        return present

    async def subscribe(self, station: Station, topic_filter: str) -> None:
        """Subscribe; stored messages are owed from the broker's answer on."""
        if not self._endures:
            await self.until_quiet(None)
        if station.connection is None:
            raise BrokerLost(f"{station.name} is not connected")
        self.ledger.subscribe(station.name, topic_filter)
        try:
            await station.connection.subscribe(topic_filter)
        except BrokerLost as error:
            if self._endures:
                self.give_up(station, str(error))
            raise

    def give_up(self, station: Station, why: str) -> None:
        """End the connection to a broker that is of no use any more."""
        if station.connection is not None:
            station.connection.drop()
            station.ended(why)

    async def hush(self, station: Station) -> None:
        """Acknowledge nothing any more."""
        await self._round_off(station.name)
        if station.connection is not None:
            self.ledger.hush(station.name)
            station.connection.hush()

    async def cut(self, station: Station) -> None:
        """End abruptly: the broker publishes the will."""
        await self._round_off(station.name)
        if station.connection is not None:
            connection = station.connection
            station.believe()
            station.depart()
            readers = self.ledger.bequeath(station.will) if station.will is not None else ()
            await connection.cut()
            for reader in readers:  # else a new connection might overtake the will
                await self._round_off(reader)

    async def leave(self, station: Station) -> None:
        """End in order."""
        await self._round_off(station.name)
        if station.connection is not None:
            connection = station.connection
            station.believe()
            station.depart()
            await connection.say_goodbye(forget=False)

    async def end(self) -> None:
        """Say goodbye for everybody, and have the broker forget them."""
        if self._ticking is not None:
            self._ticking.cancel()
        forget = not self._endures
        connections = [station.connection for station in self._online.values() if station.connection is not None]
        await asyncio.gather(*(connection.say_goodbye(forget=forget) for connection in connections))
        for station in self._online.values():
            station.believe()
            station.depart()

    def lost(self) -> Station | None:
        """Return somebody whose connection the broker ended, if there is one; any thread may ask."""
        return next((station for station in list(self._online.values()) if station.lost is not None), None)

    async def until_quiet(self, name: str | None) -> None:
        """Wait until nothing of *name* (None: of anybody) is under way; raises HeldTooLong, or BrokerLost."""
        if self._is_quiet(name):
            return
        quiet = asyncio.get_running_loop().create_future()
        self._waiting[name].append(quiet)
        try:
            async with asyncio.timeout(self._patience_s):
                await quiet
        except TimeoutError:
            raise HeldTooLong(f"{self._address}: after {self._patience_s:g} s, {self.ledger.missing(name)}") from None
        finally:
            self._waiting[name].remove(quiet)

    async def calm(self, name: str | None) -> None:
        """Wait a little until nothing of *name* (None: of anybody) is under way; write off what is owed to it then."""
        try:
            async with asyncio.timeout(SETTLES_WITHIN_S):
                await self.until_quiet(name)
        except (TimeoutError, HeldTooLong):
            if name is not None:
                self.ledger.write_off(name)
                self._news(name)
            self.slow.add(name)

    def _is_quiet(self, name: str | None) -> bool:
        return self.ledger.under_way == 0 if name is None else self.ledger.quiet(name)

    def _lose(self, name: str, why: str) -> None:
        if self._endures and self._away:
            _log.debug("%s: %s", name, why)
            return
        self._away = self._endures
        _log.warning("%s: %s", name, why)

    def _news(self, name: str) -> None:
        for who in (name, None):
            if self.slow:
                self.slow.discard(who)
            waiting = self._waiting.get(who)
            if waiting and self._is_quiet(who):
                for quiet in waiting:
                    if not quiet.done():
                        quiet.set_result(None)

    async def _round_off(self, name: str) -> None:
        if self._endures:
            await self.calm(name)
            return
        try:
            await self.until_quiet(name)
        except FleetbeatError as error:
            self.failure = self.failure or error

    async def _greet(self, station: Station, will: Message | None, *, anew: bool) -> tuple[Connection, bool]:
        versions = (MQTT_5, MQTT_3) if self.version is None else (self.version,)
        for version in versions:
            try:
                # who begins clean has no future in MQTT 3, and Mosquitto 2.0 never writes such a session down: it would
                # not outlive the broker; so the past is forgotten by a connection of its own
                apart = version == MQTT_3 or self._endures
                if anew and apart:
                    past, _ = await self._open(station, None, version, anew=True)
                    await past.say_goodbye(forget=True)
                opened = await self._open(station, will, version, anew=anew and not apart)
            except VersionRefused:
                if version == versions[-1]:
                    raise
            else:
                if version == MQTT_5 or not self._endures:  # one that is dying hangs up like one of the old school
                    self.version = version
                return opened
        raise AssertionError("no version of MQTT left to try")

    async def _open(
        self, station: Station, will: Message | None, version: Version, *, anew: bool
    ) -> tuple[Connection, bool]:
        login = self._credentials.of(station.name)
        entrance = Entrance(station.name, login, will, station.keepalive_s, anew, version)
        connection = Connection(self._address, entrance, station, self._patience_s, endures=self._endures)
        if self._endures:
            connection.acknowledge_when_told()
        return connection, await connection.open()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_ENDURING_TICK_S if self._endures else _TICK_S)
            for station in list(self._online.values()):
                if station.connection is not None:
                    station.connection.tick()
