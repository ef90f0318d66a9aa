"""The ledger of one wire: what was published and has not arrived, by the wire's own bookkeeping.

An acknowledgement says that the broker has a message, not that its readers have it. So the wire
notes for every message whose subscriptions it meets, and strikes it out when it is there. Messages
are numbered in the order of publishing: in this order they are read.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import TypeAlias

from broker.filters import Subscriptions, covered
from broker.link import Message

Said: TypeAlias = tuple[str, bytes]


@dataclass(slots=True)
class _Standing:
    """One name: what is owed to it, and how much of its own the broker has not acknowledged."""

    online: bool = False
    silent: bool = False
    unacknowledged: int = 0
    owing: int = 0
    owed: dict[Said, deque[int]] = field(default_factory=dict)
    heard: list[tuple[Said, int]] = field(default_factory=list)
    """Arrived, but never acknowledged: comes again."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One published message, until the broker acknowledges it."""

    number: int
    message: Message
    readers: tuple[str, ...]


class Ledger:
    """Who owes what to whom. Only `quiet` and `under_way` may be asked from another thread.

    With *endures* nothing is owed to who is away: a broker that died may have forgotten it.
    """

    def __init__(self, *, endures: bool = False) -> None:
        self._endures = endures
        self._standings: dict[str, _Standing] = {}
        self._subscriptions = Subscriptions()
        self._stored: dict[str, Message] = {}
        self._number = 0
        self.under_way = 0
        """Messages that are owed to somebody online or wait for their acknowledgement."""
        self.denied = 0
        self.dropped = 0

    def enter(self, name: str, *, remembered: bool) -> None:
        """Note that *name* is connected; if the broker does not remember it, what was kept for it is lost."""
        standing = self._standing(name)
        if not remembered:
            self.dropped += standing.owing
            self._subscriptions.forget(name)
            standing = self._standings[name] = _Standing()
        standing.online, standing.silent = True, False
        self.under_way += standing.owing

    def leave(self, name: str) -> None:
        """Note that *name* is gone; what comes for it waits at the broker."""
        standing = self._standing(name)
        if not standing.online:
            return
        self.under_way -= standing.owing
        standing.online = standing.silent = False
        for said, number in reversed(standing.heard):
            standing.owed.setdefault(said, deque()).appendleft(number)
            standing.owing += 1
        standing.heard.clear()
        if self._endures:
            standing.owing = 0
            standing.owed.clear()

    def write_off(self, name: str) -> None:
        """Note that nobody waits any more for what is owed to *name*."""
        standing = self._standing(name)
        self.under_way -= standing.owing if standing.online else 0
        standing.owing = 0
        standing.owed.clear()

    def hush(self, name: str) -> None:
        """Note that *name* acknowledges no more: what it hears from now on will come again."""
        self._standing(name).silent = True

    def subscribe(self, name: str, topic_filter: str) -> None:
        """Note a subscription, and that the stored messages it covers are owed to *name*."""
        self._subscriptions.add(topic_filter, name)
        for topic in covered(topic_filter, self._stored):
            self._number += 1
            self._owe(name, self._stored[topic])

    def publish(self, name: str, message: Message) -> Entry:
        """Note a message that *name* sends now."""
        self._standing(name).unacknowledged += 1
        self.under_way += 1
        return self._note(message)

    def bequeath(self, will: Message) -> tuple[str, ...]:
        """Note a last will that the broker publishes now; return who reads it."""
        self._store(will)
        return self._note(will).readers

    def acknowledge(self, name: str, entry: Entry) -> None:
        """Note that the broker has a message."""
        self._answer(name)
        self._store(entry.message)

    def deny(self, name: str, entry: Entry) -> None:
        """Note that the broker did not take a message: nobody waits for it any more."""
        self.denied += 1
        self.void(name, entry)

    def void(self, name: str, entry: Entry) -> None:
        """Note that nobody will ever know what became of a message."""
        self._answer(name)
        for reader in entry.readers:
            self._strike(reader, (entry.message.topic, entry.message.payload), entry.number)

    def arrive(self, name: str, message: Message) -> int:
        """Strike out what arrived at *name*; return its number (that of the newest for what others published)."""
        standing = self._standing(name)
        said = (message.topic, message.payload)
        numbers = standing.owed.get(said)
        if not numbers:
            return self._number
        number = numbers[0]
        self._strike(name, said, number)
        if standing.silent:
            standing.heard.append((said, number))
        return number

    def quiet(self, name: str) -> bool:
        """Whether nothing of *name* is unacknowledged and nothing is on its way to it."""
        standing = self._standings.get(name)
        return standing is None or not (standing.unacknowledged or (standing.online and standing.owing))

    def missing(self, name: str | None) -> str:
        """Tell what *name* (None: anybody) still waits for, for an error message."""
        parts = []
        for who, standing in self._standings.items():
            if name not in (None, who) or self.quiet(who):
                continue
            if standing.unacknowledged:
                parts.append(f"{standing.unacknowledged} of {who}'s messages are not acknowledged")
            if standing.online and standing.owing:
                topics = sorted({topic for topic, _ in standing.owed})
                more = f" and {len(topics) - 3} more" if len(topics) > 3 else ""
                parts.append(f"{standing.owing} never reached {who}, on {', '.join(topics[:3])}{more}")
        return "; ".join(parts[:5]) or "nothing"

    def _standing(self, name: str) -> _Standing:
        standing = self._standings.get(name)
        if standing is None:
            standing = self._standings[name] = _Standing()
        return standing

    def _answer(self, name: str) -> None:
        self._standing(name).unacknowledged -= 1
        self.under_way -= 1

    def _note(self, message: Message) -> Entry:
        self._number += 1
        readers = self._subscriptions.matching(message.topic)
        for reader in readers:
            self._owe(reader, message)
        return Entry(self._number, message, readers)

    def _owe(self, name: str, message: Message) -> None:
        standing = self._standing(name)
        if self._endures and not standing.online:
            return
        standing.owed.setdefault((message.topic, message.payload), deque()).append(self._number)
        standing.owing += 1
        self.under_way += standing.online

    def _strike(self, name: str, said: Said, number: int) -> None:
        standing = self._standing(name)
        numbers = standing.owed.get(said)
        if numbers is None or number not in numbers:
            return
        numbers.remove(number)
        if not numbers:
            del standing.owed[said]
        standing.owing -= 1
        self.under_way -= standing.online

    def _store(self, message: Message) -> None:
        if not message.retain:
            return
        if message.payload:
            self._stored[message.topic] = message
        else:
            self._stored.pop(message.topic, None)
