"""What every model promises: it begins, learns, answers, travels and repeats itself."""

from dataclasses import replace

import numpy as np
import pytest
from flwr.app import ArrayRecord

from broker.errors import SettingsError
from devices.buffer import Examples
from devices.learning import models
from devices.learning.baselines import central, local_only, personalised
from devices.learning.metrics import confusion, score
from devices.learning.models import (
    EXTRAS,
    LOCAL_EPOCHS,
    Fit,
    Model,
    check_model,
    fit,
    initial_arrays,
    logistic,
    lstm,
    mlp,
    model_named,
    scores,
    xgboost,
)
from devices.learning.task import TASKS, Arrays, Task
from tests.learning.federation import EACH_MODEL, federated
from tests.learning.nights import examples

SLEEP_WAKE, SLEEP_STAGE = TASKS["sleep-wake"], TASKS["sleep-stage"]
ALL: tuple[Model, ...] = (logistic, mlp, lstm, xgboost)  # mypy holds each module to the protocol

each_model = pytest.mark.parametrize("name", EACH_MODEL)
each_task = pytest.mark.parametrize("task", [SLEEP_WAKE, SLEEP_STAGE], ids=["two classes", "three classes"])


def some(task: Task, size: int = 240, seed: int = 1) -> Examples:
    return examples(size, len(task.features), seed, classes=len(task.classes))


def as_usual(name: str) -> Fit:
    return Fit(LOCAL_EPOCHS[name], "none", model=name)


def same(one: Arrays, other: Arrays) -> bool:
    return all(a.dtype == b.dtype and a.tobytes() == b.tobytes() for a, b in zip(one, other, strict=True))


def test_the_registry_has_them_all() -> None:
    assert len(ALL) == len(LOCAL_EPOCHS)
    assert set(EXTRAS) < set(LOCAL_EPOCHS)


@each_task
@each_model
def test_a_federation_answers_better_than_chance_on_examples_it_never_saw(name: str, task: Task) -> None:
    devices, strangers = [some(task, seed=seed) for seed in range(4)], some(task, 600, seed=99)
    how = replace(as_usual(name), devices=4)

    arrays = federated(task, devices, how, rounds=5)

    figures = score(task, arrays, strangers.features, strangers.labels, name, strangers.start_s)
    assert (figures["auc"] or 0) > 0.68
    assert (figures["kappa"] or 0) > 0.2


@each_task
@each_model
def test_the_model_that_knows_nothing_is_the_same_everywhere_and_answers_all_the_same(name: str, task: Task) -> None:
    data = some(task, 30)

    arrays = initial_arrays(task, name)

    assert same(arrays, initial_arrays(task, name))
    said = scores(task, arrays, data.features, name, data.start_s)
    assert said.shape == ((30,) if len(task.classes) == 2 else (30, 3))
    assert said.dtype == np.float64
    assert np.isfinite(said).all()


@each_task
@each_model
def test_a_model_travels_as_flower_sends_it_and_comes_back_the_same(name: str, task: Task) -> None:
    data = some(task)
    trained = fit(task, initial_arrays(task, name), data, as_usual(name))

    returned = ArrayRecord(trained).to_numpy_ndarrays()

    assert same(trained, returned)
    before, after = (scores(task, arrays, data.features, name, data.start_s) for arrays in (trained, returned))
    assert (before == after).all()


@each_model
def test_the_same_fit_gives_the_same_bytes_and_leaves_what_it_was_given(name: str) -> None:
    data, start = some(SLEEP_WAKE), fit(SLEEP_WAKE, initial_arrays(SLEEP_WAKE, name), some(SLEEP_WAKE), as_usual(name))
    kept = [array.copy() for array in start]

    one, other = (fit(SLEEP_WAKE, start, data, as_usual(name)) for _ in range(2))

    assert same(one, other)
    assert same(start, kept)
    assert not same(one, start)


@each_task
@each_model
def test_a_device_with_one_example_of_one_class_trains_all_the_same(name: str, task: Task) -> None:
    one = some(task, 1)

    trained = fit(task, initial_arrays(task, name), one, replace(as_usual(name), class_weight="population"))

    assert np.isfinite(scores(task, trained, one.features, name, one.start_s)).all()


