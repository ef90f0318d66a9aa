"""The study file: a fleet, the arms that change it, the seeds they share, and the thresholds of the verdict."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from devices.complaints import did_you_mean, shown
from devices.settings import Name
from devices.table import Settings

REFERENCES = ("fleet", "ideal", "no-training", "central", "local-only", "personalised")
"""Arms that come with every study: the fleet as it is; the same wearers, every device always on; the same days without
learning; all data that reached a buffer, pooled; each device alone; the global model, fine-tuned on each device."""

LIVED_REFERENCES = ("fleet", "ideal")
"""Those of them that are a fleet that lives and learns, as every arm of the file is."""

DEFAULT_SEEDS = 10

Seed = Annotated[int, Field(ge=0, le=2**53)]


def _fit_for_a_folder(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name):
        raise ValueError(f"found {shown(name)}, expected 1 to 64 letters, digits, dashes and underscores: a folder")
    return name


class Arm(Settings):
    """One ``[[arm]]``: the fleet with some keys changed, dotted as for ``--set``. Its *name* becomes a folder's."""

    name: Annotated[str, AfterValidator(_fit_for_a_folder)]
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

    schema_: Literal[1] = Field(1, alias="schema")
    name: Name
    asks: str
    """The question, in one sentence."""
    fleet: str
    set_: dict[str, Any] = Field(default_factory=dict, alias="set")
    """Keys of the fleet that are changed for all arms alike."""
    seeds: tuple[Seed, ...] = Field((), strict=False)
    """Left out: the fleet's own and those that follow it, `DEFAULT_SEEDS` in all."""
    about: str = "fleet"
    thresholds: Thresholds = Thresholds()
    arm: tuple[Arm, ...] = Field((), strict=False)

    @model_validator(mode="after")
    def _told_apart(self) -> "Study":
        if twice := _twice(self.seeds):
            raise ValueError(f"seeds: found {twice[0]} twice, expected each seed once: a day counts once")
        for place, arm in enumerate(self.arm):
            if arm.name in REFERENCES:
                raise ValueError(
                    f"arm.{place}.name: found {shown(arm.name)}, expected another name: "
                    "it is a reference arm, which every study has"
                )
        if twice := _twice([arm.name for arm in self.arm]):
            raise ValueError(f"arm: found two arms with the name {shown(twice[0])}, expected a name for each")
        subjects = [*LIVED_REFERENCES, *(arm.name for arm in self.arm)]
        if self.about not in subjects:
            hint = did_you_mean(self.about, subjects)
            raise ValueError(
                f"about: found {shown(self.about)}, expected an arm that learns: {', '.join(subjects)}{hint}"
            )
        return self

    @property
    def arms(self) -> tuple[str, ...]:
        """The names of all arms, references first."""
        return (*REFERENCES, *(arm.name for arm in self.arm))


def _twice(things: Sequence[Any]) -> list[Any]:
    return [thing for thing, times in Counter(things).items() if times > 1]
