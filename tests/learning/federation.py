"""A federation without a server: FedAvg over the devices' own fits, everyone delivering."""

from collections.abc import Sequence

import numpy as np

from devices.buffer import Examples
from devices.learning.models import Fit, fit, initial_arrays
from devices.learning.task import Arrays, Task


def federated(task: Task, devices: Sequence[Examples], how: Fit, rounds: int = 20) -> Arrays:
    """Return the global model after so many rounds of FedAvg."""
    arrays = initial_arrays(task)
    for _ in range(rounds):
        updates = [fit(task, arrays, own, how) for own in devices]
        shares = np.array([len(own) for own in devices], float)
        arrays = [np.average([update[part] for update in updates], axis=0, weights=shares) for part in range(2)]
    return arrays
