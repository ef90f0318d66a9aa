"""The heart: how fast it beats, and how unevenly, in each epoch of a hidden state.

Sources: Walch (2019) and MMASH (Rossi 2020) as computed in data/physiology_stats.json, LifeSnaps for
spreads over nights. Tables run over the states: W N1 N2 N3 REM in bed, then still, active, exercise.
"""

import numpy as np

from devices.body.channels import FloatArray
from devices.body.hidden import EXERCISE, STILL, Hidden
from devices.body.noise import following
from devices.body.wearer import Wearer

TONE = ((0.99, 0.65), (0.85, 0.62), (0.0, 0.44))
"""Memory per epoch, and share, of the parts of what wanders by itself: together with the stages they give
an autocorrelation asleep of .73 at 30 s and .42 at 5 min (Walch)."""

BESIDE_STAGE_BPM = np.array([1.0, 0.2, -1.3, 0.3, 2.0, 0.0, 0.0, 0.0])
"""Offset from the sleeper's own mean; movement adds its part for Walch's +3.1 +.9 -1.3 +.7 +2.2."""

SPREAD_BPM = np.array([7.6, 6.2, 4.2, 3.7, 5.4, 9.0, 9.0, 8.0])
"""Standard deviation inside a state: Walch's 9.1 7.7 4.4 3.8 5.6, of which movement brings a part; by day
so that all of it together gives 14 bpm (MMASH)."""

AWAKE_SHARE = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.3, 1.5])
"""How much of the wearer's rise by day a state calls for: still awake 11 ± 9 bpm above sleep (MMASH)."""

EXERCISE_BPM = 48.0
"""What exercise adds beside its movement, to some 150 bpm; assumed."""

SPELL_BPM = 3.0
"""What a livelier spell by day adds for each standard deviation; assumed."""

BY_MOVEMENT_BPM = np.array([0.18, 0.15, 0.15, 0.15, 0.15, 0.34, 0.34, 0.34])
"""Beats a minute for each √count: correlation with log counts awake .47 ± .13, slope .39 ± .16 (MMASH)."""

PEAK_H = 16.0
"""Hour of the slow daily wave; with what the wearer does the course peaks at 15.5 h, amplitude 12.7 ± 5.5
(MMASH, cosinor)."""

WAVE_ASLEEP = 0.7
"""The mean of the wave over a night, taken back so that a sleeper's mean is the sleeper's own."""

QUICK, SLOW = 0.55, 0.93
"""Memory per epoch of the heart behind movement, and behind posture and effort: seven minutes to recover."""

NIGHT_SPREAD_BPM = 2.3
"""How much a person's heart differs from night to night beside what alcohol and illness do: 2.7 in all (LifeSnaps,
resting heart rate within persons)."""

RMSSD_SHARE = np.array([0.97, 1.0, 1.05, 1.0, 0.95, 0.70, 0.60, 0.25])
"""RMSSD in terms of the wearer's own asleep: 55 ms asleep, 35 ms awake (MMASH, 5 min); exercise assumed."""

RMSSD_SPREAD = 0.27
RMSSD_PER_BPM = -0.012
"""Spread from epoch to epoch (log), and what each beat a minute takes from it; assumed."""


def heart_rate(wearer: Wearer, hidden: Hidden, vigour: FloatArray) -> FloatArray:
    """Return beats a minute for each epoch; *vigour* is the movement (√counts)."""
    states = hidden.states
    quick = BESIDE_STAGE_BPM[states] + BY_MOVEMENT_BPM[states] * vigour
    slow = wearer.heart_awake_bpm * AWAKE_SHARE[states] + SPELL_BPM * hidden.spell * (states >= STILL)
    slow += EXERCISE_BPM * (states == EXERCISE)
    wave = wearer.heart_swing_bpm * (np.cos((hidden.hours - PEAK_H) * (np.pi / 12)) + WAVE_ASLEEP)
    beats: FloatArray = following(quick, QUICK) + following(slow, SLOW) + wave + _tone_bpm(wearer, hidden)
    return beats + hidden.strain_bpm + (wearer.heart_asleep_bpm + NIGHT_SPREAD_BPM * hidden.tonight)


def rmssd(wearer: Wearer, hidden: Hidden) -> FloatArray:
    """Return RMSSD in ms for each epoch; what drives the heart faster makes it beat more evenly."""
    drift = RMSSD_SPREAD * hidden.flutter + RMSSD_PER_BPM * _tone_bpm(wearer, hidden)
    uneven: FloatArray = wearer.rmssd_ms * hidden.strain_rmssd * RMSSD_SHARE[hidden.states] * np.exp(drift)
    return uneven


def _tone_bpm(wearer: Wearer, hidden: Hidden) -> FloatArray:
    tone_bpm: FloatArray = wearer.tense * SPREAD_BPM[hidden.states] * hidden.tone
    return tone_bpm
