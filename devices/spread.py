"""A spread: how a figure differs between wearers or their devices, and how one of them is drawn."""

import numpy as np
from pydantic import BaseModel, ConfigDict, model_validator

KEYS = ("mean", "sd", "low", "high")
WIDTH_SD = 2.0
"""A normal spread without ends of its own ends so many standard deviations from its mean."""


class Spread(BaseModel):
    """Normal around *mean* with *sd*, cut off at *low* and *high*; or even between *low* and *high*."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    mean: float | None = None
    sd: float | None = None
    low: float | None = None
    high: float | None = None

    @model_validator(mode="after")
    def _whole(self) -> "Spread":
        normal = self.mean is not None and self.sd is not None and self.sd >= 0
        even = self.mean is None and self.sd is None and self.low is not None and self.high is not None
        if not (normal or even):
            raise ValueError("found neither, expected { mean, sd } (with low and high, if you like) or { low, high }")
        low, high = self.ends
        if low > high:
            raise ValueError(f"found a spread from {low:g} to {high:g}, expected low before high")
        return self

    @property
    def ends(self) -> tuple[float, float]:
        """Between which values everything drawn lies."""
        width = WIDTH_SD * (self.sd or 0.0)
        low = self.low if self.low is not None else (self.mean or 0.0) - width
        high = self.high if self.high is not None else (self.mean or 0.0) + width
        return low, high

    def draw(self, rng: np.random.Generator) -> float:
        """Return one of them."""
        low, high = self.ends
        if self.mean is None or self.sd is None:
            return float(rng.uniform(low, high))
        return float(min(max(self.mean + self.sd * rng.standard_normal(), low), high))
