"""What happens to one task of one round and phase on one device."""

from dataclasses import dataclass

from broker.events.event import Event


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
