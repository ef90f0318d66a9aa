"""The near side of a device: its MQTT session lives while it has power and its near link is up."""

import math

from broker.link import Link
from devices.intake import Intake
from devices.kinds import Kind
from devices.power import Power
from devices.stream import Stream
from devices.voice import Voice


class Near:
    """Opens and loses the link to the wearer's hub, and carries parcels of readings over it."""

    def __init__(
        self, kind: Kind, link: Link, voice: Voice, power: Power, stream: Stream | None, intake: Intake | None
    ) -> None:
        self._cost = kind.near
        self._link = link
        self._voice = voice
        self._power = power
        self._stream = stream
        self._intake = intake
        self.hub_power: Power | None = None
        """Who pays at the other end of the radio; None for a device that is its own hub."""

    @property
    def connected(self) -> bool:
        """Whether the broker can hear the device."""
        return self._link.connected

    @property
    def next_moment_s(self) -> float:
        """When the parcel under way has crossed; never, if there is none."""
        parcel = self._stream.parcel if self._stream is not None else None
        return parcel.due_s if parcel is not None else math.inf

    async def mind(self, now_s: float, *, up: bool) -> None:
        """Connect when the link came up, and lose the session when it broke."""
        if up and not self._link.connected:
            await self._link.connect(self._voice.will)
            self._voice.silenced()
            self._voice.say("init", now_s)
            if self._intake is not None:
                await self._intake.subscribe()
            self.send(now_s)
        elif not up and self._link.connected:
            self._tear(now_s)
            await self._link.settled()  # what had crossed the near link before it broke has arrived
            self._link.sever()

    async def close(self, now_s: float) -> None:
        """Leave in order: say so, and no will is published."""
        if self._link.connected:
            self._tear(now_s)
            self._voice.say("disconnected", now_s)
            await self._link.settled()
            await self._link.close()

    def send(self, now_s: float) -> bool:
        """Begin to send what the outbox holds; return whether there was anything."""
        if self._stream is None or not self._link.connected or self._stream.pack(now_s) is None:
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
            stream.deliver(now_s)
            self._pay(len(parcel.payload))
            parcel = stream.pack(now_s)

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
