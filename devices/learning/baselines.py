"""The baselines: what the same nights teach without a federation, all in one place or each device for itself."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from devices.buffer import Examples
from devices.learning.holdout import joined
from devices.learning.metrics import FIGURES, Score, score
from devices.learning.models import Fit, fit, initial_arrays, model_named
from devices.learning.task import Arrays, Task

PERSONAL_EPOCHS = 5
"""Local epochs of fine-tuning."""

PERSONAL_MU = 1.0
"""How strongly a personal model is held to the global one, as in Ditto (Li et al. 2021). Without it a device forgets
what the others taught it. Of 0, .03, .1, .3 and 1 this kept most on the wearers' own later nights: 40 synthetic
wearers of night-quality (logistic) have an AUC of .846 without, .919 with it, .914 by the global model."""

CENTRAL_EXAMPLES = 200_000
"""A central model of a large fleet learns from every so-manieth example: more of them change no third digit."""


def thinned(nights: Sequence[Examples], most: int, model: str) -> list[Examples]:
    """Return every so-manieth example of each of *nights*, so that there are *most* in all or a few more.

    A *model* that reads a night's examples one after the other gets every so-manieth night.
    """
    every = max(1, math.ceil(sum(map(len, nights)) / most))
    return list(nights[::every]) if model_named(model).IN_SEQUENCE else [night[::every] for night in nights]


def central(task: Task, devices: Sequence[Examples], how: Fit) -> Arrays:
    """Return ``how.model`` trained to the end on the examples of all *devices* together."""
    return _to_the_end(task, joined(task, list(devices)), how)


def local_only(task: Task, devices: Sequence[Examples], how: Fit) -> list[Arrays]:
    """Return a model for each of *devices* that has examples, trained to the end on those alone."""
    return [_to_the_end(task, own, how) for own in devices if len(own)]


def personalised(task: Task, arrays: Arrays, devices: Sequence[Examples], how: Fit) -> list[Arrays]:
    """Return the global model *arrays* fine-tuned for each of *devices* that has examples, on those alone."""
    gently = replace(how, local_epochs=PERSONAL_EPOCHS, proximal_mu=PERSONAL_MU, devices=1)
    return [fit(task, arrays, own, gently) for own in devices if len(own)]


def mean_score(task: Task, models: Sequence[Arrays], test: Examples, model: str = "logistic") -> Score:
    """Return the mean of the models' scores on *test*, figure by figure: None for a figure that no model has."""
    scores = [score(task, arrays, test.features, test.labels, model, test.start_s) for arrays in models]
    mean: Score = {}
    for figure in (*FIGURES, "examples"):
        known = [value for one in scores if (value := one[figure]) is not None]
        mean[figure] = float(np.mean(known)) if known else None
    return mean


def _to_the_end(task: Task, examples: Examples, how: Fit) -> Arrays:
    epochs = model_named(how.model).epochs_to_the_end(len(examples))
    alone = replace(how, local_epochs=epochs, proximal_mu=0.0, devices=1)
    return fit(task, initial_arrays(task, how.model), examples, alone)
