"""The link: one device's conversation with a broker, whichever broker it is.

Two wires keep these promises: `broker.mqtt.MqttWire` (any real broker) and
`broker.memory.MemoryWire` (the in-process twin); `tests/broker/test_link_contract.py` holds both to them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

PAYLOAD_LIMIT_BYTES: Final = 16 * 1024 * 1024
"""A longer message ends its sender's connection: some 700,000 readings, far above any batch."""

GRACE: Final = 1.5
"""A broker gives a silent link up after so many keepalives (MQTT 5 §3.1.2.10)."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is published or received; a received one has *retain* only if it was stored before one came.

    *again* is the broker's word that it handed a received one over before, unacknowledged (MQTT's DUP flag).
    """

    topic: str
    payload: bytes
    retain: bool = False
    again: bool = field(default=False, compare=False)


class Link(Protocol):
    """One device at one broker: its name is user name and client id in one. All messages travel at QoS 1.

    A link may be connected again after it ended; the broker then remembers its subscriptions and
    has kept what came for it meanwhile.
    """

    name: str

    @property
    def connected(self) -> bool:
        """Whether messages can be sent now."""

    async def connect(self, will: Message | None = None) -> bool:
        """Log in, leaving a last will; return whether the broker remembered this link.

        The first time in a wire's life the broker is asked to forget what an earlier process left behind.
        An older connection of the same name is closed by the broker, its will first.
        Raises BrokerRefused if there is no such broker, or user and password are wrong, BrokerLost if it fell silent.
        """

    async def subscribe(self, topic_filter: str) -> None:
        """Ask for the messages of *topic_filter*, the stored ones first; filters of one link must not overlap.

        Raises ValueError for a filter that cannot be, BrokerLost while not connected.
        """

    def publish(self, message: Message, acknowledged: Callable[[], None] | None = None) -> None:
        """Send, and return at once; raises BrokerLost while not connected, ValueError for a topic with a wildcard.

        *acknowledged* is called once, on the running loop, when the broker has the message; never if it denied it (a
        broker of MQTT 3.1.1 has no word for that) or the connection was lost first.
        """

    async def settled(self) -> None:
        """Wait until all that this wire published for this link is here, and its own messages are acknowledged.

        Raises BrokerLost if the broker ended the connection, HeldTooLong if something never comes.
        """

    def take(self) -> list[Message]:
        """Return what has come since the last time, in the order in which this wire published it."""

    def fall_silent(self) -> None:
        """Lose the way to the broker without a word: what comes is still heard, but no answer gets through.

        The broker finds out after 1.5 × keepalive (of the running loop's time) and publishes the will;
        what was never acknowledged comes again at the next connect.
        """

    def sever(self) -> None:
        """End abruptly, after all that was published has arrived: the broker publishes the will."""

    async def close(self) -> None:
        """Say goodbye: no will."""


class Wire(Protocol):
    """One broker as one process sees it."""

    @property
    def denied(self) -> int:
        """Messages that the broker did not accept from their senders (MQTT 3.1.1 has no word for that)."""

    @property
    def dropped(self) -> int:
        """Messages that were accepted and then lost, for want of room or of memory of a link."""

    def link(self, name: str, keepalive_s: float = 0.0) -> Link:
        """Return a link for *name*, not yet connected; *keepalive_s* = 0: its silence is never noticed."""

    async def settled(self) -> None:
        """Wait until nothing is under way to any connected link."""

    async def close(self) -> None:
        """Disconnect everybody, without wills."""
