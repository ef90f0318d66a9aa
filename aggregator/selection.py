"""Selection: which devices say of themselves that they are ready, heard over the broker with the server's account.

The server never looks inside a device: it knows what telemetry and ``$state`` tell.
"""

from collections.abc import Collection
from typing import Protocol

from broker import topics
from broker.link import Link
from broker.messages import MalformedTelemetry, Telemetry, decode_telemetry

_READY_STATES = frozenset({"ready", "alert"})
_STATES = _READY_STATES | {"init", "sleeping", "disconnected", "lost"}


class Readiness(Protocol):
    """Who is ready, as far as the server knows."""

    async def look(self) -> Collection[str]:
        """Hear what is new, and return the names of the devices that report ready."""


class Selection:
    """An in-memory view of the devices' last words."""

    def __init__(self, link: Link, fleet: str) -> None:
        """Listen through *link*, the server's own, not yet connected."""
        self._link = link
        self._fleet = fleet
        self._ready: set[str] = set()
        self._state: dict[str, str] = {}
        self.telemetry: dict[str, Telemetry] = {}
        self.malformed = 0
        """Payloads that made no sense, and were ignored."""

    async def open(self) -> None:
        """Connect and subscribe; what devices said before is retained by the broker and comes now."""
        await self._link.connect()
        await self._link.subscribe(topics.everyones(self._fleet, topics.TELEMETRY))
        await self._link.subscribe(topics.everyones(self._fleet, topics.STATE))

    async def close(self) -> None:
        """Say goodbye to the broker."""
        await self._link.close()

    async def look(self) -> Collection[str]:
        """Hear what is new, and return the names of the devices that report ready."""
        await self._link.settled()
        heard: set[str] = set()
        for message in reversed(self._link.take()):  # only the last word of each that makes sense matters
            if message.topic not in heard and self._hear(message.topic, message.payload):
                heard.add(message.topic)
        return self._ready

    def _hear(self, topic: str, payload: bytes) -> bool:
        """Take note of a message; False (and counted) if it makes no sense."""
        said = topics.parse(topic)
        word = payload.decode(errors="replace")
        if said is not None and said.leaf == topics.TELEMETRY:
            try:
                self.telemetry[said.device] = decode_telemetry(payload)
            except MalformedTelemetry:
                said = None
        elif said is not None and word in _STATES:
            self._state[said.device] = word
        else:
            said = None
        if said is None:
            self.malformed += 1
            return False
        self._judge(said.device)
        return True

    def _judge(self, device: str) -> None:
        told = self.telemetry.get(device)
        if told is not None and told.ready and self._state.get(device) in _READY_STATES:
            self._ready.add(device)
        else:
            self._ready.discard(device)
