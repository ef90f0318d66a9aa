import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from devices.buffer import Examples
from devices.learning.metrics import losses, score
from devices.learning.models import Fit, fit, initial_arrays, scores
from devices.learning.models.logistic import C
from devices.learning.task import TASKS, Arrays, Task
from tests.learning.nights import examples

TO_THE_END = 100


def some(task: Task, size: int = 200, seed: int = 1) -> Examples:
    return examples(size, len(task.features), seed, classes=len(task.classes))


def somewhere(task: Task, seed: int = 9) -> Arrays:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=array.shape) * 0.3 for array in initial_arrays(task)]


def centred(arrays: Arrays) -> Arrays:
    """The same answers, without what all of three classes have in common."""
    return arrays if len(arrays[1]) == 1 else [array - array.mean(axis=0) for array in arrays]


def objective(task: Task, flat: np.ndarray, data: Examples, how: Fit, start: Arrays) -> float:
    """What a fit promises to minimise, written down plainly."""
    coefficients, _ = initial_arrays(task)
    arrays = [flat[: coefficients.size].reshape(coefficients.shape), flat[coefficients.size :]]
    weights = how.weights(task, data.labels)[data.labels]
    loss = float(weights @ losses(scores(task, arrays, data.features), data.labels))
    moved = flat - np.concatenate([array.ravel() for array in start])
    return float(loss / weights.sum() + (flat @ flat) / (2 * C * weights.sum()) + how.proximal_mu / 2 * (moved @ moved))


@pytest.mark.parametrize("name", sorted(TASKS))
@pytest.mark.parametrize("class_weight", ["population", "balanced", "none"])
@pytest.mark.parametrize("mu", [0.0, 0.05, 2.0])
def test_a_fit_minimises_its_objective_with_and_without_the_proximal_term(
    name: str, class_weight: str, mu: float
) -> None:
    task, how = TASKS[name], Fit(TO_THE_END, class_weight, proximal_mu=mu)
    data, start = some(task), centred(somewhere(task))

    trained = fit(task, start, data, how)

    flat = np.concatenate([array.ravel() for array in trained])
    best = minimize(lambda at: objective(task, at, data, how, start), flat * 0, method="BFGS", options={"gtol": 1e-7})
    assert objective(task, flat, data, how, start) == pytest.approx(best.fun, abs=1e-6)
    if len(task.classes) == 2:
        assert np.allclose(flat, best.x, atol=5e-3)


def test_a_fit_is_scikit_learns_own_but_for_the_phantoms() -> None:
    task = TASKS["sleep-wake"]
    data = some(task)

    trained = fit(task, initial_arrays(task), data, Fit(TO_THE_END, "none"))

    design = np.column_stack((data.features, np.ones(len(data))))
    own = LogisticRegression(C=C, solver="newton-cholesky", fit_intercept=False).fit(design, data.labels)
    assert np.allclose(np.column_stack(trained), own.coef_, atol=1e-6)


@pytest.mark.parametrize("name", sorted(TASKS))
def test_training_starts_from_the_global_model(name: str) -> None:
    task = TASKS[name]
    data = some(task)
    best = fit(task, initial_arrays(task), data, Fit(TO_THE_END))

    again = fit(task, best, data, Fit(local_epochs=1))

    assert all(np.allclose(was, now, atol=5e-3) for was, now in zip(best, again, strict=True))


@pytest.mark.parametrize("name", sorted(TASKS))
def test_more_local_epochs_go_further(name: str) -> None:
    task = TASKS[name]
    data, start = some(task), somewhere(task)

    values = []
    for local_epochs in (1, 2, 8):
        trained = fit(task, start, data, Fit(local_epochs))
        values.append(objective(task, np.concatenate([array.ravel() for array in trained]), data, Fit(), start))

    assert values[0] > values[1] > values[2]


@pytest.mark.parametrize("name", sorted(TASKS))
@pytest.mark.parametrize("mu", [0.0, 0.1])
def test_a_device_with_one_class_trains_all_the_same(name: str, mu: float) -> None:
    task = TASKS[name]
    data = some(task, 7)
    one_class = Examples(data.features, np.full(7, 1), data.start_s)

    trained = fit(task, initial_arrays(task), one_class, Fit(proximal_mu=mu))

    assert [array.shape for array in trained] == [array.shape for array in initial_arrays(task)]
    assert all(np.isfinite(array).all() for array in trained)
    before, after = (
        score(task, arrays, one_class.features, one_class.labels) for arrays in (initial_arrays(task), trained)
    )
    assert before["loss"] is not None
    assert after["loss"] is not None
    assert after["loss"] < before["loss"]


@given(
    seed=st.integers(0, 10_000), size=st.integers(1, 30), name=st.sampled_from(sorted(TASKS)), scale=st.floats(0.01, 30)
)
@settings(deadline=None, max_examples=60)
def test_whatever_a_device_holds_its_update_is_finite_and_moves(seed: int, size: int, name: str, scale: float) -> None:
    task = TASKS[name]
    data = some(task, size, seed)
    wild = Examples((data.features * scale).astype(np.float16), data.labels.astype(np.int8), data.start_s)

    start = somewhere(task, seed)
    trained = fit(task, start, wild, Fit())

    assert all(np.isfinite(array).all() for array in trained)
    # An update of norm 0 would end a run with differential privacy.
    assert any((was != now).any() for was, now in zip(start, trained, strict=True))


def test_population_weights_are_the_same_on_all_devices() -> None:
    task = TASKS["sleep-wake"]
    weights = Fit().weights(task, np.array([1, 1, 1]))

    assert weights.tolist() == Fit().weights(task, np.array([0])).tolist()
    assert weights @ np.array(task.shares["in_bed"]) == pytest.approx(1.0)
    assert Fit(class_weight="balanced").weights(task, np.array([0, 1, 1, 1])).tolist() == [2.0, 2 / 3]
    assert Fit(class_weight="none").weights(task, np.array([1])).tolist() == [1.0, 1.0]


def test_a_strong_pull_keeps_the_global_model() -> None:
    task = TASKS["sleep-stage"]
    start = somewhere(task)

    trained = fit(task, start, some(task), Fit(TO_THE_END, proximal_mu=1e6))

    assert all(np.allclose(was, now, atol=1e-4) for was, now in zip(centred(start), trained, strict=True))
