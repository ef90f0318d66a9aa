"""What the devices of one process find around them: a broker, a server, an app, a disk, and who listens."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from broker import events as ev
from broker.link import Wire
from broker.seal import Seal, Unsealer
from devices.annals import Annals
from devices.foresight import Foresight, blind
from devices.lifelog import Lived
from devices.residents import Device
from devices.storage.store import Store
from devices.uplink import App, Uplink


class Seals(Protocol):
    """The keys of the wearers who live here."""

    def sealing(self, device: Device) -> Seal:
        """Return how *device* seals what it sends."""

    def opening(self, device: Device) -> Unsealer:
        """Return how *device* opens what its wearer's devices send."""


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """*lived* gets every interval of a life that is complete."""

    wire: Wire
    uplink_of: Callable[[str], Uplink]
    app: App
    store: Store
    record: ev.Record
    lived: Callable[[Lived], None]
    seals: Seals | None = None
    """None: readings travel in the clear."""
    hub_retry_s: float | None = None
    """How often a broker that is gone is looked for again, in seconds of life; None: without it nothing can go on."""
    annals: Annals | None = None
    """What other runs of the same days have told of them."""
    foresight: Foresight = blind
    """What other processes tell of the days to come."""

    @property
    def lasting(self) -> bool:
        """Whether things outlive the broker: then a batch is kept until the broker acknowledged it."""
        return self.hub_retry_s is not None
