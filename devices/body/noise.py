"""Noise with a memory: many autoregressive series at once, without a loop over time."""

import numpy as np

from devices.body.channels import FloatArray

FORGOTTEN = 1e-3
"""What is left of an old value when it no longer matters."""


def wandering(fresh: FloatArray, memory: FloatArray) -> FloatArray:
    """Turn independent noise of unit variance into series of unit variance that remember.

    Each row of *fresh* (series × epochs) becomes x[t] = a·x[t-1] + √(1-a²)·fresh[t], with its own a from
    *memory*: the correlation at a lag of n epochs is aⁿ.
    """
    steps = fresh * np.sqrt(1 - memory**2)[:, None]
    steps[:, 0] = fresh[:, 0]
    return remembered(steps, memory)


def remembered(steps: FloatArray, memory: FloatArray) -> FloatArray:
    """Return y[t] = a·y[t-1] + steps[t] for each row, by doubling the span that is summed up."""
    series: FloatArray = steps.copy()
    span, fading = 1, memory.copy()
    while span < series.shape[1] and (left := fading > FORGOTTEN).any():
        weight = np.where(left, fading, 0.0)[:, None]
        series[:, span:] += weight * series[:, :-span]
        span, fading = 2 * span, fading**2
    return series


def following(target: FloatArray, memory: float, settled: int = 10) -> FloatArray:
    """Return what runs after *target* (one series), closing a share 1 - *memory* of the gap each epoch.

    It starts as though it had long followed the mean of the first *settled* epochs.
    """
    steps = (1 - memory) * target
    steps[0] += memory * target[:settled].mean()
    trail: FloatArray = remembered(steps[None, :], np.array([memory]))[0]
    return trail
