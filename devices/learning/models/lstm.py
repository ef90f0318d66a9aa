"""The recurrent network: PyTorch's LSTM over the epochs of a night, one answer an epoch, none looking ahead.

It remembers what the features of one epoch cannot tell: what the night was like so far. Torch is imported when somebody
trains or asks; who only counts its weights or sends them on does without.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from devices.buffer import Examples, FloatArray
from devices.learning.features import EPOCH_S
from devices.learning.models.layers import Shape, answered, counted, drawn, outputs
from devices.learning.models.model import FLOP_PER_WEIGHT, Fit, Starts
from devices.learning.task import Arrays, Task

HIDDEN = 16
"""Units of the LSTM."""

LEARNING_RATE = 0.01
CHUNK = 120
"""Epochs that one step back through time covers (an hour); the memory begins anew with each chunk of training."""

BATCH = 2
"""Chunks a step."""

LONGEST = 1_440
"""Epochs after which the memory begins anew when answering, too: no night is longer than twelve hours."""

PAUSE_S = 900.0
"""A pause as long as this begins another night."""

AT_ONCE = 64
"""Nights that are answered together."""

IN_SEQUENCE = True
GROWS_BYTES = 0


def epochs_to_the_end(examples: int) -> int:
    """Return so many that some 200,000 examples are seen, at most 30."""
    return min(math.ceil(200_000 / examples), 30)


def initial_arrays(task: Task) -> Arrays:
    """Return PyTorch's own four arrays of one LSTM layer, then weights (k, h) and biases (k,) of the answers; float32.

    Drawn once and for all within ± 1 / √h, as PyTorch does; k = 1 for two classes, else one a class.
    """
    shapes = _shapes(task)
    return drawn(shapes, [1 / np.sqrt(HIDDEN)] * len(shapes))


def fit(task: Task, arrays: Arrays, examples: Examples, how: Fit) -> Arrays:
    """Return *arrays* after ``how.local_epochs`` passes over the nights of *examples*, by Adam.

    The loss is the weighted mean of the log loss. FedProx's term is decoupled from Adam, as in `mlp`. The order of
    chunks is the same in every fit: nothing is drawn.
    """
    torch = _torch()
    network = _network(torch, task, arrays)
    start = [parameter.detach().clone() for parameter in network.parameters()]
    features = torch.from_numpy(examples.features.astype(np.float32))
    labels = torch.from_numpy(examples.labels.astype(np.int64))
    weights = torch.from_numpy(how.weights(task, examples.labels.astype(np.int64)).astype(np.float32))
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    chunks = list(_nights(examples.start_s, len(examples), CHUNK))
    one_order = np.random.default_rng(0)
    kept = max(1 - LEARNING_RATE * how.proximal_mu, 0.0)
    for _ in range(how.local_epochs):
        order = one_order.permutation(len(chunks))
        for first in range(0, len(order), BATCH):
            rows, there = _padded([chunks[place] for place in order[first : first + BATCH]])
            truth = labels[rows]
            worth = weights[truth] * torch.from_numpy(there)
            loss = (_losses(torch, _said(network, features[rows]), truth) * worth).sum() / worth.sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if how.proximal_mu > 0:
                with torch.no_grad():
                    for now, was in zip(network.parameters(), start, strict=True):
                        now.copy_(was + kept * (now - was))
    return [parameter.detach().numpy().copy() for parameter in network.parameters()]


def news(before: Arrays, trained: Arrays) -> Arrays:
    """Return *trained*: all of it."""
    return trained


def scores(task: Task, arrays: Arrays, features: npt.NDArray[np.floating], start_s: Starts = None) -> FloatArray:
    """Return (n,) log-odds of class 1 for two classes, else (n, classes): night by night, each epoch from those before.

    Where one night ends and another begins is seen from *start_s*.
    """
    torch = _torch()
    network = _network(torch, task, arrays)
    nights = list(_nights(start_s, len(features), LONGEST))
    said = np.zeros((len(features), outputs(task)))
    with torch.no_grad():
        for first in range(0, len(nights), AT_ONCE):
            rows, there = _padded(nights[first : first + AT_ONCE])
            told = _said(network, torch.from_numpy(features[rows].astype(np.float32))).numpy()
            said[rows[there > 0]] = told[there > 0]
    return answered(said)


def flop(task: Task, arrays_bytes: int) -> float:
    """Return six operations for each weight: an epoch of a night uses each once."""
    return FLOP_PER_WEIGHT * counted(_shapes(task))


def described(task: Task, arrays: Arrays) -> Mapping[str, Any]:
    """Return the layers."""
    return {"model": "lstm", "layers": {"input": len(task.features), "LSTM": HIDDEN, "output": outputs(task)}}


def _torch() -> Any:
    """Return the library; that it is there was seen to by `check_model`."""
    import torch

    torch.set_num_threads(1)  # fits are small: a second thread costs more than it helps, and could change a sum's order
    return torch


def _shapes(task: Task) -> list[Shape]:
    gates, answers = 4 * HIDDEN, outputs(task)
    return [(gates, len(task.features)), (gates, HIDDEN), (gates,), (gates,), (answers, HIDDEN), (answers,)]


def _nights(start_s: Starts, count: int, longest: int) -> Iterator[npt.NDArray[np.int64]]:
    """Yield the rows of each night of *count* epochs, none longer than *longest*."""
    steps = np.full(max(count - 1, 0), EPOCH_S) if start_s is None else np.diff(start_s)
    begins = np.flatnonzero((steps <= 0) | (steps >= PAUSE_S)) + 1
    for night in np.split(np.arange(count), begins):
        for first in range(0, len(night), longest):
            yield night[first : first + longest]


def _padded(parts: list[npt.NDArray[np.int64]]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Return *parts* as one block (parts, longest) of rows, and 1 where a row is meant, 0 where it fills."""
    length = max(map(len, parts))
    rows, there = np.zeros((len(parts), length), np.int64), np.zeros((len(parts), length), np.float32)
    for place, part in enumerate(parts):
        rows[place, : len(part)], there[place, : len(part)] = part, 1.0
    return rows, there


def _network(torch: Any, task: Task, arrays: Arrays) -> Any:
    """Return the LSTM and its answers with *arrays* as their parameters."""
    nn = torch.nn
    network = nn.ModuleList([nn.LSTM(len(task.features), HIDDEN, batch_first=True), nn.Linear(HIDDEN, outputs(task))])
    with torch.no_grad():
        for parameter, array in zip(network.parameters(), arrays, strict=True):
            parameter.copy_(torch.from_numpy(np.asarray(array, np.float32)))
    return network


def _said(network: Any, block: Any) -> Any:
    """Return what *network* says to a block (nights, epochs, features): (nights, epochs, outputs)."""
    remembering, answering = network
    remembered, _ = remembering(block)
    return answering(remembered)


def _losses(torch: Any, said: Any, truth: Any) -> Any:
    """Return the log loss of each epoch (nights, epochs)."""
    if said.shape[2] == 1:
        binary = torch.nn.functional.binary_cross_entropy_with_logits
        return binary(said[..., 0], truth.to(said.dtype), reduction="none")
    return torch.nn.functional.cross_entropy(said.movedim(2, 1), truth, reduction="none")
