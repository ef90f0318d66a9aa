"""The yardsticks: strangers, and nights of the fleet's own wearers, on which all arms of one seed are judged alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from devices.buffer import Examples, KeptNight
from devices.learning.holdout import joined, parted
from devices.learning.metrics import FIGURES, Score, confusion, score
from devices.learning.task import TASKS, Arrays, Task
from devices.lives import Lives
from devices.residents import residents
from devices.settings import Fleet
from devices.table import DAY_S
from fleetbeat.judge import Judge, judge_for
from fleetbeat.study.cell import Judged

COMING_NIGHTS = {True: 14, False: 7}
"""Nights after the run's end on which a device's own wearer is judged: twice as many for one example a night.
A week holds each weekday once."""

Table = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Yardstick:
    """What one seed's arms are judged on: *strangers* outside the fleet, and *own* nights of each training device."""

    task: Task
    epochs: str
    strangers: Judge | None
    own: Mapping[str, Examples]

    def on_strangers(self, arrays: Arrays, model: str) -> Judged | None:
        """Return how *arrays* of *model* answer strangers; None where nobody is kept aside."""
        if self.strangers is None:
            return None
        tables = [confusion(self.task, arrays, examples, model) for examples in self.strangers.wearers.values()]
        figures = self.strangers.of(model).score(arrays)
        return Judged({name: figures[name] for name in FIGURES}, list(self.strangers.wearers), _lists(tables))

    def on_own(self, models: Mapping[str, Arrays | None], model: str) -> Judged | None:
        """Return how each device's model answers its own wearer's nights; None where nobody has any.

        A device whose model is None has none of its own: it always says what is most common among people. Figures
        are of all answers together, but loss (a mean over the examples that a model answered) and AUC (a mean over
        devices): scores of different models cannot be put in one order.
        """
        if not self.own:
            return None
        tables: list[Table] = []
        scores: list[Score] = []
        for device, examples in self.own.items():
            arrays = models[device]
            if arrays is None:
                tables.append(self._most_common(examples))
                continue
            tables.append(confusion(self.task, arrays, examples, model))
            scores.append(score(self.task, arrays, examples.features, examples.labels, model, examples.start_s))
        return Judged(_figures(tables, scores), list(self.own), _lists(tables))

    def alike(self, arrays: Arrays) -> dict[str, Arrays | None]:
        """Return *arrays* as the model of every device."""
        return dict.fromkeys(self.own, arrays)

    def _most_common(self, examples: Examples) -> Table:
        classes = len(self.task.classes)
        table = np.zeros((classes, classes), np.int64)
        table[:, int(np.argmax(self.task.shares[self.epochs]))] = np.bincount(examples.labels, minlength=classes)
        return table


def yardstick_for(fleet: Fleet) -> Yardstick:
    """Return the yardstick of *fleet* with its seed.

    Own nights are those that come after its last day, to the same bodies with the same habits of wearing: no arm
    ever saw them. Of recordings nothing comes after; see `held_out`.
    """
    task = TASKS[fleet.learning.task]
    own: dict[str, Examples] = {}
    if not recorded(fleet):
        here = residents(fleet)
        lives, ends_s = Lives(fleet.model_copy(update={"ideal": False}), here), fleet.days * DAY_S
        for trainer in here:
            if not trainer.kind.trains or trainer.member.to_s < ends_s:
                continue
            nights = lives.nights(trainer, ends_s, ends_s + COMING_NIGHTS[task.a_night] * DAY_S)
            if nights:
                own[trainer.name] = joined(task, [examples for _, examples in nights])
    return Yardstick(task, fleet.learning.epochs, judge_for(fleet), own)


def recorded(fleet: Fleet) -> bool:
    """Whether wearers of *fleet* are recordings."""
    return any(group.recordings is not None for group in fleet.group)


def held_out(fleet: Fleet, nights: Mapping[str, Sequence[KeptNight]]) -> dict[str, Examples]:
    """Return what each device of a fleet of recordings keeps from training: the last fifth of its *nights*."""
    task = TASKS[fleet.learning.task]
    if fleet.learning.fraction_evaluate == 0:
        return {}
    kept = {device: parted(task, list(own), holds_out=True)[1] for device, own in nights.items()}
    return {device: examples for device, examples in kept.items() if len(examples)}


def _figures(tables: Sequence[Table], scores: Sequence[Score]) -> dict[str, float | None]:
    table = np.sum(tables, axis=0)
    truth, said, right = table.sum(axis=1), table.sum(axis=0), np.diag(table)
    total, present = int(table.sum()), truth > 0
    accuracy, chance = float(right.sum() / total), float(truth @ said) / total**2
    weights = [one["examples"] or 0.0 for one in scores]
    losses = [one["loss"] or 0.0 for one in scores]
    areas = [area for one in scores if (area := one["auc"]) is not None]
    return {
        "loss": float(np.average(losses, weights=weights)) if scores else None,
        "accuracy": accuracy,
        "balanced_accuracy": float(np.mean(right[present] / truth[present])),
        "auc": float(np.mean(areas)) if areas else None,
        "kappa": (accuracy - chance) / (1 - chance) if present.sum() > 1 else None,
        "majority_share": float(truth.max() / total),
    }


def _lists(tables: Sequence[Table]) -> list[list[list[int]]]:
    return [table.tolist() for table in tables]
