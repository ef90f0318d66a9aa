"""Bodies: a wearer's days, nights and signals, made up from a seed or replayed from a recording.

Plain arithmetic of time and seed. All times are seconds of a fleet's life, 0 at its start; a ``Body``
tells the same whatever was asked before, and however the asked time is cut.
"""

from typing import Protocol

from devices.body.channels import CHANNELS, EPOCH_S, STAGES, FloatArray, Stages
from devices.body.day import Span
from devices.body.recorded import RecordedBody
from devices.body.recordings import Recordings, read_recordings
from devices.body.sleep import Night
from devices.body.synthetic import SyntheticBody

__all__ = [
    "CHANNELS",
    "EPOCH_S",
    "STAGES",
    "Body",
    "FloatArray",
    "Night",
    "RecordedBody",
    "Recordings",
    "Span",
    "Stages",
    "SyntheticBody",
    "read_recordings",
]


class Body(Protocol):
    """What a device, its habits and its learning may know of a wearer."""

    def readings(self, channel: str, from_s: float, to_s: float, every_s: float) -> tuple[FloatArray, FloatArray]:
        """Return times in [from_s, to_s) and the channel's values at them, in the unit of ``CHANNELS``.

        Times are multiples of *every_s* where the body is made up, and as recorded where it is replayed.
        """

    def nights(self, from_s: float, to_s: float) -> list[Night]:
        """Return the nights whose truth becomes known in [from_s, to_s)."""

    def day(self, from_s: float, to_s: float) -> list[Span]:
        """Return what the wearer does, as spans that tile [from_s, to_s)."""

    def truth(self, from_s: float, to_s: float) -> tuple[FloatArray, Stages]:
        """Return the beginnings in [from_s, to_s) of all 30-s epochs with a truth, by day too, and their stages."""
