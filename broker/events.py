"""What can happen: small frozen events, and the journal that keeps them.

Every event knows its virtual moment ``t_s`` and the device it happened to (or None). Its kind
is its class name in snake_case; further fields are figures with their units in their names.
Readers (the account, the report, ``fleetbeat why``) understand events, never the code that
made them.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at *t_s* (seconds of life) to *device* (None: to the fleet)."""

    t_s: float
    device: str | None


Record = Callable[[Event], None]
"""Where events go: a journal's ``record``, or ``list.append`` in a test."""


def kind_of(event: Event | type[Event]) -> str:
    """Return the event's kind as it stands in the journal, such as ``battery_empty``."""
    cls = event if isinstance(event, type) else type(event)
    return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()


# --- the fleet and its server -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RunStarted(Event):
    """The world begins."""

    fleet: str
    seed: int
    devices: int
    wearers: int


@dataclass(frozen=True, slots=True)
class RunFinished(Event):
    """The world ends; *cause* is rounds_done, days_over, too_few_devices, stopped or failed."""

    cause: str


@dataclass(frozen=True, slots=True)
class SelectionMade(Event):
    """The server chose *selected* of the devices it could see, for one phase of one round."""

    round: int
    phase: str
    reachable: int
    ready: int
    selected: int


@dataclass(frozen=True, slots=True)
class TooFewDevices(Event):
    """The server waits: fewer devices than it needs (written once per round and phase)."""

    round: int
    phase: str
    reachable: int
    needed: int


@dataclass(frozen=True, slots=True)
class DeviceSelected(Event):
    """A task for *device* lies at the server."""

    round: int
    phase: str


@dataclass(frozen=True, slots=True)
class ReplyReceived(Event):
    """The strategy got the device's update in time."""

    round: int
    phase: str


@dataclass(frozen=True, slots=True)
class ErrorReceived(Event):
    """The strategy got an error that the device itself sent."""

    round: int
    phase: str
    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class DeviceGivenUp(Event):
    """The server stopped waiting: *cause* is offline, deadline or expired."""

    round: int
    phase: str
    cause: str


@dataclass(frozen=True, slots=True)
class UpdateTooLate(Event):
    """An update came after the server had given the device up and was dropped."""

    round: int
    phase: str


@dataclass(frozen=True, slots=True)
class UpdateRejected(Event):
    """The strategy did not use an update: *reason* is surplus, stale or invalid."""

    round: int
    phase: str
    reason: str


@dataclass(frozen=True, slots=True)
class ModelAggregated(Event):
    """A new global model stands, made of *updates* updates."""

    round: int
    updates: int
    examples: int


@dataclass(frozen=True, slots=True)
class ModelScored(Event):
    """The global model on wearers who are in no device (round 0: before any training)."""

    round: int
    loss: float
    accuracy: float
    balanced_accuracy: float
    auc: float
    kappa: float
    majority_share: float


@dataclass(frozen=True, slots=True)
class PhaseEnded(Event):
    """The server waits for nobody any more in this phase."""

    round: int
    phase: str


@dataclass(frozen=True, slots=True)
class RoundEnded(Event):
    """A round is over, evaluation included."""

    round: int


# --- a device's life -----------------------------------------------------------------------


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
    """Readings that no buffer will ever see: *cause* is outbox_full, malformed or denied."""

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


# --- a device's work -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Work(Event):
    """Something about one task of one round and phase (train or evaluate)."""

    round: int
    phase: str


@dataclass(frozen=True, slots=True)
class TaskFetched(Work):
    """The device asked and got its task, *waited_s* after the server laid it there."""

    waited_s: float


@dataclass(frozen=True, slots=True)
class TaskRefused(Work):
    """Not ready: *reason* as in the account."""

    reason: str


@dataclass(frozen=True, slots=True)
class WorkStarted(Work):
    """Download done, the processor works; *expected_s* if nothing interferes."""

    examples: int
    examples_fresh: int
    expected_s: float


@dataclass(frozen=True, slots=True)
class WorkFinished(Work):
    """The fit (or the evaluation) is done."""

    compute_s: float
    loss: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class UploadStarted(Work):
    """The reply leaves the device."""

    bytes: int


@dataclass(frozen=True, slots=True)
class UploadFinished(Work):
    """The last byte left; *accepted* says whether the server still wanted it."""

    accepted: bool


@dataclass(frozen=True, slots=True)
class WorkInterrupted(Work):
    """The device gave up because its conditions changed: *reason* as in the account."""

    reason: str


@dataclass(frozen=True, slots=True)
class WorkLostPower(Work):
    """The battery emptied at *stage*: fetching, training or uploading."""

    stage: str


@dataclass(frozen=True, slots=True)
class WorkLostLink(Work):
    """The far link broke at *stage*: fetching, training or uploading."""

    stage: str


@dataclass(frozen=True, slots=True)
class WorkLinkBack(Work):
    """The far link returned while the task was still under way."""

    stage: str


@dataclass(frozen=True, slots=True)
class WorkCrashed(Work):
    """The app or the device's software failed at the task."""

    exception: str


@dataclass(frozen=True, slots=True)
class WorkSettled(Work):
    """The device is done with the task, however it ended: what it cost."""

    compute_s: float
    transfer_s: float
    energy_j: float
    bytes_down: int
    bytes_up: int


_FIELDS: dict[type[Event], tuple[str, ...]] = {}


def as_record(event: Event) -> dict[str, Any]:
    """Return the journal's line for *event* as a dict: t_s, kind, device, then its figures."""
    cls = type(event)
    names = _FIELDS.get(cls)
    if names is None:
        names = _FIELDS[cls] = tuple(f.name for f in fields(cls) if f.name not in ("t_s", "device"))
    line: dict[str, Any] = {"t_s": event.t_s, "kind": kind_of(cls), "device": event.device}
    for name in names:
        line[name] = getattr(event, name)
    return line
