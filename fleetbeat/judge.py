"""The judge: how good the global model is on wearers who are in no device of the fleet."""

import math
from collections.abc import Mapping, Sequence
from copy import copy
from itertools import accumulate, pairwise
from typing import Any

import numpy.typing as npt

from devices.body import CHANNELS, RecordedBody, SyntheticBody, read_recordings
from devices.buffer import Examples
from devices.kinds import kind_named
from devices.learning.history import at_sport, nights_of, seen_through, whole_day
from devices.learning.holdout import joined
from devices.learning.metrics import Score, score
from devices.learning.task import TASKS, Task
from devices.lives import AS_RECORDED
from devices.residents import residents
from devices.settings import Fleet

DAY_S = 86_400.0
STRANGERS = 200
NIGHTS_EACH = {True: 3, False: 2}
"""Nights of each: three where a night is one example (a score on 600 has a standard error of about .02), else two."""

Arrays = Sequence[npt.NDArray[Any]]


class Judge:
    """Holds the examples of strangers, by wearer, and scores models on all of them together."""

    def __init__(self, task: Task, nights: Mapping[str, Sequence[Examples]], model: str = "logistic") -> None:
        """Judge arrays of *model* on the *nights* of each wearer."""
        self._task = task
        self._model = model
        self.examples = joined(task, [night for own in nights.values() for night in own])
        ends = [0, *accumulate(sum(map(len, own)) for own in nights.values())]
        self.wearers = {
            wearer: self.examples[slice(*part)] for wearer, part in zip(nights, pairwise(ends), strict=True)
        }

    def score(self, arrays: Arrays) -> Score:
        """Return loss, accuracy, balanced accuracy, AUC, kappa and the majority's share."""
        test = self.examples
        return score(self._task, list(arrays), test.features, test.labels, self._model, test.start_s)

    def of(self, model: str) -> "Judge":
        """Return a judge of arrays of *model*, on the same examples."""
        other = copy(self)
        other._model = model
        return other


def nobody_judges(fleet: Fleet) -> bool:
    """Whether there is nobody to score a model on: no recorded person is kept aside, or the model is a guest's."""
    if fleet.app is not None:
        return True
    return any(group.recordings is not None for group in fleet.group) and not fleet.learning.test_persons


def judge_for(fleet: Fleet) -> Judge | None:
    """Return the judge of *fleet*: strangers from the same population, or the recorded persons kept as test persons.

    None for a fleet of recordings that keeps nobody aside, and for one that trains an app of somebody's own.
    """
    if nobody_judges(fleet):
        return None
    task, epochs = TASKS[fleet.learning.task], fleet.learning.epochs
    nights: dict[str, list[Examples]] = {}
    recorded = [group.recordings for group in fleet.group if group.recordings is not None]
    if recorded:
        for folder in recorded:
            recordings = read_recordings(folder)
            for person in fleet.learning.test_persons:
                if any(person == known.id for known in recordings.persons):
                    replayed = RecordedBody(recordings, person, fleet.start)
                    nights.setdefault(person, []).extend(person_examples(replayed, task, epochs))
    else:
        kind = next((device.kind for device in residents(fleet) if device.kind.senses), kind_named("band"))
        until_s = NIGHTS_EACH[task.a_night] * DAY_S
        for number in range(STRANGERS):
            stranger = f"stranger-{number + 1}"
            body = SyntheticBody(fleet.seed, stranger, fleet.start)
            sessions = [] if fleet.ideal else at_sport(body, kind, -DAY_S, until_s)
            own = nights_of(body, kind.senses, task, 0.0, until_s, epochs=epochs, sessions=sessions)
            nights[stranger] = [examples for _, examples in own]
    nights = {wearer: own for wearer, own in nights.items() if own}
    return Judge(task, nights, fleet.learning.model) if nights else None


def person_examples(body: RecordedBody, task: Task, epochs: str) -> list[Examples]:
    """Return the examples of all nights of one recorded person."""
    senses = dict.fromkeys(CHANNELS, AS_RECORDED)
    window = seen_through(body, senses)
    nights = body.nights(-math.inf, math.inf)
    if epochs == "all" and not task.a_night:
        nights = [whole_day(night, body.truth, body.begins_s, body.ends_s) for night in nights]
    examples = (task.night_examples(night, window, epochs) for night in nights)
    return [night for night in examples if night is not None]
