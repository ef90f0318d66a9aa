"""Reception: how fast a wearer's networks are, by place, person and hour. Causes, drawn by address; no outcome is.

A profile says what its radio moves in the median. Nineteen volunteers of FLASH (2020) had mean speeds that differ
with a spread (log) of .48 down and .70 up, correlated by .45; within one of them speeds vary by .37 and .40 of it.
"""

import math
from collections.abc import Callable, Mapping

from devices.circumstances import Circumstances
from devices.hardware.radio import Far
from devices.randomness import stream

BETWEEN_DOWN, BETWEEN_UP, TOGETHER = 0.48, 0.70, 0.45
"""Spread of speeds between persons (log), and how they go together: FLASH, 19 volunteers, computed."""

WITHIN_DOWN, WITHIN_UP = 0.37, 0.40
"""Spread within a person, in terms of the mean: FLASH, median of 19. That it changes by the hour is assumed."""

ON_THE_MOVE = 0.7
"""What is left of a mobile network's speed on the way: median 9.9 Mbit/s driving of 13.9 otherwise (T-Mobile LTE,
Mahimahi traces, computed)."""

HOUR_S = 3_600.0

Reception = Callable[[Far, Circumstances, float], tuple[Far, float]]
"""What becomes of a far link in these circumstances at this moment, and until when it stays so."""


def steady(far: Far, life: Circumstances, now_s: float) -> tuple[Far, float]:
    """Return the radio as its profile has it, for ever: the ideal world's reception."""
    return far, math.inf


def reception(seed: int, wearer: str, traits: Mapping[str, float] | None = None) -> Reception:
    """Return the reception of *wearer* in the fleet of this *seed*, the same for all of the wearer's devices.

    Each of their networks (Wi-Fi at home, at work, mobile) has a speed of its own. Of the *traits* ``network_speed``
    multiplies them all, and ``network_spread`` all that is said here of how they differ (0: as the profile has them).
    """
    known = traits or {}
    usual, spread = known.get("network_speed", 1.0), known.get("network_spread", 1.0)
    persons: dict[str, tuple[float, float]] = {}

    def receive(far: Far, life: Circumstances, now_s: float) -> tuple[Far, float]:
        spot = life.far_link if life.far_link == "mobile" else f"{life.far_link} {life.place}"
        if spot not in persons:
            persons[spot] = _between(seed, wearer, spot)
        down, up = persons[spot]
        hour = int(now_s // HOUR_S)
        now_down, now_up = _within(seed, wearer, spot, hour)
        moving = ON_THE_MOVE if spot == "mobile" and life.place == "commute" else 1.0
        speeds = {
            "down_mbit_s": far.down_mbit_s * usual * (moving * down * now_down) ** spread,
            "up_mbit_s": far.up_mbit_s * usual * (moving * up * now_up) ** spread,
        }
        return far.model_copy(update=speeds), (hour + 1) * HOUR_S

    return receive


def _between(seed: int, wearer: str, spot: str) -> tuple[float, float]:
    """Return the speeds of one network in terms of the median person's, down and up."""
    z_down, z_own = stream(seed, wearer, "reception", spot).standard_normal(2).tolist()
    z_up = TOGETHER * z_down + math.sqrt(1 - TOGETHER**2) * z_own
    return math.exp(BETWEEN_DOWN * z_down), math.exp(BETWEEN_UP * z_up)


def _within(seed: int, wearer: str, spot: str, hour: int) -> tuple[float, float]:
    """Return the speeds of one hour in terms of the network's mean."""
    drawn = stream(seed, wearer, "reception", spot, hour).standard_normal(2).tolist()
    variances = [math.log(1 + spread**2) for spread in (WITHIN_DOWN, WITHIN_UP)]
    down, up = (math.exp(math.sqrt(v) * z - v / 2) for v, z in zip(variances, drawn, strict=True))
    return down, up
