"""Selection: which devices say of themselves that they are ready, heard over the broker with the server's account.

In virtual time the server asks its link for news when it wants to know; live they come by themselves.
"""

import threading
from collections.abc import Callable, Collection, Mapping
from typing import Protocol

from aggregator.reports import LEAVES, Reports
from broker import topics
from broker.link import Link
from broker.messages import Telemetry


class Readiness(Protocol):
    """Who is ready, as far as the server knows."""

    async def look(self) -> Collection[str]:
        """Hear what is new, and return the names of the devices that report ready."""

    def reports(self) -> Mapping[int, Telemetry]:
        """Return the last report of each node, by Flower's node id, as heard by the last look."""


class Selection:
    """What a link of the server's own brings, read when somebody looks."""

    def __init__(self, link: Link, fleet: str) -> None:
        """Listen through *link*, not yet connected."""
        self._link = link
        self._fleet = fleet
        self._reports = Reports()

    @property
    def telemetry(self) -> Mapping[str, Telemetry]:
        """Device → its last report that made sense."""
        return self._reports.telemetry

    @property
    def malformed(self) -> int:
        """Payloads that made no sense, and were ignored."""
        return self._reports.malformed

    async def open(self) -> None:
        """Connect and subscribe; what devices said before is retained by the broker and comes now."""
        await self._link.connect()
        for leaf in LEAVES:
            await self._link.subscribe(topics.everyones(self._fleet, leaf))

    async def close(self) -> None:
        """Say goodbye to the broker."""
        await self._link.close()

    async def look(self) -> Collection[str]:
        """Hear what is new, and return the names of the devices that report ready."""
        await self._link.settled()
        heard: set[str] = set()
        for message in reversed(self._link.take()):  # only the last word of each that makes sense matters
            if message.topic not in heard and self._reports.hear(message.topic, message.payload):
                heard.add(message.topic)
        return self._reports.ready

    def reports(self) -> Mapping[int, Telemetry]:
        """Return the last report of each node, as heard by the last look."""
        return self._reports.by_node


class Ear(Protocol):
    """A client that brings messages in a thread of its own, such as `broker.lasting.LastingClient`."""

    def subscribe(self, topic_filter: str, hear: Callable[[str, bytes], None]) -> None:
        """Have *hear* called with topic and payload of each message, the stored ones first."""


class LiveSelection:
    """What comes by itself, at any time; both sides may look at once."""

    def __init__(self, ear: Ear, fleet: str) -> None:
        """Listen from now on."""
        self._reports = Reports()
        self._turn = threading.Lock()
        for leaf in LEAVES:
            ear.subscribe(topics.everyones(fleet, leaf), self._hear)

    def ready(self) -> Collection[str]:
        """Return the names of the devices that report ready."""
        with self._turn:
            return frozenset(self._reports.ready)

    def nodes(self) -> Mapping[int, str]:
        """Return Flower's node id → the device that says it is its own now."""
        with self._turn:
            return self._reports.nodes

    def reports(self) -> Mapping[int, Telemetry]:
        """Return the last report of each node."""
        with self._turn:
            return self._reports.by_node

    def _hear(self, topic: str, payload: bytes) -> None:
        with self._turn:
            self._reports.hear(topic, payload)
