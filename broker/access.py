"""Who may say and hear what at a fleet's broker: readings are for the wearer's own devices, and for nobody else."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from broker import topics
from broker.filters import matches

SERVER_USER = "server"
"""The aggregator's account: it sees how devices are, never what they measured."""

_SERVER_READS = (topics.STATE, topics.TELEMETRY, topics.EVENTS)


@dataclass(frozen=True)
class Access:
    """The rules of one fleet; *reads* is device → the devices whose readings come to it."""

    fleet: str
    reads: Mapping[str, Collection[str]]

    def __post_init__(self) -> None:
        for name in (self.fleet, *self.reads):
            topics.check_name(name)
        if SERVER_USER in self.reads:
            raise ValueError(f"{SERVER_USER!r} is the server's name, not a device's")

    @property
    def users(self) -> tuple[str, ...]:
        """Everybody who may log in."""
        return (*self.reads, SERVER_USER)

    def may_write(self, user: str, topic: str) -> bool:
        """Whether the broker accepts a message of *user* on *topic*."""
        return any(right == "readwrite" and matches(topic_filter, topic) for right, topic_filter in self._rules(user))

    def may_read(self, user: str, topic: str) -> bool:
        """Whether the broker hands a message on *topic* to *user*."""
        return any(matches(topic_filter, topic) for _, topic_filter in self._rules(user))

    def acl(self) -> str:
        """Return the same rules as Mosquitto's acl_file."""
        lines = []
        for user in self.users:
            lines.append(f"user {user}")
            lines += [f"topic {right} {topic_filter}" for right, topic_filter in self._rules(user)]
        return "\n".join(lines) + "\n"

    def _rules(self, user: str) -> list[tuple[str, str]]:
        root = f"{topics.ROOT}/{self.fleet}"
        if user == SERVER_USER:
            heard = [("read", topics.everyones(self.fleet, leaf)) for leaf in _SERVER_READS]
            return [("readwrite", f"{root}/{topics.SERVER}/#"), *heard]
        if user not in self.reads:
            return []
        others = [other for other in self.reads[user] if other != user]
        return [
            ("readwrite", f"{root}/{user}/#"),
            *(("read", topics.biometrics(self.fleet, other)) for other in others),
        ]
