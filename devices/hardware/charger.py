"""The charger: full power into an emptier battery, less and less into one that is nearly full."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Charger:
    """Gives *power_w* until the battery holds the share *taper_from*; then less, in step with what is missing.

    That is how lithium cells are charged: constant current, then constant voltage with a current that fades. All is
    told by what is missing to a full battery of *capacity_j*; *spare_w* is what the device's own draw leaves of the
    power.
    """

    power_w: float
    taper_from: float

    def missing_j(self, missing_j: float, spare_w: float, capacity_j: float, seconds: float) -> float:
        """Return what is missing after *seconds*, of *missing_j* now."""
        fading_s = self._fading_s(capacity_j)
        knee_j = spare_w * fading_s
        steady_s = max(0.0, (missing_j - knee_j) / spare_w)
        if seconds <= steady_s:
            return missing_j - spare_w * seconds
        if fading_s == 0.0:
            return 0.0
        return min(missing_j, knee_j) * math.exp((steady_s - seconds) / fading_s)

    def seconds(self, missing_j: float, left_j: float, spare_w: float, capacity_j: float) -> float:
        """Return how long until only *left_j* of *missing_j* are missing; inf for nothing left, if it tapers."""
        fading_s = self._fading_s(capacity_j)
        knee_j = spare_w * fading_s
        steady_s = max(0.0, (missing_j - max(knee_j, left_j)) / spare_w)
        if left_j >= knee_j:
            return steady_s
        return steady_s + fading_s * math.log(min(missing_j, knee_j) / left_j) if left_j > 0 else math.inf

    def _fading_s(self, capacity_j: float) -> float:
        """In so many seconds what is missing falls to a third, once the current fades."""
        return (1 - self.taper_from) * capacity_j / self.power_w
