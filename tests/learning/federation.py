"""A federation without a server: FedAvg over the devices' own fits, or bagging of their trees, everyone delivering."""

from collections.abc import Sequence

import numpy as np
import pytest
from flwr.serverapp.strategy.strategy_utils import aggregate_bagging

from devices.buffer import Examples
from devices.learning.models import EXTRAS, LOCAL_EPOCHS, Fit, fit, initial_arrays, missing_library, model_named
from devices.learning.task import Arrays, Task


def _choice(name: str) -> object:
    if name not in EXTRAS:
        return name
    missing = pytest.mark.skipif(missing_library(name) is not None, reason=f"{EXTRAS[name]} is not installed")
    return pytest.param(name, marks=(pytest.mark.extra, missing))


EACH_MODEL = [_choice(name) for name in LOCAL_EPOCHS]
"""All models, for a test's parameters: skipped where the library is missing."""


def federated(task: Task, devices: Sequence[Examples], how: Fit, rounds: int = 20) -> Arrays:
    """Return the global model after so many rounds."""
    model, arrays = model_named(how.model), initial_arrays(task, how.model)
    shares = np.array([len(own) for own in devices], float)
    for _ in range(rounds):
        updates = [model.news(arrays, fit(task, arrays, own, how)) for own in devices]
        if how.model == "xgboost":
            trees = arrays[0].tobytes()
            for update in updates:
                trees = aggregate_bagging(trees, update[0].tobytes())
            arrays = [np.frombuffer(trees, np.uint8)]
        else:
            parts = range(len(arrays))
            arrays = [np.average([update[part] for update in updates], axis=0, weights=shares) for part in parts]
    return arrays
