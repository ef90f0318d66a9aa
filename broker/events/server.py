"""What happens to the fleet as a whole, and at its server."""

from dataclasses import dataclass

from broker.events.event import Event


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
    """The server stopped waiting: *cause* is offline, deadline, expired or surplus (enough others were done)."""

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
    """The strategy did not use an update: *reason* is one of the account's, such as invalid."""

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
