"""The models of the federation by name: each a module of its own, which is imported when it is asked for."""

from importlib import import_module
from importlib.util import find_spec
from typing import cast

import numpy as np
import numpy.typing as npt

from broker.errors import SettingsError
from devices.buffer import Examples, FloatArray
from devices.learning.models.model import Fit, Model, Starts
from devices.learning.task import Arrays, Task

__all__ = ["EXTRAS", "LOCAL_EPOCHS", "Fit", "Model", "check_model", "fit", "initial_arrays", "model_named", "scores"]

LOCAL_EPOCHS = {"logistic": 1}
"""The models, each with the local epochs it trains a round when nobody says; `docs/learning.md` says why so many."""

EXTRAS: dict[str, tuple[str, str]] = {}
"""Models whose library comes with an extra of Fleetbeat's: model → the library's module, the extra."""


def model_named(name: str) -> Model:
    """Return the model of that name; raises SettingsError if its library is missing."""
    check_model(name)
    return cast(Model, import_module(f"devices.learning.models.{name}"))


def check_model(name: str) -> None:
    """Raise SettingsError, with the line that installs it, if the library of model *name* is missing."""
    library, extra = EXTRAS.get(name, ("", ""))
    if library and find_spec(library) is None:
        raise SettingsError(
            f'learning.model: found "{name}", whose library {library} is missing, expected it to be installed: '
            f"pip install 'fleetbeat[{extra}]'"
        )


def initial_arrays(task: Task, model: str = "logistic") -> Arrays:
    """Return the *model* that knows nothing, shaped by *task* alone."""
    return model_named(model).initial_arrays(task)


def fit(task: Task, arrays: Arrays, examples: Examples, how: Fit) -> Arrays:
    """Return *arrays* of ``how.model`` after training on *examples*."""
    return model_named(how.model).fit(task, arrays, examples, how)


def scores(
    task: Task,
    arrays: Arrays,
    features: npt.NDArray[np.floating],
    model: str = "logistic",
    start_s: Starts = None,
) -> FloatArray:
    """Return (n,) log-odds of class 1 for two classes, else (n, classes) scores; *start_s* as in `Model.scores`."""
    return model_named(model).scores(task, arrays, features, start_s)
