"""The broker's twin in this process: the same promises as a real one, by direct calls.

It keeps sessions, stored messages, acknowledgements, wildcards, last wills, takeovers, passwords and
access rules; it leaves out what a fleet does not use (QoS 0 and 2, ``$SYS``, shared subscriptions,
disks). A message has arrived when ``publish`` returns.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace

from broker.access import Access
from broker.credentials import OPEN, Credentials
from broker.errors import BrokerLost, BrokerRefused
from broker.filters import Subscriptions, check_filter, check_topic, covered
from broker.link import GRACE, PAYLOAD_LIMIT_BYTES, Message

_log = logging.getLogger(__name__)


class _Session:
    """What the broker remembers of one name, whether it is connected or not."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.link: MemoryLink | None = None
        self.will: Message | None = None
        self.unanswered: deque[Message] = deque()
        """Handed over, never acknowledged: comes again."""
        self.waiting: deque[Message] = deque()
        """Came while nobody was there."""


class MemoryBroker:
    """One broker; without *access* everything is allowed, without *passwords* everybody may come.

    *queue_limit* bounds what is kept for a link that is away: at the limit the newest is dropped, and counted.
    """

    def __init__(
        self,
        access: Access | None = None,
        passwords: Mapping[str, str] | None = None,
        queue_limit: int | None = None,
    ) -> None:
        self._access = access
        self._passwords = passwords
        self._queue_limit = queue_limit
        self._sessions: dict[str, _Session] = {}
        self._subscriptions = Subscriptions()
        self._stored: dict[str, Message] = {}
        self._routes: dict[tuple[str, str], tuple[_Session, ...] | None] = {}
        self.denied = 0
        self.dropped = 0

    def enter(self, link: "MemoryLink", login: tuple[str, str] | None, will: Message | None, *, anew: bool) -> bool:
        """Connect *link*, forgetting its past if *anew*; return whether there was one."""
        user, password = login or ("", "")
        if self._passwords is not None and (user not in self._passwords or self._passwords[user] != password):
            raise BrokerRefused(f"the broker refuses {link.name}: wrong user or password")
        session = self._sessions.get(link.name)
        if session is not None and session.link is not None:
            self.end(session.link, "another connection of the same name took over")
        if session is None or anew:
            self._subscriptions.forget(link.name)
            self._routes.clear()
            session = self._sessions[link.name] = _Session(link.name)
            present = False
        else:
            present = True
        session.link, session.will = link, will
        link.begun()
        missed, session.waiting = session.waiting, deque()
        for message in missed:
            self._hand_over(session, message)
        return present

    def subscribe(self, name: str, topic_filter: str) -> None:
        """Note a subscription of a connected link and hand over what is stored for it."""
        if self._subscriptions.add(topic_filter, name):
            self._routes.clear()
        session = self._sessions[name]
        for topic in covered(topic_filter, self._stored):
            if self._access is None or self._access.may_read(name, topic):
                self._hand_over(session, self._stored[topic])

    def publish(self, sender: str, message: Message) -> bool:
        """Route one message of *sender*, if it may say that; return whether it might."""
        address = (sender, message.topic)
        try:
            route = self._routes[address]
        except KeyError:
            route = self._routes[address] = self._route(*address)
        if route is None:
            self.denied += 1
            _log.warning("the broker denied %s a message on %s", sender, message.topic)
            return False
        if message.retain:
            if message.payload:
                self._stored[message.topic] = message
            else:
                self._stored.pop(message.topic, None)
            message = Message(message.topic, message.payload)
        for session in route:
            self._hand_over(session, message)
        return True

    def end(self, link: "MemoryLink", why: str | None) -> None:
        """Close *link*'s connection without a goodbye; *why* if it is the broker that ends it."""
        session = self._leave(link, why)
        if session is not None and session.will is not None:
            self.publish(link.name, session.will)

    def leave(self, link: "MemoryLink") -> None:
        """Take *link*'s goodbye."""
        self._leave(link, None)

    def _leave(self, link: "MemoryLink", why: str | None) -> _Session | None:
        session = self._sessions.get(link.name)
        if session is None or session.link is not link:
            return None
        session.link = None
        session.waiting = deque(replace(message, again=True) for message in session.unanswered) + session.waiting
        session.unanswered = deque()
        link.ended(why)
        return session

    def _route(self, sender: str, topic: str) -> tuple[_Session, ...] | None:
        check_topic(topic)
        access, names = self._access, self._subscriptions.matching(topic)
        if access is None:
            return tuple(self._sessions[name] for name in names)
        if not access.may_write(sender, topic):
            return None
        return tuple(self._sessions[name] for name in names if access.may_read(name, topic))

    def _hand_over(self, session: _Session, message: Message) -> None:
        link = session.link
        if link is None:
            if self._queue_limit is not None and len(session.waiting) >= self._queue_limit:
                self.dropped += 1
            else:
                session.waiting.append(message)
            return
        link.inbox.append(message)
        if not link.connected:  # it fell silent: heard, but not answered
            session.unanswered.append(message)


