"""The diary: what a wearer can tell of a night in the morning, where nobody measured the truth.

Assumed, as habits of a person and not of the learning: most mornings are answered; the time to fall asleep
is guessed, to 5 minutes; awakenings shorter than 5 minutes are forgotten; REM cannot be told from other sleep.
"""

import math
from dataclasses import replace

import numpy as np

from broker.errors import SettingsError
from devices.body import Night
from devices.learning.task import ASLEEP, UNSCORED, WAKE, Task
from devices.randomness import stream

ANSWERS = 0.8
"""Mean share of mornings on which a diary is filled in; assumed (LifeSnaps: worn on .78 of nights, median person)."""

ANSWERS_SPREAD = 8.0
"""Concentration of that share between persons (beta distribution); assumed."""

GUESS_SPREAD = 0.4
"""Spread (log) of the guessed time to fall asleep around the real one; assumed."""

ROUNDED_EPOCHS = 10
"""People answer in steps of 5 minutes; assumed."""

REMEMBERED_EPOCHS = 10
"""Awakenings of 5 minutes or more are remembered: where the sleep-quality panel begins to count them (NSF 2017)."""


class Diary:
    """The diary of one wearer: the same nights are always told in the same way."""

    def __init__(self, seed: int, wearer: str) -> None:
        """Open the diary of *wearer* in the fleet of *seed*."""
        self._seed = seed
        self._wearer = wearer
        habit = stream(seed, wearer, "diary")
        self._answers = float(habit.beta(ANSWERS * ANSWERS_SPREAD, (1 - ANSWERS) * ANSWERS_SPREAD))

    def told(self, night: Night) -> Night | None:
        """Return *night* as its wearer tells it, or None when the diary stayed empty that morning."""
        mood = stream(self._seed, self._wearer, "diary", night.index)
        answers, guess = float(mood.random()), float(mood.standard_normal())
        scored = night.stages != UNSCORED
        if answers >= self._answers or not scored.any():
            return None
        awake = night.stages == WAKE
        stages = np.full_like(night.stages, ASLEEP)
        edges = np.flatnonzero(np.diff(awake, prepend=False, append=False))
        for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            if end - start >= REMEMBERED_EPOCHS:
                stages[start:end] = WAKE
        first = int(np.argmax(scored & ~awake)) if (scored & ~awake).any() else len(awake)
        guessed = ROUNDED_EPOCHS * round(first * math.exp(GUESS_SPREAD * guess) / ROUNDED_EPOCHS)
        stages[:first] = ASLEEP
        stages[: min(guessed, len(stages))] = WAKE
        stages[~scored] = UNSCORED
        return replace(night, stages=stages)


def diary_for(label_source: str, task: Task, seed: int, wearer: str) -> Diary | None:
    """Return the diary that *label_source* asks for, None for ``truth``; a SettingsError where no diary can answer."""
    if label_source == "truth":
        return None
    if task.name == "sleep-stage":
        raise SettingsError(
            'label_source is "diary" with task = "sleep-stage": nobody can tell their REM sleep. Expected "truth".'
        )
    return Diary(seed, wearer)
