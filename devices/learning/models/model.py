"""What a model of the federation is: how it begins, learns, answers, and what its work costs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from devices.buffer import Examples, FloatArray
from devices.learning.task import Arrays, Task

FLOP_PER_WEIGHT = 6.0
"""Training one weight on one example: two operations forward, four backward (Kaplan et al. 2020, table 1)."""

Starts = npt.NDArray[np.floating] | None
"""(n,) when each example began, in seconds of life; None: each 30 s after the one before."""


@dataclass(frozen=True, slots=True)
class Fit:
    """How a device trains: passes over its examples, the weight of each class (for *epochs*), FedProx's mu, the model.

    *devices* is how many devices' updates one round adds up, for the model whose updates add up (`xgboost`).
    """

    local_epochs: int = 1
    class_weight: str = "population"
    epochs: str = "in_bed"
    proximal_mu: float = 0.0
    model: str = "logistic"
    devices: int = 1

    def weights(self, task: Task, labels: npt.NDArray[np.integer]) -> FloatArray:
        """Return the weight of each class.

        ``population``: from how common it is among people (`Task.shares`), the same on all devices;
        ``balanced``: from how common it is in *labels*; ``none``: 1.
        """
        count = len(task.classes)
        if self.class_weight == "population":
            return 1.0 / (count * np.array(task.shares[self.epochs]))
        if self.class_weight == "balanced":
            return len(labels) / (count * np.maximum(np.bincount(labels, minlength=count), 1.0))
        return np.ones(count)


class Model(Protocol):
    """One way to answer a task's question: what each module beside this one has. The model itself is its arrays."""

    IN_SEQUENCE: bool
    """Whether it reads the examples of a night one after the other, and wants none left out."""
    GROWS_BYTES: int
    """What each local epoch of each device adds to it: nothing, but for trees."""

    def epochs_to_the_end(self, examples: int) -> int:
        """Return after how many local epochs more of them change nothing: how long the references train."""

    def initial_arrays(self, task: Task) -> Arrays:
        """Return the model that knows nothing, shaped by *task* alone and the same on every machine."""

    def fit(self, task: Task, arrays: Arrays, examples: Examples, how: Fit) -> Arrays:
        """Return *arrays* after training on *examples*: the same bytes for the same input."""

    def news(self, before: Arrays, trained: Arrays) -> Arrays:
        """Return what a device that was sent *before* sends back of what it *trained*."""

    def scores(
        self, task: Task, arrays: Arrays, features: npt.NDArray[np.floating], start_s: Starts = None
    ) -> FloatArray:
        """Return (n,) log-odds of class 1 for two classes, else (n, classes) scores, the highest being the answer.

        Only a model of sequences looks at *start_s*.
        """

    def flop(self, task: Task, arrays_bytes: int) -> float:
        """Return the operations of training on one example once, for a model that is so many bytes in a message."""

    def described(self, task: Task, arrays: Arrays) -> Mapping[str, Any]:
        """Return what ``model.json`` says of *arrays*, beside the task, its classes and its features."""
