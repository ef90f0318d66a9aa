"""The logistic regression: scikit-learn's, started from the federation's coefficients.

Newton's method, one iteration per local epoch, L2 with C = 1, and class weights that are fixed by definition, so that
all devices pull at the same objective. Chosen by experiment: see `C` and `SOLVER`.
"""

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import LinAlgWarning
from sklearn import config_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from devices.buffer import Examples, FloatArray
from devices.learning.models.layers import answered, outputs
from devices.learning.models.model import FLOP_PER_WEIGHT, Fit, Starts
from devices.learning.task import Arrays, Task

SOLVER = "newton-cholesky"
"""FedAvg of one Newton step per device is where it will stay after 3 to 5 rounds (Walch and synthetic fleets); of
one L-BFGS step, which starts as a short step down the gradient, after 20 to 40, and no better."""

C = 1.0
"""Inverse strength of the L2 penalty, scikit-learn's default. Of .1, .3, 1, 3, 10 and 30 none did better on all of: the
Walch folds (.80 AUC; .1 loses .02), three devices with 28 nights each, sixty with seven or three (.80 AUC)."""

PHANTOM_WEIGHT = 1e-9
"""Weight of the phantom example of each class."""


IN_SEQUENCE = False
GROWS_BYTES = 0


def epochs_to_the_end(examples: int) -> int:
    """Return 100: Newton's method is done long before."""
    return 100


def initial_arrays(task: Task) -> Arrays:
    """Return coefficients (k, f) and intercepts (k,) of zero, k = 1 for two classes, else one a class; float64."""
    rows = outputs(task)
    return [np.zeros((rows, len(task.features))), np.zeros(rows)]


def news(before: Arrays, trained: Arrays) -> Arrays:
    """Return *trained*: all of it."""
    return trained


def scores(task: Task, arrays: Arrays, features: npt.NDArray[np.floating], start_s: Starts = None) -> FloatArray:
    """Return (n,) log-odds of class 1 for two classes, else (n, classes)."""
    return answered(features @ arrays[0].T + arrays[1])


def fit(task: Task, arrays: Arrays, examples: Examples, how: Fit) -> Arrays:
    """Return *arrays* after training on *examples*.

    The objective is scikit-learn's: the weighted sum of the log loss, plus the L2 penalty / C on coefficients and
    intercept. Rows are added that hold no data of anyone:

    * One phantom example for each class, all features 0, with a weight of 1e-9: scikit-learn then accepts a device
      whose labels are all of one class, and the model keeps its shape. It moves the model by less than 1e-8.
    * With FedProx, pairs of examples at the global coefficients themselves, equal but for their label, with the
      weights +mu and -mu: their losses differ by a term that is linear in the model, their curvatures cancel. Together
      with a stronger L2 penalty that is exactly ``mu / 2 · |model − global|²`` beside the mean loss (Li et al. 2020).
    """
    count = len(task.classes)
    rows, columns = examples.features.shape
    pulls = _pulls(arrays) if how.proximal_mu > 0 else np.empty((0, columns + 1))
    # The intercept is a column of its own, so that FedProx holds it too.
    design = np.zeros((rows + count + len(pulls), columns + 1))
    design[:rows, :columns] = examples.features
    design[:rows, columns] = 1.0
    design[rows + count :] = pulls
    # Two classes share one row of coefficients, that of class 1; of more, each has its own.
    towards = np.array([1, 0]) if count == 2 else np.stack((np.arange(count), np.zeros(count, int)), axis=1).ravel()
    labels = np.concatenate((examples.labels, np.arange(count), towards[: len(pulls)]))
    weights = how.weights(task, examples.labels)[examples.labels]
    mu = how.proximal_mu * float(weights.sum())
    weights = np.concatenate((weights, np.full(count, PHANTOM_WEIGHT), np.tile((mu, -mu), len(pulls) // 2)))
    model = LogisticRegression(
        C=1 / (1 / C + mu), solver=SOLVER, max_iter=how.local_epochs, warm_start=True, fit_intercept=False
    )
    model.coef_, model.intercept_ = np.column_stack(arrays), np.zeros(len(arrays[1]))
    with config_context(assume_finite=True, skip_parameter_validation=True), warnings.catch_warnings():
        # Stopping after so many local epochs is the plan, not a failure to converge; near the optimum a line search
        # finds nothing to gain.
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", LinAlgWarning)
        model.fit(design, labels, weights)
    return [model.coef_[:, :columns].copy(), model.coef_[:, columns].copy()]


def flop(task: Task, arrays_bytes: int) -> float:
    """Return six operations for each weight of the message."""
    return FLOP_PER_WEIGHT * arrays_bytes / 8


def described(task: Task, arrays: Arrays) -> dict[str, Any]:
    """Return coefficients and intercept by class and feature."""
    classes = task.classes[1:] if len(arrays[0]) == 1 else task.classes
    return {
        "coefficients": {
            name: dict(zip(task.feature_names, map(float, row), strict=True))
            for name, row in zip(classes, arrays[0], strict=True)
        },
        "intercept": dict(zip(classes, map(float, arrays[1]), strict=True)),
    }


def _pulls(arrays: Arrays) -> FloatArray:
    """Return the global model as pairs of rows, centred over classes: what they have in common changes no answer."""
    rows: FloatArray = np.column_stack(arrays)
    if len(rows) > 1:
        rows = rows - rows.mean(axis=0)
    return np.repeat(rows, 2, axis=0)
