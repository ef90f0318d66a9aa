"""Traits: what a fleet file may say of its wearers; what it leaves open is as among people at large."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from devices.randomness import stream
from devices.spread import Spread

Trait = float | Spread | None
Likelihood = Annotated[float, Field(ge=0, le=1)] | None

LIMITS = {
    "age_years": (18, 100),
    "work_h": (4, 16),
    "commute_h": (0, 3),
    "bed_h": (20.5, 28.5),
    "in_bed_h": (4, 10.5),
    "restless": (0.2, 5),
    "slow_to_sleep": (0.2, 5),
    "heart_asleep_bpm": (35, 100),
    "rmssd_ms": (8, 150),
    "sport_share": (0, 1),
    "drink_share": (0, 1),
    "nap_share": (0, 1),
    "ills_a_year": (0, 30),
    "looks_an_hour": (0, 30),
    "look_s": (20, 1_800),
    "router_gaps_a_day": (0, 50),
    "network_speed": (0.01, 100),
    "network_spread": (0, 3),
}
"""Between which values a trait can be: nobody sleeps less than four hours every night, and lives."""


class Wearers(BaseModel):
    """The table ``wearers`` of a group: numbers, or spreads over its wearers. Hours are of the local clock."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    age_years: Trait = None
    works: Likelihood = None
    work_h: Trait = None
    commute_h: Trait = None
    bed_h: Trait = None
    in_bed_h: Trait = None
    restless: Trait = None
    slow_to_sleep: Trait = None
    heart_asleep_bpm: Trait = None
    rmssd_ms: Trait = None
    sport_share: Trait = None
    drink_share: Trait = None
    nap_share: Trait = None
    ills_a_year: Trait = None
    looks_an_hour: Trait = None
    look_s: Trait = None
    phone_in_bedroom: Likelihood = None
    router_gaps_a_day: Trait = None
    network_speed: Trait = None
    network_spread: Trait = None

    @model_validator(mode="after")
    def _possible(self) -> "Wearers":
        for name, (least, most) in LIMITS.items():
            told = getattr(self, name)
            low, high = told.ends if isinstance(told, Spread) else (told, told)
            if told is not None and not least <= low <= high <= most:
                found = f"{low:g}" if low == high else f"{low:g} to {high:g}"
                raise ValueError(f"{name}: found {found}, expected {least:g} to {most:g}")
        return self

    def drawn(self, seed: int, wearer: str) -> dict[str, float]:
        """Return the traits of one wearer, each from a stream of its own; likelihoods become 1 or 0."""
        traits = {}
        for name in sorted(self.model_fields_set):
            told = getattr(self, name)
            if isinstance(told, Spread):
                traits[name] = told.draw(stream(seed, wearer, "trait", name))
            elif told is not None and name in LIMITS:
                traits[name] = float(told)
            elif told is not None:
                traits[name] = float(stream(seed, wearer, "trait", name).random() < told)
        return traits


PEOPLE_AT_LARGE = Wearers()
