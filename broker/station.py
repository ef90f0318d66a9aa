"""A station: one link's place on the wire's far side, where its messages leave and arrive."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from broker.connection import REFUSED, Connection
from broker.ledger import Entry, Ledger
from broker.link import Message

_log = logging.getLogger(__name__)


class Station:
    """Hears what happens on its connection and keeps the ledger true.

    `inbox`, `connected` and `lost` may be used from the link's own thread, the rest belongs to the wire's.
    """

    def __init__(
        self,
        name: str,
        keepalive_s: int,
        ledger: Ledger,
        news: Callable[[str], None],
        loss: Callable[[str, str], None],
        trusts_after_s: float = 0.0,
    ) -> None:
        """*news* of a name: look whether it still waits for something; *loss*: whose connection ended, and why.

        An acknowledgement is passed on once the connection has lived on for *trusts_after_s* wall seconds.
        """
        self.name = name
        self.keepalive_s = keepalive_s
        self.connected = False
        self.lost: str | None = None
        """Why the broker ended the connection, if it did."""
        self.inbox: deque[tuple[tuple[int, int], Message]] = deque()
        """What came, each with the running number of the connection and its number in the ledger."""
        self.visits = 0
        self.will: Message | None = None
        self.connection: Connection | None = None
        self._ledger = ledger
        self._news = news
        self._loss = loss
        self._pending: dict[int, Entry] = {}
        self._thanks: dict[int, Callable[[], None]] = {}
        self._trusts_after_s = trusts_after_s
        self._not_yet: deque[Callable[[], None]] = deque()
        """Whom to thank once the broker's word can be trusted."""

    def send(self, message: Message, acknowledged: Callable[[], None] | None = None) -> None:
        """Publish *message*; on a connection that is gone it is lost, and the link hears of that when it next asks.

        *acknowledged* is called, here, when the broker has it.
        """
        if self.connection is None:
            return
        entry = self._ledger.publish(self.name, message)
        mid = self.connection.publish(message)
        if mid is None:
            self._ledger.void(self.name, entry)
        else:
            self._pending[mid] = entry
            if acknowledged is not None:
                self._thanks[mid] = acknowledged

    def acknowledge(self, visit: int, count: int) -> None:
        """Tell the broker that the *count* oldest messages of that visit, not yet acknowledged, are safe with us."""
        if self.connection is not None and visit == self.visits:
            self.connection.acknowledge(count)

    def heard(self, message: Message) -> None:
        """Put what came into the inbox."""
        self.inbox.append(((self.visits, self._ledger.arrive(self.name, message)), message))
        self._news(self.name)

    def answered(self, mid: int, reason: int) -> None:
        """Strike out what the broker has, or does not want."""
        entry = self._pending.pop(mid, None)
        if entry is None:
            return
        thank = self._thanks.pop(mid, None) if self._thanks else None
        if reason < REFUSED:
            self._ledger.acknowledge(self.name, entry)
            if thank is not None:
                self._pass_on(thank)
        else:
            self._ledger.deny(self.name, entry)
            _log.warning("the broker denied %s a message on %s (reason %d)", self.name, entry.message.topic, reason)
            for reader in entry.readers:
                self._news(reader)
        self._news(self.name)

    def ended(self, why: str) -> None:
        """The broker, or the way to it, is gone: what was not acknowledged has an unknown fate."""
        self._loss(self.name, why)
        self.lost = why
        readers = self.depart()
        for name in (self.name, *readers):
            self._news(name)

    def believe(self) -> None:
        """The broker is alive: what it acknowledged it has."""
        while self._not_yet:
            self._not_yet.popleft()()

    def _pass_on(self, thank: Callable[[], None]) -> None:
        if self._trusts_after_s:
            self._not_yet.append(thank)
            asyncio.get_running_loop().call_later(self._trusts_after_s, self._believe_next, self.visits)
        else:
            thank()

    def _believe_next(self, visit: int) -> None:
        if visit == self.visits and self._not_yet:
            self._not_yet.popleft()()

    def depart(self) -> set[str]:
        """Close the account of this connection; return who no longer waits for something of it."""
        self.connected, self.connection = False, None
        pending, self._pending = self._pending, {}
        self._thanks.clear()
        self._not_yet.clear()
        for entry in pending.values():
            self._ledger.void(self.name, entry)
        self._ledger.leave(self.name)
        return {reader for entry in pending.values() for reader in entry.readers}
