"""The battery: what is left, what drains it, what fills it. Plain arithmetic; the caller brings the time."""

import math

from devices.hardware.charger import Charger

NEXT_S = 0.001
"""A crossing that rounding left undone, or only just reached on the way down, is looked at a millisecond later."""


class Battery:
    """Energy left in one device, in joules, under a constant net power between calls.

    Never below 0 nor above the capacity. The instants at which a share is reached are computed, not polled.
    """

    def __init__(self, capacity_j: float, level_j: float) -> None:
        """Hold *level_j* of *capacity_j* at t = 0, with nothing connected."""
        if not 0 < capacity_j < math.inf or not 0 <= level_j <= capacity_j:
            raise ValueError(
                f"level_j is {level_j} of capacity_j {capacity_j}: expected 0 <= level_j <= capacity_j, finite"
            )
        self._capacity_j = capacity_j
        self._level_j = level_j
        self._net_w = 0.0
        self._charger: Charger | None = None
        self._now_s = 0.0

    @property
    def level_j(self) -> float:
        """What is left, in joules."""
        return self._level_j

    @property
    def share(self) -> float:
        """What is left, as a share of the capacity."""
        return self._level_j / self._capacity_j

    @property
    def empty(self) -> bool:
        """Whether nothing is left."""
        return self._level_j <= 0.0

    def power(self, net_mw: float, charger: Charger | None = None) -> None:
        """From now on *net_mw* flow in (above 0) or out (below); a *charger* gives less to a battery nearly full."""
        self._net_w = net_mw / 1_000
        self._charger = charger if net_mw > 0 else None

    def advance(self, to_s: float) -> None:
        """Live on to *to_s*: what flows in beyond the capacity stays in the charger, an empty battery gives nothing."""
        passed_s = to_s - self._now_s
        if self._charger is not None:
            missing_j = self._capacity_j - self._level_j
            level_j = self._capacity_j - self._charger.missing_j(missing_j, self._net_w, self._capacity_j, passed_s)
        else:
            level_j = self._level_j + self._net_w * passed_s
        # a moment computed for a crossing is right to the microsecond: below that, what is left is nothing
        self._level_j = 0.0 if level_j < abs(self._net_w) * 1e-6 else min(level_j, self._capacity_j)
        self._now_s = to_s

    def spend(self, joules: float) -> None:
        """Take a lump of energy out."""
        self._level_j = max(0.0, self._level_j - joules)

    def restore(self, level_j: float) -> None:
        """Hold *level_j* from now on, as it was written down earlier."""
        self._level_j = min(max(0.0, level_j), self._capacity_j)

    def reaches_at(self, share: float) -> float:
        """Return when the charge crosses *share* next under the present power; inf if it moves away or stands still.

        On the way up a share is crossed once it is reached, on the way down once it is undercut (empty: reached).
        """
        missing_j = share * self._capacity_j - self._level_j
        if self._net_w == 0.0 or (self._net_w > 0 and missing_j <= 0) or (self._net_w < 0 and missing_j > 0):
            return math.inf
        if missing_j == 0.0 and self.empty:
            return math.inf
        if self._charger is None:
            return self._now_s + max(missing_j / self._net_w, NEXT_S)
        left_j, empty_j = (1 - share) * self._capacity_j, self._capacity_j - self._level_j
        return self._now_s + max(self._charger.seconds(empty_j, left_j, self._net_w, self._capacity_j), NEXT_S)
