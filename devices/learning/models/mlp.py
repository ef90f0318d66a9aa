"""The multilayer perceptron: scikit-learn's, one hidden layer, started from the federation's arrays.

Adam in small batches, for ``local_epochs`` passes over a device's examples. Its moments begin anew with each fit: they
are not part of what a federation sends. The order of batches is the same in every fit: nothing is drawn.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn import config_context
from sklearn.neural_network import MLPClassifier

from devices.buffer import Examples, FloatArray
from devices.learning.models.layers import Shape, answered, counted, drawn, outputs
from devices.learning.models.model import FLOP_PER_WEIGHT, Fit, Starts
from devices.learning.task import Arrays, Task

HIDDEN = 16
"""Units of the hidden layer (ReLU); assumed."""

LEARNING_RATE = 0.003
BATCH = 64

IN_SEQUENCE = False
GROWS_BYTES = 0


def epochs_to_the_end(examples: int) -> int:
    """Return so many that some 200,000 examples are seen, at most 30 (Walch: no better after 30 than after 10)."""
    return min(math.ceil(200_000 / examples), 30)


def initial_arrays(task: Task) -> Arrays:
    """Return weights (f, h) and (h, k), then biases (h,) and (k,), k = 1 for two classes, else one a class; float32.

    Drawn once and for all, within scikit-learn's bounds (Glorot & Bengio 2010).
    """
    shapes = _shapes(task)
    return drawn(shapes, [np.sqrt(6 / sum(shape)) for shape in shapes[:2]] * 2)


def fit(task: Task, arrays: Arrays, examples: Examples, how: Fit) -> Arrays:
    """Return *arrays* after ``how.local_epochs`` passes over *examples*.

    FedProx's term is decoupled from Adam, as weight decay is in AdamW (Loshchilov & Hutter 2019): after each epoch
    the model is drawn back to where it came from by what so many gradient steps of ``mu / 2 · |model − global|²`` do.
    """
    classes = np.arange(len(task.classes))
    network = MLPClassifier(
        (HIDDEN,),
        learning_rate_init=LEARNING_RATE,
        random_state=np.random.RandomState(0),  # one stream for all epochs, or they would all have the same order
    )
    features, labels = examples.features.astype(np.float32), examples.labels.astype(np.int64)
    weights = how.weights(task, labels)[labels].astype(np.float32)
    kept = max(1 - LEARNING_RATE * how.proximal_mu, 0.0) ** math.ceil(len(labels) / BATCH)
    with config_context(assume_finite=True, skip_parameter_validation=True):
        network.set_params(batch_size=1).partial_fit(features[:1], labels[:1], classes=classes)  # so it takes its shape
        del network._optimizer  # and forgets that step: the next one begins Adam anew
        network.set_params(batch_size=min(BATCH, len(labels)))
        network.coefs_ = [array.astype(np.float32) for array in arrays[:2]]
        network.intercepts_ = [array.astype(np.float32) for array in arrays[2:]]
        for _ in range(how.local_epochs):
            network.partial_fit(features, labels, sample_weight=weights)
            if how.proximal_mu > 0:
                for now, start in zip((*network.coefs_, *network.intercepts_), arrays, strict=True):
                    now[...] = start + kept * (now - start)
    return [*network.coefs_, *network.intercepts_]


def news(before: Arrays, trained: Arrays) -> Arrays:
    """Return *trained*: all of it."""
    return trained


def scores(task: Task, arrays: Arrays, features: npt.NDArray[np.floating], start_s: Starts = None) -> FloatArray:
    """Return (n,) log-odds of class 1 for two classes, else (n, classes)."""
    into, out, into_bias, out_bias = arrays
    hidden = np.maximum(features.astype(np.float32) @ into + into_bias, 0)
    return answered(hidden @ out + out_bias)


def flop(task: Task, arrays_bytes: int) -> float:
    """Return six operations for each weight."""
    return FLOP_PER_WEIGHT * counted(_shapes(task))


def described(task: Task, arrays: Arrays) -> Mapping[str, Any]:
    """Return the layers."""
    return {"model": "mlp", "layers": {"input": len(task.features), "hidden (ReLU)": HIDDEN, "output": outputs(task)}}


def _shapes(task: Task) -> list[Shape]:
    answers = outputs(task)
    return [(len(task.features), HIDDEN), (HIDDEN, answers), (HIDDEN,), (answers,)]
