"""Devices of a known problem, at a real strategy on the Grid in virtual time."""

from collections.abc import Callable, Sequence

import numpy as np
from flwr.app import ArrayRecord, Message, MetricRecord, RecordDict
from numpy.typing import NDArray

from tests.aggregator.fleet import Answering, Fleet

Array = NDArray[np.float64]
Arrays = list[Array]
Shard = tuple[Array, Array]
"""Features, one row an example, and what they should come to."""
Training = Callable[[Arrays, Shard], Arrays]


def shards(count: int, rows: int, columns: int, seed: int) -> list[Shard]:
    """Return linear problems, each device's with a truth of its own."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        features = rng.normal(size=(rows, columns))
        made.append((features, features @ rng.normal(size=columns) + 0.1 * rng.normal(size=rows)))
    return made


def descent(arrays: Arrays, shard: Shard, rate: float = 0.05, steps: int = 5) -> Arrays:
    """Return a linear model after so many steps down the gradient of the mean squared error."""
    weights, features, truth = arrays[0], *shard
    for _ in range(steps):
        weights = weights - rate * 2.0 * features.T @ (features @ weights - truth) / len(truth)
    return [weights]


def answering(shard: Shard, train: Training) -> Answering:
    """Return how a device answers that trains on *shard*."""

    def answer(message: Message) -> Message:
        arrays = message.content.array_records["arrays"].to_numpy_ndarrays()
        metrics = MetricRecord({"num-examples": len(shard[1]), "loss": 0.0})
        content = RecordDict({"arrays": ArrayRecord(train(arrays, shard)), "metrics": metrics})
        return Message(content, reply_to=message)

    return answer


def fleet_of(parts: Sequence[Shard], train: Training, initial: Arrays) -> Fleet:
    """Return a fleet whose devices are always there and take no time."""
    fleet = Fleet(len(parts), work_s=0.0, poll_s=0.0)
    for device, shard in zip(fleet.devices.values(), parts, strict=True):
        device.answering = answering(shard, train)
    fleet.course.arrays = [array.copy() for array in initial]
    return fleet
