"""The study file: a fleet, the arms that change it, the seeds they share, and the thresholds of the verdict."""

from typing import Annotated, Any

from pydantic import Field

from devices.settings import Settings

REFERENCES = ("fleet", "ideal", "no-training", "central", "local-only", "personalised")
"""Arms that come with every study: the fleet as it is; the same wearers, every device always on; the same days without
learning; all data that reached a buffer, pooled; each device alone; the global model, fine-tuned on each device."""


class Arm(Settings):
    """One ``[[arm]]``: the fleet with some keys changed, dotted as for ``--set``."""

    name: str
    says: str = ""
    """What it is, in a few words, for tables and plots."""
    set_: dict[str, Any] = Field(default_factory=dict, alias="set")


class Thresholds(Settings):
    """The table ``[thresholds]``: what holding up means. Points are shares: .02 is two points of balanced accuracy."""

    gap_to_central: Annotated[float, Field(gt=0, lt=1)] = 0.02
    gain_over_local: Annotated[float, Field(ge=0, lt=1)] = 0.0
    central_above_chance: Annotated[float, Field(gt=0, lt=1)] = 0.05
    battery_day_share: Annotated[float, Field(gt=0, le=1)] = 0.05


class Study(Settings):
    """A whole study file. The verdict is about the arm *about*; every arm has one of its own beside it."""

    schema_: int = Field(1, alias="schema")
    name: str
    asks: str
    """The question, in one sentence."""
    fleet: str
    seeds: tuple[int, ...] = Field((), strict=False)
    about: str = "fleet"
    thresholds: Thresholds = Thresholds()
    arm: tuple[Arm, ...] = Field((), strict=False)
