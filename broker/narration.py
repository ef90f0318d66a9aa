"""The narration: processes of a live fleet tell their events over MQTT, and whoever writes the run folder hears them.

Every event carries its *teller*, one run of one process, and its number there, for it may arrive twice.
"""

import logging
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import orjson

from broker import topics
from broker.access import SERVER_USER
from broker.address import Address
from broker.credentials import Credentials
from broker.events import Event, as_record
from broker.events.reading import MalformedEvent, event_from
from broker.lasting import LastingClient

_MOST_TELLERS = 10_000
_MOST_OUT_OF_ORDER = 10_000
"""Numbers remembered beyond a gap, per teller: what is missing below them never comes any more."""
_LAST_NUMBER = 2**53
_LONGEST_TELLER = 100

_log = logging.getLogger(__name__)


class Narrator:
    """Tells the events of one process, logged in as *user*; *teller* must be this process's alone.

    The server's user tells everything on the server's own topic, any other what concerns a device on that device's.
    """

    def __init__(self, address: Address, credentials: Credentials, user: str, fleet: str, teller: str) -> None:
        self.client = LastingClient(address, credentials.of(user), teller)
        """The connection, for what else this user has to say or to hear."""
        self._fleet = fleet
        self._teller = teller
        self._is_server = user == SERVER_USER
        self._turn = threading.Lock()
        self._number = 0
        self.life: float | None = None
        """The pace's ``t0_unix``: which life of the fleet the events are of; None while it is not known."""
        self.failed = 0
        """Events that could not be told: not to be put into JSON, or of a device that has no name."""

    def connect(self, patience_s: float) -> None:
        """Connect (blocking; see `LastingClient.connect`); what is recorded before waits."""
        self.client.connect(patience_s)

    def record(self, event: Event) -> None:
        """Tell *event*, from any thread, and return at once; never raises."""
        try:
            if self._is_server or event.device is None:
                topic = topics.server_events(self._fleet)
            else:
                topic = topics.events(self._fleet, event.device)
            line = as_record(event)
            with self._turn:  # numbers go out in their order, and none is left out
                told = {**line, "teller": self._teller, "n": self._number + 1, "life": self.life}
                payload = orjson.dumps(told, option=orjson.OPT_SERIALIZE_NUMPY)
                self._number += 1
                self.client.publish(topic, payload)
        except Exception:  # who lives must not die of not being heard
            self.failed += 1
            _log.exception("%s cannot tell of %s", self._teller, type(event).__name__)

    def close(self, patience_s: float) -> int:
        """Wait (blocking) until the broker has everything; return how many events are missing."""
        return self.client.close(patience_s)


class Follower:
    """Hears every event of a fleet once, in its own thread; whatever makes no sense is counted and dropped.

    Events of one teller come in their order unless a broker died: then those it lost come a little later.
    """

    def __init__(
        self, address: Address, credentials: Credentials, user: str, fleet: str, hear: Callable[[Event], None]
    ) -> None:
        self.client = LastingClient(address, credentials.of(user), f"{user}-follows-{secrets.token_hex(4)}")
        """The connection, for what else this user has to say or to hear."""
        self._fleet = fleet
        self._hear = hear
        self._tellers: OrderedDict[str, _Told] = OrderedDict()
        self.life: float | None = None
        """The pace's ``t0_unix``: what is told of another life of the fleet is not heard. None: all is."""
        self.malformed = 0
        self.doubled = 0
        """Messages that came again; they were heard once."""
        self.foreign = 0
        """Events of another life."""
        self.client.subscribe(topics.everyones(fleet, topics.EVENTS), self._heard)

    @property
    def missing(self) -> int:
        """Events that were told, as later numbers show, and have not come (yet)."""
        return sum(told.missing for told in list(self._tellers.values()))

    def connect(self, patience_s: float) -> None:
        """Connect (blocking; see `LastingClient.connect`); from now on nothing is missed."""
        self.client.connect(patience_s)

    def close(self) -> None:
        """Hear no more."""
        self.client.close(0.0)

    def _heard(self, topic: str, payload: bytes) -> None:
        try:
            teller, number, life, event = _read(topic, payload)
        except MalformedEvent as error:
            self.malformed += 1
            if self.malformed == 1:
                _log.warning("%s: no event: %s (further ones are counted)", topic, error)
            return
        if not self._told(teller).is_new(number):
            self.doubled += 1
        elif None not in (life, self.life) and life != self.life:
            self.foreign += 1
        else:
            self._hear(event)

    def _told(self, teller: str) -> "_Told":
        told = self._tellers.get(teller)
        if told is None:
            told = self._tellers[teller] = _Told()
            if len(self._tellers) > _MOST_TELLERS:
                self._tellers.popitem(last=False)
        self._tellers.move_to_end(teller)
        return told


class _Told:
    """Which numbers of one teller have come: all up to `whole`, and some beyond."""

    def __init__(self) -> None:
        self.whole = 0
        self.missing = 0
        self._highest = 0
        self._beyond: set[int] = set()

    def is_new(self, number: int) -> bool:
        """Note that *number* came; return whether it did so for the first time."""
        if number <= self.whole or number in self._beyond:
            return False
        self._beyond.add(number)
        if number > self._highest:
            self.missing += number - self._highest - 1
            self._highest = number
        else:
            self.missing -= 1
        if len(self._beyond) > _MOST_OUT_OF_ORDER:
            self.whole = min(self._beyond) - 1
        while self.whole + 1 in self._beyond:
            self.whole += 1
            self._beyond.remove(self.whole)
        return True


def _read(topic: str, payload: bytes) -> tuple[str, int, float | None, Event]:
    try:
        record: Any = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise MalformedEvent(f"not JSON: {error}") from None
    if type(record) is not dict:
        raise MalformedEvent("expected a JSON object")
    teller, number = record.pop("teller", None), record.pop("n", None)
    if type(teller) is not str or not 0 < len(teller) <= _LONGEST_TELLER:
        raise MalformedEvent(f"teller is {teller!r:.50}, expected a name")
    if type(number) is not int or not 0 < number < _LAST_NUMBER:
        raise MalformedEvent(f"n is {number!r:.50}, expected a whole number from 1")
    life = record.pop("life", None)
    if type(life) not in (int, float, type(None)):
        raise MalformedEvent(f"life is {life!r:.50}, expected when it began, in Unix seconds")
    event = event_from(record)
    where = topics.device_of(topic)
    if where != topics.SERVER and event.device != where:
        raise MalformedEvent(f"{event.device} is told of on {topic}")
    return teller, number, life, event
