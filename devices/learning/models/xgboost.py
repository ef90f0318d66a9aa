"""Boosted trees: XGBoost, federated by bagging. A round adds one tree of each device to the ensemble of all.

The model travels as Flower's own XGBoost example sends it: one array of bytes, XGBoost's JSON, empty before the first
tree. A device sends back the trees it grew and nothing else; Flower's ``FedXgbBagging`` puts them side by side.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from devices.buffer import Examples, FloatArray
from devices.learning.models.layers import outputs
from devices.learning.models.model import Fit, Starts
from devices.learning.task import Arrays, Task

ETA = 0.3
"""Step size of a whole round, XGBoost's default. The trees of a round are grown side by side from the same ensemble,
and their answers add up: so each device's tree takes its share of the step."""

DEPTH = 3
BINS = 64
"""Values of a feature that a split may lie between: with float16 features and a night of examples more say nothing."""

GROWS_BYTES = 1_800
"""Of a tree in XGBoost's JSON (measured: 1,835 for three classes at depth 3)."""

IN_SEQUENCE = False


def epochs_to_the_end(examples: int) -> int:
    """Return 20: trees of a model that is trained in one place."""
    return 20


def initial_arrays(task: Task) -> Arrays:
    """Return no bytes: an ensemble without trees."""
    return [np.empty(0, np.uint8)]


def fit(task: Task, arrays: Arrays, examples: Examples, how: Fit) -> Arrays:
    """Return the ensemble *arrays* with ``how.local_epochs`` more trees, grown on *examples* where it errs.

    Nothing is drawn: no rows or features are left out. FedProx has no meaning for trees.
    """
    import xgboost

    weights = how.weights(task, examples.labels.astype(np.int64))[examples.labels]
    data = xgboost.DMatrix(examples.features.astype(np.float32), examples.labels, weight=weights, nthread=1)
    settings = _settings(task, ETA / how.devices)
    booster = xgboost.Booster(settings, [data])
    if len(arrays[0]):
        booster.load_model(bytearray(arrays[0].tobytes()))
        booster.set_param(settings)
    for _ in range(how.local_epochs):
        booster.update(data, booster.num_boosted_rounds())
    return [np.frombuffer(booster.save_raw("json"), np.uint8)]


def news(before: Arrays, trained: Arrays) -> Arrays:
    """Return the trees that *trained* has and *before* had not, as an ensemble of their own."""
    booster = _read(trained)
    known = _read(before).num_boosted_rounds() if len(before[0]) else 0
    return [np.frombuffer(booster[known:].save_raw("json"), np.uint8)]


def scores(task: Task, arrays: Arrays, features: npt.NDArray[np.floating], start_s: Starts = None) -> FloatArray:
    """Return (n,) log-odds of class 1 for two classes, else (n, classes); zeros before the first tree."""
    import xgboost

    if not len(arrays[0]):
        return np.zeros(len(features) if outputs(task) == 1 else (len(features), outputs(task)))
    data = xgboost.DMatrix(features.astype(np.float32), nthread=1)
    said: FloatArray = _read(arrays).predict(data, output_margin=True).astype(np.float64)
    return said


def flop(task: Task, arrays_bytes: int) -> float:
    """Return the operations of growing a tree on one example, and of asking the ensemble about it before; an estimate.

    Growing adds gradient and curvature of each output to one bin of each feature at each depth (four operations with
    the bin's search); asking takes a comparison at each depth of each tree.
    """
    growing = 4.0 * len(task.features) * outputs(task) * DEPTH
    return growing + DEPTH * arrays_bytes / GROWS_BYTES


def described(task: Task, arrays: Arrays) -> Mapping[str, Any]:
    """Return how many trees there are, how deep, and how often each feature splits them."""
    trees = _read(arrays).num_boosted_rounds() if len(arrays[0]) else 0
    found = _read(arrays).get_score(importance_type="weight") if trees else {}
    splits = {name: int(found.get(f"f{place}", 0)) for place, name in enumerate(task.feature_names)}
    return {"model": "xgboost", "trees": trees, "depth": DEPTH, "splits": splits}


def _settings(task: Task, eta: float) -> dict[str, Any]:
    """Return XGBoost's parameters; a tree of three classes has a vector in each leaf, so that it stays one tree."""
    settings: dict[str, Any] = {
        "objective": "binary:logistic",
        "eta": eta,
        "max_depth": DEPTH,
        "max_bin": BINS,
        "tree_method": "hist",
        "base_score": 0.5,  # XGBoost would take it from the labels, and no device's trees would fit another's
        "nthread": 1,
    }
    count = outputs(task)
    if count > 1:
        settings |= {"objective": "multi:softprob", "num_class": count, "multi_strategy": "multi_output_tree"}
    return settings


def _read(arrays: Arrays) -> Any:
    import xgboost

    booster = xgboost.Booster({"nthread": 1})
    booster.load_model(bytearray(arrays[0].tobytes()))
    return booster
