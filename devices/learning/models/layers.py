"""Layers: what models of weights have in common, their first arrays and their last answers."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from devices.buffer import FloatArray
from devices.learning.task import Arrays, Task

Shape = tuple[int, ...]


def outputs(task: Task) -> int:
    """Return how many units answer: one for two classes, else one a class."""
    count = len(task.classes)
    return 1 if count == 2 else count


def drawn(shapes: Sequence[Shape], bounds: Sequence[float]) -> Arrays:
    """Return float32 arrays of *shapes*, uniform within ± *bounds*: the same numbers everywhere and always.

    A network of zeros would never learn, because all its hidden units would stay alike.
    """
    one_draw = np.random.default_rng(0)
    pairs = zip(shapes, bounds, strict=True)
    return [one_draw.uniform(-bound, bound, shape).astype(np.float32) for shape, bound in pairs]


def counted(shapes: Sequence[Shape]) -> int:
    """Return how many weights arrays of *shapes* have."""
    return sum(math.prod(shape) for shape in shapes)


def answered(said: npt.NDArray[np.floating]) -> FloatArray:
    """Return what the last layer *said* (n, outputs) as scores: (n,) log-odds of class 1 of two, else (n, classes)."""
    scores: FloatArray = (said[:, 0] if said.shape[1] == 1 else said).astype(np.float64, copy=False)
    return scores