class MemoryLink:
    """One device at the twin."""

    def __init__(self, wire: "MemoryWire", name: str, keepalive_s: float) -> None:
        self.name = name
        self.connected = False
        self.inbox: list[Message] = []
        self._wire = wire
        self._broker = wire.broker
        self._keepalive_s = keepalive_s
        self._patience: asyncio.TimerHandle | None = None
        self._lost: str | None = None

    async def connect(self, will: Message | None = None) -> bool:
        """Log in (see `broker.link.Link`)."""
        return self._broker.enter(self, self._wire.login(self.name), will, anew=self._wire.is_new(self.name))

    async def subscribe(self, topic_filter: str) -> None:
        """Ask for messages (see `broker.link.Link`)."""
        check_filter(topic_filter)
        self._check_connected()
        self._broker.subscribe(self.name, topic_filter)

    def publish(self, message: Message, acknowledged: Callable[[], None] | None = None) -> None:
        """Send: it has arrived when this returns."""
        self._check_connected()
        if len(message.payload) > PAYLOAD_LIMIT_BYTES:
            self._broker.end(
                self, f"a payload of {len(message.payload)} bytes, at most {PAYLOAD_LIMIT_BYTES} are taken"
            )
        elif self._broker.publish(self.name, message) and acknowledged is not None:
            asyncio.get_running_loop().call_soon(acknowledged)

    async def settled(self) -> None:
        """Nothing to wait for; raises BrokerLost if the broker ended the connection."""
        if self._lost is not None:
            self._check_connected()

    def take(self) -> list[Message]:
        """Return what has come since the last time."""
        taken, self.inbox = self.inbox, []
        return taken

    def fall_silent(self) -> None:
        """Hear, but answer no more; the broker notices after 1.5 × keepalive of the running loop's time."""
        self._check_connected()
        self.connected = False
        if self._keepalive_s > 0:
            delay_s = GRACE * self._keepalive_s
            self._patience = asyncio.get_running_loop().call_later(delay_s, self._broker.end, self, None)

    def sever(self) -> None:
        """End abruptly: the will is out when this returns."""
        self._broker.end(self, None)

    async def close(self) -> None:
        """Say goodbye."""
        self._broker.leave(self)

    def begun(self) -> None:
        """Hear from the broker's side that the connection stands."""
        self.connected, self._lost = True, None

    def ended(self, why: str | None) -> None:
        """Hear from the broker's side that the connection is over."""
        self.connected, self._lost = False, why
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _check_connected(self) -> None:
        if not self.connected:
            raise BrokerLost(f"{self.name} is not connected{f': {self._lost}' if self._lost else ''}")


class MemoryWire:
    """A twin as one process sees it."""

    def __init__(self, broker: MemoryBroker | None = None, credentials: Credentials = OPEN) -> None:
        self.broker = broker or MemoryBroker()
        self._credentials = credentials
        self._links: list[MemoryLink] = []
        self._met: set[str] = set()

    @property
    def denied(self) -> int:
        """Messages that the broker did not accept from their senders."""
        return self.broker.denied

    @property
    def dropped(self) -> int:
        """Messages for which a link that was away had no room left."""
        return self.broker.dropped

    def link(self, name: str, keepalive_s: float = 0.0) -> MemoryLink:
        """Return a link for *name*, not yet connected; *keepalive_s* = 0: its silence is never noticed."""
        link = MemoryLink(self, name, keepalive_s)
        self._links.append(link)
        return link

    def login(self, name: str) -> tuple[str, str] | None:
        """Return how *name* logs in."""
        return self._credentials.of(name)

    def is_new(self, name: str) -> bool:
        """Whether *name* comes through this wire for the first time; from now on it is known."""
        new = name not in self._met
        self._met.add(name)
        return new

    async def settled(self) -> None:
        """Nothing to wait for."""

    async def close(self) -> None:
        """Disconnect everybody, without wills."""
        for link in self._links:
            await link.close()
