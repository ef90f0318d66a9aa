"""The judge: how good the global model is on wearers who are in no device of the fleet."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from devices.assembly import AS_RECORDED
from devices.body import CHANNELS, RecordedBody, SyntheticBody, read_recordings
from devices.buffer import Examples
from devices.kinds import kind_named
from devices.learning.history import nights_of, seen_through, whole_day
from devices.learning.holdout import joined
from devices.learning.metrics import Score, score
from devices.learning.task import TASKS, Task
from devices.residents import residents
from devices.settings import Fleet

DAY_S = 86_400.0
STRANGERS = 200
NIGHTS_EACH = {True: 3, False: 2}
"""Nights of each: three where a night is one example (a score on 600 has a standard error of about .02), else two."""

Arrays = Sequence[npt.NDArray[np.float64]]


class Judge:
    """Holds the examples of strangers and scores models on them."""

    def __init__(self, task: Task, examples: Examples) -> None:
        self._task = task
        self.examples = examples

    def score(self, arrays: Arrays) -> Score:
        """Return loss, accuracy, balanced accuracy, AUC, kappa and the majority's share."""
        return score(self._task, list(arrays), self.examples.features, self.examples.labels)


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
    task = TASKS[fleet.learning.task]
    parts: list[Examples] = []
    recorded = [group for group in fleet.group if group.recordings is not None]
    if recorded:
        for group in recorded:
            assert group.recordings is not None
            recordings = read_recordings(group.recordings)
            for person in fleet.learning.test_persons:
                if any(person == known.id for known in recordings.persons):
                    parts += person_examples(RecordedBody(recordings, person, fleet.start), task, fleet.learning.epochs)
    else:
        senses = next(
            (device.kind.senses for device in residents(fleet) if device.kind.senses), kind_named("band").senses
        )
        for number in range(STRANGERS):
            body = SyntheticBody(fleet.seed, f"stranger-{number + 1}", fleet.start)
            for _, examples in nights_of(
                body, senses, task, 0.0, NIGHTS_EACH[task.a_night] * DAY_S, epochs=fleet.learning.epochs
            ):
                parts.append(examples)
    return Judge(task, joined(task, parts)) if parts else None


def person_examples(body: RecordedBody, task: Task, epochs: str) -> list[Examples]:
    """Return the examples of all nights of one recorded person."""
    senses = dict.fromkeys(CHANNELS, AS_RECORDED)
    window = seen_through(body, senses)
    nights = body.nights(-math.inf, math.inf)
    if epochs == "all" and not task.a_night:
        nights = [whole_day(night, body.truth, body.begins_s, body.ends_s) for night in nights]
    examples = (task.night_examples(night, window, epochs) for night in nights)
    return [night for night in examples if night is not None]
