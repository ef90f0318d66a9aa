"""The exchange: all MQTT connections of one wire and its ledger, on the wire's own loop.

Whatever changes who hears what (a connect, a subscription, an end) waits until all that was
published before has arrived, so that a run's messages do not depend on how fast the broker is.
"""

import asyncio
from collections import defaultdict

from broker.address import Address
from broker.connection import Connection, VersionRefused
from broker.credentials import Credentials
from broker.entrance import MQTT_3, MQTT_5, Entrance, Version
from broker.errors import BrokerLost, FleetbeatError, HeldTooLong
from broker.ledger import Ledger
from broker.link import Message
from broker.station import Station

_TICK_S = 60.0
"""Wall seconds between two looks at who must ping."""


class Exchange:
    """Everything here runs on the wire's loop; *patience_s* bounds, on the wall, every wait for the broker."""

    def __init__(self, address: Address, credentials: Credentials, patience_s: float) -> None:
        self.ledger = Ledger()
        self.failure: FleetbeatError | None = None
        """What went wrong where nobody was waiting to hear of it."""
        self.version: Version | None = None
        """What the broker speaks, once it has spoken."""
        self._address = address
        self._credentials = credentials
        self._patience_s = patience_s
        self._online: dict[str, Station] = {}
        self._met: set[str] = set()
        self._waiting: defaultdict[str | None, list[asyncio.Future[None]]] = defaultdict(list)
        self._ticking: asyncio.Task[None] | None = None

    def station(self, name: str, keepalive_s: int) -> Station:
        """Return a place for a link."""
        return Station(name, keepalive_s, self.ledger, self._news)

    async def enter(self, station: Station, will: Message | None) -> bool:
        """Connect *station*; an older connection of its name is cut first (Mosquitto would keep its will to itself)."""
        older = self._online.get(station.name)
        if older is not None and older.connection is not None:
            await self.cut(older)
            if older is not station:
                older.lost = "another connection of the same name took over"
        station.visits += 1
        anew = station.name not in self._met
        connection, present = await self._greet(station, will, anew=anew)
        if connection.is_over:
            raise BrokerLost(f"{station.name} is not connected: {station.lost}")
        self._met.add(station.name)
        self.ledger.enter(station.name, remembered=present)
        station.connection, station.will, station.lost, station.connected = connection, will, None, True
        self._online[station.name] = station
        if station.keepalive_s and self._ticking is None:
            self._ticking = asyncio.create_task(self._tick(), name="wire/tick")
        return present

    async def subscribe(self, station: Station, topic_filter: str) -> None:
        """Subscribe; stored messages are owed from the broker's answer on."""
        await self.until_quiet(None)
        if station.connection is None:
            raise BrokerLost(f"{station.name} is not connected")
        self.ledger.subscribe(station.name, topic_filter)
        await station.connection.subscribe(topic_filter)

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
            station.depart()
            await connection.say_goodbye(forget=False)

    async def end(self) -> None:
        """Say goodbye for everybody, and have the broker forget them."""
        if self._ticking is not None:
            self._ticking.cancel()
        connections = [station.connection for station in self._online.values() if station.connection is not None]
        await asyncio.gather(*(connection.say_goodbye(forget=True) for connection in connections))
        for station in self._online.values():
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

    def _is_quiet(self, name: str | None) -> bool:
        return self.ledger.under_way == 0 if name is None else self.ledger.quiet(name)

    def _news(self, name: str) -> None:
        for who in (name, None):
            waiting = self._waiting.get(who)
            if waiting and self._is_quiet(who):
                for quiet in waiting:
                    if not quiet.done():
                        quiet.set_result(None)

    async def _round_off(self, name: str) -> None:
        try:
            await self.until_quiet(name)
        except FleetbeatError as error:
            self.failure = self.failure or error

    async def _greet(self, station: Station, will: Message | None, *, anew: bool) -> tuple[Connection, bool]:
        versions = (MQTT_5, MQTT_3) if self.version is None else (self.version,)
        for version in versions:
            try:
                if version == MQTT_3 and anew:  # there, forgetting the past means to have no future either
                    past, _ = await self._open(station, None, version, anew=True)
                    await past.say_goodbye(forget=True)
                opened = await self._open(station, will, version, anew=anew and version == MQTT_5)
            except VersionRefused:
                if version == versions[-1]:
                    raise
            else:
                self.version = version
                return opened
        raise AssertionError("no version of MQTT left to try")

    async def _open(
        self, station: Station, will: Message | None, version: Version, *, anew: bool
    ) -> tuple[Connection, bool]:
        login = self._credentials.of(station.name)
        entrance = Entrance(station.name, login, will, station.keepalive_s, anew, version)
        connection = Connection(self._address, entrance, station, self._patience_s)
        return connection, await connection.open()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            for station in list(self._online.values()):
                if station.connection is not None:
                    station.connection.tick()
