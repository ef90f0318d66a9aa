"""Movement: the activity counts of a wrist, seldom any by night and seldom none by day.

Square roots of the counts of MMASH (Rossi 2020; 30 s, vector magnitude) are a normal variable cut off at
zero: awake 16 % still, median 674, p90 2,689, p99 4,674; from sleep onset to rising 91 % still, p95 456,
p99 1,835. Tables run over the states: W N1 N2 N3 REM in bed, then still, active, exercise.
"""

import numpy as np

from devices.body.channels import FloatArray
from devices.body.hidden import STILL, Hidden
from devices.body.wearer import Wearer

LEVEL = np.array([0.0, -41.0, -59.0, -70.0, -56.0, 17.0, 36.0, 56.0])
SPREAD = np.array([27.0, 35.0, 35.0, 35.0, 35.0, 16.0, 16.0, 10.0])
"""Mean and spread of the urge to move (√counts): where it is below zero the wrist is still. The split over
stages is assumed; their mix is MMASH's."""

URGE = ((0.92, 0.71), (0.20, 0.71))
"""Memory per epoch, and share, of its two parts, bouts of minutes and fidgets: asleep a still epoch is
followed by a moving one in .048 of cases, a moving one in .442 (MMASH)."""

SPELL = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 20.0, 6.0, 4.0])
"""How one spell by day differs from the next (√counts): some sit like stones, and 6 % of all 20 minutes
awake are more than 70 % still (MMASH)."""

RESTLESS_SLEEPER = 4.5
"""How much sleepers differ in bed (√counts): share of moving epochs asleep .083 ± .032 (MMASH)."""


def vigour(wearer: Wearer, hidden: Hidden) -> FloatArray:
    """Return √counts of each epoch, never below zero."""
    states = hidden.states
    awake = wearer.moves - wearer.quiet * (states == STILL)
    person = np.where(states < STILL, RESTLESS_SLEEPER * wearer.fidgets, awake)
    return np.maximum(LEVEL[states] + SPREAD[states] * hidden.urge + SPELL[states] * hidden.spell + person, 0.0)
