"""Who may say and hear what at a fleet's broker: readings are for the wearer's own devices, and for nobody else."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from broker import topics
from broker.filters import matches

SERVER_USER = "server"
"""The aggregator's account: it sees how devices are, never what they measured."""
OBSERVER_USER = "observer"
"""The account for dashboards and the curious: it hears what the server hears, and says nothing."""
HEALTH_USER = "health"
"""The account of a health check: it may ask how long the broker has been running."""
EVERYBODY_FILE = "all"
"""No user: the name of the credentials file that holds everybody's line."""

_OVERSEEN = (topics.STATE, topics.TELEMETRY, topics.EVENTS)
_TAKEN = (SERVER_USER, OBSERVER_USER, HEALTH_USER, EVERYBODY_FILE)
_UPTIME = "$SYS/broker/uptime"


@dataclass(frozen=True)
class Access:
    """The rules of one fleet; *reads* is device → the devices whose readings come to it.

    *houses* is user → devices: a process that hosts devices tells their events in one connection of its own.
    """

    fleet: str
    reads: Mapping[str, Collection[str]]
    houses: Mapping[str, Collection[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in (self.fleet, *self.reads, *self.houses):
            topics.check_name(name)
        for name in (*self.reads, *self.houses):
            if name in _TAKEN:
                raise ValueError(
                    f"{name!r} is a name that the broker's own accounts have, not a device's nor a house's"
                )
        for house, devices in self.houses.items():
            if house in self.reads:
                raise ValueError(f"{house!r} is a device's name, not a house's")
            for device in devices:
                if device not in self.reads:
                    raise ValueError(f"{device!r} in the house {house!r} is no device's name of this fleet")

    @property
    def users(self) -> tuple[str, ...]:
        """Everybody who may log in."""
        return (*self.reads, SERVER_USER, OBSERVER_USER, *self.houses, HEALTH_USER)

    def may_write(self, user: str, topic: str) -> bool:
        """Whether the broker accepts a message of *user* on *topic*."""
        return any(right != "read" and matches(topic_filter, topic) for right, topic_filter in self._rules(user))

    def may_read(self, user: str, topic: str) -> bool:
        """Whether the broker hands a message on *topic* to *user*."""
        return any(right != "write" and matches(topic_filter, topic) for right, topic_filter in self._rules(user))

    def acl(self) -> str:
        """Return the same rules as Mosquitto's acl_file."""
        lines = []
        for user in self.users:
            lines.append(f"user {user}")
            lines += [f"topic {right} {topic_filter}" for right, topic_filter in self._rules(user)]
        return "\n".join(lines) + "\n"

    def _rules(self, user: str) -> list[tuple[str, str]]:
        clock = topics.clock(self.fleet)
        if user in self.reads:  # four topics and no more: whoever could store on any number would fill the broker
            own = [("readwrite", topics.of_device(self.fleet, user, leaf)) for leaf in topics.LEAVES]
            others = [("read", topics.biometrics(self.fleet, other)) for other in self.reads[user] if other != user]
            return [*own, *others, ("read", clock)]
        if user in self.houses:
            told = [("write", topics.events(self.fleet, device)) for device in self.houses[user]]
            return [*told, ("read", topics.server_state(self.fleet)), ("read", clock)]
        overseen = [("read", topics.everyones(self.fleet, leaf)) for leaf in _OVERSEEN]
        if user == SERVER_USER:
            return [("readwrite", topics.servers_all(self.fleet)), ("readwrite", clock), *overseen]
        if user == OBSERVER_USER:
            return [*overseen, ("read", clock)]
        return [("read", _UPTIME)] if user == HEALTH_USER else []
