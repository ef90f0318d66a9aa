"""What FedAvg and FedBuff must come to where that is known: exactly, up to the rounding of float64."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from broker import events as ev
from devices.buffer import Examples
from devices.learning.models import Fit, fit, initial_arrays
from devices.learning.models.logistic import C
from devices.learning.task import TASKS
from tests.oracles.ground import Arrays, Shard, descent, fleet_of, shards

pytestmark = pytest.mark.virtual_time

ALL_TRAIN = {"fraction_evaluate": 0.0, "min_train_devices": 1}
START = [np.zeros(4)]


async def test_fedavg_on_identical_shards_is_central_training() -> None:
    (shard,) = shards(1, rows=50, columns=4, seed=1)
    fleet = fleet_of([shard] * 5, descent, START)

    await fleet.learn("fedavg", rounds=10, cohort=ALL_TRAIN, poll_s=0.0)

    pooled = np.concatenate([shard[0]] * 5), np.concatenate([shard[1]] * 5)
    expected = START
    for _ in range(10):
        expected = descent(expected, pooled)
    assert np.allclose(fleet.course.arrays[0], expected[0], rtol=1e-12, atol=0.0)


async def test_one_device_is_local_training() -> None:
    (shard,) = shards(1, rows=50, columns=4, seed=2)
    fleet = fleet_of([shard], descent, START)

    await fleet.learn("fedavg", rounds=10, cohort=ALL_TRAIN, poll_s=0.0, needed=1)

    expected = descent(START, shard, steps=5 * 10)
    assert np.allclose(fleet.course.arrays[0], expected[0], rtol=1e-12, atol=0.0)


def nights(task: str, rows: int) -> tuple[Shard, Examples]:
    """Nights of whom moving tells how they slept: as a shard, and as a device's examples."""
    rng = np.random.default_rng(3)
    columns = len(TASKS[task].features)
    features = rng.normal(size=(rows, columns)).astype(np.float16).astype(np.float64)
    labels = (features[:, 0] + rng.normal(size=rows) > 0).astype(np.float64)
    return (features, labels), Examples(features, labels.astype(np.int8), start_s=np.arange(rows, dtype=np.float64))


async def test_our_own_client_s_model_on_identical_shards_is_scikit_learn_s_on_the_pool() -> None:
    task = TASKS["night-quality"]
    shard, examples = nights("night-quality", 200)

    def train(arrays: Arrays, _shard: Shard) -> Arrays:
        return fit(task, arrays, examples, Fit(class_weight="none"))

    fleet = fleet_of([shard] * 3, train, initial_arrays(task))

    await fleet.learn("fedavg", rounds=12, cohort=ALL_TRAIN, poll_s=0.0)

    # C = 1 on one shard is C = 1/3 on three copies; the penalty is on the intercept too, so it is a column
    design = np.column_stack((np.concatenate([shard[0]] * 3), np.ones(600)))
    central = LogisticRegression(C=C / 3, fit_intercept=False, tol=1e-12, max_iter=10_000)
    central.fit(design, np.concatenate([shard[1]] * 3))
    found = np.concatenate((fleet.course.arrays[0].ravel(), fleet.course.arrays[1]))
    assert np.allclose(found, central.coef_.ravel(), rtol=0.0, atol=1e-5)


async def test_fedbuff_with_a_buffer_of_one_and_no_delay_is_sequential_sgd() -> None:
    parts = shards(4, rows=30, columns=4, seed=4)
    fleet = fleet_of(parts, descent, START)

    options = {"concurrency": 1, "buffer_size": 1}
    await fleet.learn("fedbuff", rounds=25, options=options, cohort=ALL_TRAIN, poll_s=0.0, round_every_s=0.0)

    order = [fleet.names.index(event.device) for event in fleet.events(ev.DeviceSelected)]
    assert len(order) == 25
    assert set(order) == set(range(4))
    expected = START
    for number in order:
        expected = descent(expected, parts[number])
    assert np.allclose(fleet.course.arrays[0], expected[0], rtol=1e-12, atol=0.0)
