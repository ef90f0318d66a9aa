"""The metrics: how good a model's answers are, beside what the majority's answer would have scored."""

import numpy as np
import numpy.typing as npt

from devices.buffer import Examples, FloatArray
from devices.learning.models import scores
from devices.learning.models.model import Starts
from devices.learning.task import Arrays, Task

FIGURES = ("loss", "accuracy", "balanced_accuracy", "auc", "kappa", "majority_share")

Score = dict[str, float | None]
"""The `FIGURES` and the number of ``examples``; None where a figure does not exist."""


def score(
    task: Task,
    arrays: Arrays,
    features: npt.NDArray[np.floating],
    labels: npt.NDArray[np.integer],
    model: str = "logistic",
    start_s: Starts = None,
) -> Score:
    """Return how *arrays* of *model* answer *features* (n, f) whose truth is *labels* (n,).

    *start_s* is for a model of sequences, which wants to know when each example began.

    Loss is the mean log loss, unweighted; balanced accuracy and (macro one-vs-rest) AUC are means over the classes that
    occur; AUC and kappa are None where all labels are of one class, everything is None without examples.
    """
    if not len(labels):
        return dict.fromkeys(FIGURES, None) | {"examples": 0.0}
    labels = labels.astype(np.int64)
    said_of = scores(task, arrays, features, model, start_s)
    table = _table(len(task.classes), said_of, labels)
    truth, said, right = table.sum(axis=1), table.sum(axis=0), np.diag(table)
    total = len(labels)
    present = truth > 0
    accuracy = float(right.sum() / total)
    chance = float(truth @ said) / total**2
    return {
        "loss": float(losses(said_of, labels).mean()),
        "accuracy": accuracy,
        "balanced_accuracy": float(np.mean(right[present] / truth[present])),
        "auc": _auc(said_of, labels, present),
        "kappa": (accuracy - chance) / (1 - chance) if present.sum() > 1 else None,
        "majority_share": float(truth.max() / total),
        "examples": float(total),
    }


def confusion(task: Task, arrays: Arrays, examples: Examples, model: str = "logistic") -> npt.NDArray[np.int64]:
    """Return how often each truth was answered how: (classes, classes), truth × said."""
    said_of = scores(task, arrays, examples.features, model, examples.start_s)
    return _table(len(task.classes), said_of, examples.labels.astype(np.int64))


def answers(said_of: FloatArray) -> npt.NDArray[np.int64]:
    """Return the class that a model's scores speak for, example by example."""
    found: npt.NDArray[np.int64] = (said_of > 0).astype(np.int64) if said_of.ndim == 1 else np.argmax(said_of, axis=1)
    return found


def _table(classes: int, said_of: FloatArray, labels: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
    places = labels * classes + answers(said_of)
    return np.bincount(places, minlength=classes * classes).reshape(classes, classes)


def losses(scores: FloatArray, labels: npt.NDArray[np.integer]) -> FloatArray:
    """Return the log loss of each example from the model's *scores* (see `Model.scores`)."""
    result: FloatArray
    if scores.ndim == 1:
        result = np.logaddexp(0.0, np.where(labels == 1, -scores, scores))
    else:
        highest = scores.max(axis=1)
        result = (
            highest + np.log(np.exp(scores - highest[:, None]).sum(axis=1)) - scores[np.arange(len(labels)), labels]
        )
    return result


def _auc(scores: FloatArray, labels: npt.NDArray[np.integer], present: npt.NDArray[np.bool_]) -> float | None:
    if present.sum() < 2:
        return None
    if scores.ndim == 1:
        return _area(scores, labels == 1)
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    chances = shifted / shifted.sum(axis=1, keepdims=True)
    return float(np.mean([_area(chances[:, k], labels == k) for k in np.flatnonzero(present)]))


def _area(scores: FloatArray, positive: npt.NDArray[np.bool_]) -> float:
    """Return the chance that a positive scores above a negative, ties counting half (Mann & Whitney 1947)."""
    order = np.argsort(scores)
    ordered = scores[order]
    first = np.flatnonzero(np.concatenate(((True,), ordered[1:] != ordered[:-1])))
    last = np.append(first[1:], len(ordered))
    ranks = np.repeat((first + last + 1) / 2, last - first)
    hits = int(positive.sum())
    return float((ranks[positive[order]].sum() - hits * (hits + 1) / 2) / (hits * (len(scores) - hits)))


def loss_and_accuracy(task: Task, arrays: Arrays, examples: Examples, model: str = "logistic") -> tuple[float, float]:
    """Return mean log loss and share of right answers, the two figures a device reports."""
    said_of = scores(task, arrays, examples.features, model, examples.start_s)
    return float(losses(said_of, examples.labels).mean()), float((answers(said_of) == examples.labels).mean())
