"""The baselines: what the same nights teach without a federation, all in one place or each device for itself."""

from collections.abc import Sequence

import numpy as np

from devices.buffer import Examples
from devices.learning.holdout import joined
from devices.learning.metrics import FIGURES, Score, score
from devices.learning.model import Fit, fit
from devices.learning.task import Arrays, Task, initial_arrays

ITERATIONS = 100
"""Newton's method is done long before."""


def central(task: Task, devices: Sequence[Examples], how: Fit) -> Arrays:
    """Return the model trained to the end on the examples of all *devices* together (*how* gives the class weights)."""
    return fit(task, initial_arrays(task), joined(task, list(devices)), _to_the_end(how))


def local_only(task: Task, devices: Sequence[Examples], how: Fit) -> list[Arrays]:
    """Return a model for each of *devices* that has examples, trained to the end on those alone."""
    return [fit(task, initial_arrays(task), own, _to_the_end(how)) for own in devices if len(own)]


def mean_score(task: Task, models: Sequence[Arrays], test: Examples) -> Score:
    """Return the mean of the models' scores on *test*, figure by figure: None for a figure that no model has."""
    scores = [score(task, model, test.features, test.labels) for model in models]
    mean: Score = {}
    for figure in (*FIGURES, "examples"):
        known = [value for one in scores if (value := one[figure]) is not None]
        mean[figure] = float(np.mean(known)) if known else None
    return mean


def _to_the_end(how: Fit) -> Fit:
    return Fit(local_epochs=ITERATIONS, class_weight=how.class_weight, epochs=how.epochs)
