"""The holdout: which of its examples a device trains on, and which it keeps to judge by."""

import numpy as np

from devices.buffer import Examples, KeptNight
from devices.learning.task import Task

HELD_OUT = 5
"""A device keeps the last fifth of its nights from training, to judge by."""


def parted(task: Task, nights: list[KeptNight], *, holds_out: bool) -> tuple[Examples, Examples]:
    """Return the examples to train on and the held-out ones: the last fifth of nights, at least one of two.

    Of a single night it is the last fifth of its epochs; a single example is not parted.
    """
    kept = [night.examples for night in nights]
    if holds_out and len(kept) > 1:
        held = max(1, len(kept) // HELD_OUT)
        return joined(task, kept[:-held]), joined(task, kept[-held:])
    everything = joined(task, kept)
    cut = len(everything) - (len(everything) // HELD_OUT if holds_out else 0)
    return everything[:cut], everything[cut:]


def sizes(nights: list[KeptNight], *, holds_out: bool) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return how many examples `parted` gives to train on and to judge by, each with how many of them are fresh."""
    held = max(1, len(nights) // HELD_OUT) if holds_out and len(nights) > 1 else 0
    first, last = nights[: len(nights) - held], nights[len(nights) - held :]
    training, judging = _counted(first), _counted(last)
    if holds_out and len(nights) == 1:
        part = training[0] // HELD_OUT
        fresh = nights[0].fresh
        training, judging = (training[0] - part, fresh * (training[0] - part)), (part, fresh * part)
    return training, judging


def _counted(nights: list[KeptNight]) -> tuple[int, int]:
    return sum(len(night.examples) for night in nights), sum(len(n.examples) for n in nights if n.fresh)


def joined(task: Task, parts: list[Examples]) -> Examples:
    """Return all *parts* as one, with room for sums: features float64, labels int64."""
    if not parts:
        return Examples(np.empty((0, len(task.features))), np.empty(0, np.int64), np.empty(0))
    return Examples(
        np.concatenate([part.features for part in parts], dtype=np.float64),
        np.concatenate([part.labels for part in parts], dtype=np.int64),
        np.concatenate([part.start_s for part in parts]),
    )
