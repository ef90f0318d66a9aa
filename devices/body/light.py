"""Light: how many lux fall on a wrist, by place, hour and curtains.

Illustrative: five recordings of Walch (2019) have night medians of 0 to 0.01 lx, 20 to 300 lx by day and
peaks of 10⁴ to 10⁵. The tables are assumed and run over the places: home, work, commute, out.
"""

import numpy as np

from devices.body.channels import FloatArray
from devices.body.hidden import STILL, Hidden
from devices.body.wearer import Wearer

LAMPS_LX = np.array([60.0, 300.0, 40.0, 30.0])
SKY_SHARE = np.array([0.008, 0.012, 0.10, 0.35])
"""Lamps, and the share of daylight that comes in."""

NOON_LX = 40_000.0
SUNRISE_H, DAYLIGHT_H = 7.0, 12.0
"""Daylight of a clear day without a season."""

WEATHER, FLICKER = 0.6, 0.9
"""How much light differs from day to day and from moment to moment (log)."""


def light(wearer: Wearer, hidden: Hidden) -> FloatArray:
    """Return lux for each epoch; in bed the lamps are out, and what comes in is a matter of curtains."""
    in_bed = hidden.states < STILL
    sun = np.maximum(np.sin((hidden.hours - SUNRISE_H) * (np.pi / DAYLIGHT_H)), 0.0)
    daylight = NOON_LX * np.exp(WEATHER * hidden.sky) * sun
    lamps = np.where(in_bed, 0.0, LAMPS_LX[hidden.places])
    open_to = np.where(in_bed, wearer.curtains, SKY_SHARE[hidden.places])
    lux: FloatArray = (lamps + open_to * daylight) * np.exp(FLICKER * hidden.flicker)
    return lux
