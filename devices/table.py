"""A table of a fleet file: what all of them have in common."""

import math
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

DAY_S = 86_400

Fraction = Annotated[float, Field(gt=0, le=1)]
Seconds = Annotated[float, Field(ge=0, le=3_660 * DAY_S)]


class Settings(BaseModel):
    """What all tables of a fleet file have in common: frozen, finite, of the right type, no unknown keys."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, populate_by_name=True, validate_default=True
    )


def finite(options: dict[str, Any]) -> dict[str, Any]:
    """Return *options*; raise ValueError for a number that is none."""
    for key, value in options.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{key}: found {value!r}, expected a finite number")
    return options
