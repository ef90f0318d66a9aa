"""What happens to a device: its wearer, its battery, its readings."""

from dataclasses import dataclass

from broker.events.event import Event


@dataclass(frozen=True, slots=True)
class LifeChanged(Event):
    """The wearer or the world did something: *what* is a column of life.csv."""

    what: str
    value: bool | str
    battery: float


@dataclass(frozen=True, slots=True)
class StateChanged(Event):
    """The device's own word for itself: init, ready, sleeping, alert, disconnected or lost."""

    state: str


@dataclass(frozen=True, slots=True)
class RadioSlept(Event):
    """The battery is so low that the device lets its far radio sleep: the server cannot reach it."""

    battery: float


@dataclass(frozen=True, slots=True)
class RadioWoke(Event):
    """The far radio is awake again."""

    battery: float


@dataclass(frozen=True, slots=True)
class BatteryEmpty(Event):
    """The device went off: nothing left."""


@dataclass(frozen=True, slots=True)
class PoweredOn(Event):
    """The device is on again."""

    battery: float


@dataclass(frozen=True, slots=True)
class SwitchedOff(Event):
    """The device was switched off in order."""

    battery: float


@dataclass(frozen=True, slots=True)
class SoftwareCrashed(Event):
    """The device's software failed and starts again."""

    exception: str


@dataclass(frozen=True, slots=True)
class BatchSent(Event):
    """A batch of readings reached the buffer of device *to*."""

    to: str
    seq: int
    readings: int
    bytes: int


@dataclass(frozen=True, slots=True)
class ReadingsDropped(Event):
    """Readings that no buffer will ever see: the outbox was full (*cause* outbox_full)."""

    readings: int
    cause: str


@dataclass(frozen=True, slots=True)
class MessageMalformed(Event):
    """A payload on a biometrics topic made no sense and was dropped; *error* says why."""

    topic: str
    error: str


@dataclass(frozen=True, slots=True)
class ReadingsEvicted(Event):
    """The oldest readings left a full buffer."""

    readings: int


@dataclass(frozen=True, slots=True)
class NightKnown(Event):
    """The wearer is up: a night's labels are on the device."""

    night: int
    examples: int
