"""The near side of a device: its MQTT session lives while it has power and its near link is up."""

import asyncio
import math
from collections.abc import Callable

from broker import events as ev
from broker.errors import BrokerLost, BrokerRefused
from broker.link import Link
from devices.intake import Intake
from devices.kinds import Kind
from devices.power import Power
from devices.stream import Stream
from devices.voice import Voice


class Near:
    """Opens and loses the link to the wearer's hub, and carries parcels of readings over it."""

    def __init__(
        self,
        device: str,
        kind: Kind,
        link: Link,
        voice: Voice,
        power: Power,
        stream: Stream | None,
        intake: Intake | None,
        record: ev.Record,
        ring: Callable[[], None],
        hub_retry_s: float | None = None,
    ) -> None:
        """*hub_retry_s*: a hub that is gone is looked for again so often; None: without it nothing can go on.

        *ring* is called when something came of looking for it.
        """
        self._device = device
        self._cost = kind.near
        self._link = link
        self._voice = voice
        self._power = power
        self._stream = stream
        self._intake = intake
        self._record = record
        self._ring = ring
        self._hub_retry_s = hub_retry_s
        self._looking: asyncio.Task[None] | None = None
        self._again_s = -math.inf
        self._missing_since_s: float | None = None
        self._in_session = False
        self.hub_power: Power | None = None
        """Who pays at the other end of the radio; None for a device that is its own hub."""
        self.taker = self
        """Who takes the readings: live, where everybody finds the broker at a moment of its own, none leave before it
        has asked for them. (A broker acknowledges what nobody asked for, and drops it.)"""

    @property
    def connected(self) -> bool:
        """Whether the broker can hear the device."""
        return self._link.connected

    @property
    def takes(self) -> bool:
        """Whether the broker has been asked for readings; in virtual time it always has."""
        return self._hub_retry_s is None or (self._in_session and self._link.connected)

    @property
    def next_moment_s(self) -> float:
        """When the parcel under way has crossed, or a hub that is gone is looked for again; never, if neither."""
        parcel = self._stream.parcel if self._stream is not None else None
        crossed_s = parcel.due_s if parcel is not None else math.inf
        waits = self._missing_since_s is not None and self._looking is None
        return min(crossed_s, self._again_s) if waits else crossed_s

    async def mind(self, now_s: float, *, up: bool) -> None:
        """Connect when the link came up, or the hub is back, and lose the session when the link broke."""
        if up and not self._link.connected:
            await self._seek(now_s)
        elif not up and self._link.connected:
            self._tear(now_s)
            await self._link.settled()  # what had crossed the near link before it broke has arrived
            self._link.sever()
            self._in_session = False
        elif not up:
            self._missing_since_s, self._again_s, self._in_session = None, -math.inf, False

    async def close(self, now_s: float) -> None:
        """Leave in order: say so, and no will is published."""
        if self._link.connected:
            self._tear(now_s)
            self._voice.say("disconnected", now_s)
            await self._link.settled()
            await self._link.close()
            self._in_session = False

    def send(self, now_s: float) -> bool:
        """Begin to send what the outbox holds; return whether there was anything."""
        if self._stream is None or not self._link.connected or not self.taker.takes:
            return False
        if self._stream.pack(now_s) is None:
            return False
        self.deliver(now_s)
        return True

    def deliver(self, now_s: float) -> None:
        """Hand over every parcel that has crossed by now."""
        stream = self._stream
        if stream is None:
            return
        parcel = stream.parcel
        while parcel is not None and parcel.due_s <= now_s:
            if stream.deliver(now_s) is None:
                return
            self._pay(len(parcel.payload))
            parcel = stream.pack(now_s)

    async def end(self) -> None:
        """Look for the hub no more."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait({self._looking})

    async def _seek(self, now_s: float) -> None:
        """Begin a session; live, where a hub may be slow or gone, life goes on meanwhile."""
        if self._in_session:
            self._hub_is_gone(now_s, "the connection ended")
        if self._hub_retry_s is None:
            await self._come_in(now_s)
        elif self._looking is None and now_s >= self._again_s:
            self._looking = asyncio.create_task(self._look(now_s + self._hub_retry_s), name=f"{self._device}/hub")

    async def _come_in(self, now_s: float) -> None:
        await self._link.connect(self._voice.will)
        self._voice.silenced()
        self._voice.say("init", now_s)
        if self._intake is not None:
            await self._intake.subscribe()
        self._in_session = True
        self.send(now_s)

    async def _look(self, again_s: float) -> None:
        """Try once; if it is in vain readings wait, and the hub is looked for again from *again_s* on."""
        loop = asyncio.get_running_loop()
        try:
            await self._come_in(loop.time())
        except (BrokerLost, BrokerRefused) as error:
            self._hub_is_gone(loop.time(), str(error))
            self._again_s = max(again_s, loop.time())
        else:
            if self._missing_since_s is not None:
                self._record(ev.HubFound(loop.time(), self._device, loop.time() - self._missing_since_s))
            self._missing_since_s = None
        finally:
            self._looking = None
            self._ring()

    def _hub_is_gone(self, now_s: float, reason: str) -> None:
        self._in_session = False
        if self._missing_since_s is None:
            self._missing_since_s = now_s
            self._record(ev.HubLost(now_s, self._device, reason))
            self._tear(now_s)
            if self._stream is not None:
                self._stream.recall()

    def _tear(self, now_s: float) -> None:
        if self._stream is not None:
            self._pay(self._stream.tear(now_s))

    def _pay(self, size_bytes: float) -> None:
        """Both ends of a radio pay for the bytes that crossed it."""
        if self._cost is None or self.hub_power is None or size_bytes <= 0:
            return
        joules = self._cost.energy_j(size_bytes)
        self._power.spend("near", joules)
        self.hub_power.spend("near", joules)
