"""The anatomy: what one device is made of, and how it looks from outside."""

from dataclasses import dataclass

from broker import events as ev
from devices.bulletin import Bulletin
from devices.duty import Duty
from devices.figures import Figures
from devices.intake import Intake
from devices.kinds import Kind
from devices.lifelog import LifeLog
from devices.memoir import Memoir
from devices.near import Near
from devices.power import Power
from devices.stream import Stream


@dataclass(frozen=True)
class Anatomy:
    """All parts of one device: without sensors there is no stream, without training no intake and no duty."""

    name: str
    kind: Kind
    power: Power
    figures: Figures
    lifelog: LifeLog
    near: Near
    bulletin: Bulletin
    record: ev.Record
    sync_phase_s: float
    intake_every_s: float
    min_examples: int
    stream: Stream | None
    intake: Intake | None
    duty: Duty | None
    memoir: Memoir | None = None
    """None: no process will ever go on where this one ends."""

    def look(self, *, on: bool, charging: bool, far_link: str) -> "Look":
        """Return how the device stands."""
        return Look(
            device=self.name,
            state=self.bulletin.state if on else "",
            battery=self.power.share,
            charging=charging,
            near_link=self.near.connected,
            far_link=far_link,
            buffer=self.intake.depth if self.intake is not None else None,
            outbox=self.stream.depth if self.stream is not None else None,
            busy=self.duty is not None and self.duty.busy,
        )


@dataclass(frozen=True, slots=True)
class Look:
    """How a device stands at one moment; *state* is its own word (empty: it is off), buffers count readings."""

    device: str
    state: str
    battery: float
    charging: bool
    near_link: bool
    far_link: str
    buffer: int | None
    outbox: int | None
    busy: bool