@each_model
def test_confusion_counts_every_example_once_and_agrees_with_the_score(name: str) -> None:
    data = some(SLEEP_STAGE)
    arrays = fit(SLEEP_STAGE, initial_arrays(SLEEP_STAGE, name), data, as_usual(name))

    table = confusion(SLEEP_STAGE, arrays, data, name)

    figures = score(SLEEP_STAGE, arrays, data.features, data.labels, name, data.start_s)
    assert table.shape == (3, 3)
    assert table.sum(axis=1).tolist() == np.bincount(data.labels).tolist()
    assert np.trace(table) / len(data) == figures["accuracy"]


@each_model
def test_the_references_are_trained_models_and_a_device_without_examples_has_none(name: str) -> None:
    devices = [some(SLEEP_WAKE, seed=1), some(SLEEP_WAKE, 0), some(SLEEP_WAKE, seed=2)]
    how, strangers = as_usual(name), some(SLEEP_WAKE, 400, seed=99)

    together, alone = central(SLEEP_WAKE, devices, how), local_only(SLEEP_WAKE, devices, how)
    personal = personalised(SLEEP_WAKE, together, devices, how)

    assert (len(alone), len(personal)) == (2, 2)
    for arrays in (together, *alone, *personal):
        assert (score(SLEEP_WAKE, arrays, strangers.features, strangers.labels, name)["auc"] or 0) > 0.65
    assert not any(same(together, arrays) for arrays in personal)


@pytest.mark.parametrize("name", [one for one in EACH_MODEL if one not in ("logistic",)][:2])
def test_a_proximal_term_keeps_a_network_near_the_global_model(name: str) -> None:
    data, start = some(SLEEP_WAKE), initial_arrays(SLEEP_WAKE, name)

    moved = []
    for mu in (0.0, 10.0, 1_000.0):
        trained = fit(SLEEP_WAKE, start, data, replace(as_usual(name), proximal_mu=mu))
        moved.append(sum(float(((was - now) ** 2).sum()) for was, now in zip(start, trained, strict=True)))

    assert moved[0] > moved[1] > moved[2]


@pytest.mark.parametrize("name", [one for one in EACH_MODEL if one not in ("logistic", "mlp")][:1])
def test_a_sequence_begins_anew_with_each_night_and_never_looks_ahead(name: str) -> None:
    first, second = some(SLEEP_WAKE, 60, seed=1), some(SLEEP_WAKE, 60, seed=2)
    arrays = fit(SLEEP_WAKE, initial_arrays(SLEEP_WAKE, name), first, as_usual(name))
    features = np.concatenate((first.features, second.features))
    a_day_later = np.concatenate((first.start_s, second.start_s + 86_400.0))

    both = scores(SLEEP_WAKE, arrays, features, name, a_day_later)
    half = scores(SLEEP_WAKE, arrays, first.features[:30], name, first.start_s[:30])
    in_a_row = scores(SLEEP_WAKE, arrays, features, name)

    assert np.allclose(both[60:], scores(SLEEP_WAKE, arrays, second.features, name, second.start_s), atol=1e-6)
    assert np.allclose(both[:30], half, atol=1e-6)
    assert not np.allclose(both[60:], in_a_row[60:], atol=1e-6)


@pytest.mark.parametrize("name", [one for one in EACH_MODEL if one not in ("logistic", "mlp")][1:])
def test_a_device_sends_the_trees_it_grew_and_no_others(name: str) -> None:
    data = some(SLEEP_WAKE)
    model = model_named(name)
    before = fit(SLEEP_WAKE, initial_arrays(SLEEP_WAKE, name), data, replace(as_usual(name), local_epochs=3))

    after = fit(SLEEP_WAKE, before, data, as_usual(name))
    news = model.news(before, after)

    counts = [model.described(SLEEP_WAKE, arrays)["trees"] for arrays in (before, after, news)]
    assert counts == [3, 4, 1]


@pytest.mark.parametrize(("name", "library"), EXTRAS.items())
def test_a_missing_library_is_named_with_the_line_that_installs_it(
    name: str, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "find_spec", lambda _library: None)

    with pytest.raises(SettingsError, match=rf"{library} is missing.*pip install 'fleetbeat\[{library}\]'"):
        check_model(name)


def test_a_model_without_its_library_can_still_be_counted() -> None:
    """An agent charges its battery for a fit that another process computes: that needs no torch."""
    counted = {model.__name__.rpartition(".")[2]: model.flop(SLEEP_WAKE, 1_000) for model in (mlp, lstm, xgboost)}

    assert counted["mlp"] == 6 * (12 * 16 + 16 + 16 + 1)
    assert counted["lstm"] == 6 * (64 * 12 + 64 * 16 + 64 + 64 + 16 + 1)
    assert counted["xgboost"] > 4 * 12 * 3
