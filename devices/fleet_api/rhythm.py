"""How often a node is heard of. All of it counts on the wall: the SuperLink knows nothing of life's speed."""

from dataclasses import dataclass

from broker.errors import SettingsError

SHORTEST_BEAT_S = 10.0
LONGEST_BEAT_S = 1_800.0
"""What flwr 1.41 allows between heartbeats (``HEARTBEAT_MIN_INTERVAL``, ``HEARTBEAT_MAX_INTERVAL``)."""

OFTENEST_POLL_S = 1.0
"""By default no node polls more often, however fast life runs."""


@dataclass(frozen=True, kw_only=True)
class Rhythm:
    """The rhythm of one node, in seconds of the wall."""

    poll_s: float = 3.0
    """Between two looks for a task (a stock SuperNode: 3)."""
    beat_s: float = 30.0
    """What the node promises the SuperLink: given up after two of these without a heartbeat (a stock node: 30)."""
    linger_s: float = 15.0
    """How long a node that wants to sign off waits for the ServerApp, which looks every 3 s, to take its last reply."""

    def __post_init__(self) -> None:
        if self.poll_s <= 0 or self.linger_s < 0:
            raise SettingsError(f"poll_s is {self.poll_s}, linger_s is {self.linger_s}: must be above 0, at least 0")
        if not SHORTEST_BEAT_S <= self.beat_s <= LONGEST_BEAT_S:
            limits = f"{SHORTEST_BEAT_S:g} to {LONGEST_BEAT_S:g}"
            raise SettingsError(f"beat_s is {self.beat_s}: the SuperLink allows {limits} seconds between heartbeats")

    @classmethod
    def at_speed(
        cls, speed: float, *, poll_s: float, heartbeat_s: float, oftenest_poll_s: float = OFTENEST_POLL_S
    ) -> "Rhythm":
        """Return the rhythm that *poll_s* and *heartbeat_s*, seconds of life, come to at *speed*, as far as allowed."""
        beat_s = min(max(SHORTEST_BEAT_S, heartbeat_s / speed), LONGEST_BEAT_S)
        return cls(poll_s=max(oftenest_poll_s, poll_s / speed), beat_s=beat_s)
