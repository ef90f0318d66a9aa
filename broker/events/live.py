"""What is told only live, by devices and servers in processes of their own, to whoever writes the run folder."""

from collections.abc import Mapping
from dataclasses import dataclass

from broker.events.event import Event


@dataclass(frozen=True, slots=True)
class IntervalLived(Event):
    """A line of life.csv is complete: from *from_s* to *to_s* nothing in it changed; batteries are shares of 1."""

    from_s: float
    to_s: float
    power: bool
    charging: bool
    battery_start: float
    battery_end: float
    near_link: bool
    far_link: str
    place: str
    worn: bool
    in_use: bool
    why_not: str | None


@dataclass(frozen=True, slots=True)
class DeviceReported(Event):
    """A device's own counters so far (the columns of devices.csv that it knows itself); energies in joules."""

    figures: Mapping[str, int | float | None]


@dataclass(frozen=True, slots=True)
class HubLost(Event):
    """The broker is gone, or refuses the device: readings wait in the outbox. *reason* is its last word."""

    reason: str


@dataclass(frozen=True, slots=True)
class HubFound(Event):
    """The broker is back, *after_s* seconds of life later."""

    after_s: float


@dataclass(frozen=True, slots=True)
class ServerLost(Event):
    """The SuperLink does not answer although the far link is up."""

    reason: str


@dataclass(frozen=True, slots=True)
class ServerFound(Event):
    """The SuperLink answers again, *after_s* seconds of life later."""

    after_s: float


@dataclass(frozen=True, slots=True)
class MessageRefused(Event):
    """A sealed payload was altered, replayed, reordered or sealed with another key; it was dropped."""

    topic: str
    error: str


@dataclass(frozen=True, slots=True)
class StorageFull(Event):
    """The device's disk is full: readings wait in memory, or are dropped and counted, until there is room."""

    error: str


@dataclass(frozen=True, slots=True)
class MetricsNoted(Event):
    """Flower's metrics of one round under Flower's own *name* (train_metrics_clientapp …)."""

    round: int
    name: str
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class ModelShared(Event):
    """The global model after *round* (0: initial): a NumPy ``.npz`` in base64; not written into the journal."""

    round: int
    npz_base64: str


@dataclass(frozen=True, slots=True)
class ServerResumed(Event):
    """Another ServerApp goes on in place of one that died, with the model after *round*; what came later is lost."""

    round: int


@dataclass(frozen=True, slots=True)
class ServerEnded(Event):
    """The ServerApp came to its end: *cause* as in `RunFinished`, *reason* in words."""

    cause: str
    reason: str
