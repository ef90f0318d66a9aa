"""Arithmetic of models: Flower's ArrayRecords as vectors. Results have the names of the first operand's arrays."""

from collections.abc import Sequence

import numpy as np
from flwr.app import Array, ArrayRecord


def weighted_mean(models: Sequence[ArrayRecord], weights: Sequence[float]) -> ArrayRecord:
    """Return ``sum(weight * model) / sum(weights)``.

    Raises ZeroDivisionError if all weights are 0, as Flower's own mean does.
    """
    shares = [weight / sum(weights) for weight in weights]
    sums = {
        name: sum(share * model[name].numpy() for share, model in zip(shares, models, strict=True))
        for name in models[0]
    }
    return ArrayRecord({name: Array(np.asarray(total)) for name, total in sums.items()})


def difference(model: ArrayRecord, base: ArrayRecord, factor: float) -> ArrayRecord:
    """Return ``factor * (model - base)``."""
    return ArrayRecord({name: Array(np.asarray(factor * (model[name].numpy() - base[name].numpy()))) for name in model})


def moved(model: ArrayRecord, step: ArrayRecord, factor: float) -> ArrayRecord:
    """Return ``model + factor * step``."""
    return ArrayRecord({name: Array(np.asarray(model[name].numpy() + factor * step[name].numpy())) for name in model})
