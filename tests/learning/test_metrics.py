import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from devices.buffer import Examples
from devices.learning.metrics import loss_and_accuracy, score
from devices.learning.task import TASKS, Task
from tests.learning.nights import examples


def answers(task: Task, seed: int, size: int, classes: int) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    rows = 1 if len(task.classes) == 2 else len(task.classes)
    features = np.round(rng.normal(size=(size, len(task.features))))  # rounded: with ties
    return (
        [np.round(rng.normal(size=(rows, len(task.features)))), rng.normal(size=rows)],
        features,
        rng.integers(0, classes, size),
    )


@given(seed=st.integers(0, 10_000), size=st.integers(2, 60))
@settings(deadline=None, max_examples=60)
def test_figures_for_two_classes_are_scikit_learns(seed: int, size: int) -> None:
    arrays, features, labels = answers(TASKS["sleep-wake"], seed, size, 2)
    labels[:2] = 0, 1
    scores = features @ arrays[0][0] + arrays[1]

    figures = score(TASKS["sleep-wake"], arrays, features, labels)

    assert figures["auc"] == pytest.approx(reference.roc_auc_score(labels, scores))
    assert figures["accuracy"] == pytest.approx(reference.accuracy_score(labels, scores > 0))
    assert figures["balanced_accuracy"] == pytest.approx(reference.balanced_accuracy_score(labels, scores > 0))
    assert figures["kappa"] == pytest.approx(reference.cohen_kappa_score(labels, scores > 0))
    assert figures["majority_share"] == pytest.approx(max(labels.mean(), 1 - labels.mean()))
    assert figures["examples"] == size


@given(seed=st.integers(0, 10_000), size=st.integers(3, 60))
@settings(deadline=None, max_examples=40)
def test_figures_for_three_classes_are_scikit_learns(seed: int, size: int) -> None:
    arrays, features, labels = answers(TASKS["sleep-stage"], seed, size, 3)
    labels[:3] = 0, 1, 2
    scores = features @ arrays[0].T + arrays[1]
    chances = np.exp(scores - scores.max(axis=1, keepdims=True))
    chances /= chances.sum(axis=1, keepdims=True)

    figures = score(TASKS["sleep-stage"], arrays, features, labels)

    assert figures["auc"] == pytest.approx(reference.roc_auc_score(labels, chances, multi_class="ovr"))
    assert figures["kappa"] == pytest.approx(reference.cohen_kappa_score(labels, scores.argmax(axis=1)))
    loss = figures["loss"]
    assert loss is not None
    assert loss >= reference.log_loss(labels, chances, labels=[0, 1, 2]) - 1e-9


def test_one_class_has_no_auc_and_no_kappa() -> None:
    arrays, features, _ = answers(TASKS["sleep-wake"], 1, 20, 2)

    figures = score(TASKS["sleep-wake"], arrays, features, np.ones(20, np.int8))

    assert figures["auc"] is None
    assert figures["kappa"] is None
    assert figures["majority_share"] == 1.0


def test_no_examples_have_no_figures() -> None:
    arrays, features, labels = answers(TASKS["sleep-wake"], 1, 0, 2)

    figures = score(TASKS["sleep-wake"], arrays, features, labels)

    assert figures.pop("examples") == 0.0
    assert set(figures.values()) == {None}


def test_a_hopelessly_sure_model_has_a_finite_loss() -> None:
    some = examples(10, 12, seed=1)

    loss, accuracy = loss_and_accuracy(TASKS["sleep-wake"], [np.full((1, 12), 1e6), np.zeros(1)], some)

    assert np.isfinite(loss)
    assert 0 <= accuracy <= 1


@pytest.mark.parametrize("name", sorted(TASKS))
def test_a_device_reports_the_loss_and_accuracy_of_the_score(name: str) -> None:
    task = TASKS[name]
    arrays, features, labels = answers(task, 5, 300, len(task.classes))

    figures = score(task, arrays, features, labels)

    assert loss_and_accuracy(task, arrays, Examples(features, labels, np.zeros(300))) == (
        figures["loss"],
        figures["accuracy"],
    )


def test_half_a_million_rows_are_judged_within_a_second() -> None:
    arrays, features, labels = answers(TASKS["sleep-wake"], 1, 500_000, 2)

    began = time.perf_counter()
    score(TASKS["sleep-wake"], arrays, features, labels)

    assert time.perf_counter() - began < 1.0
