"""What our fit costs beside scikit-learn's own: ``python -m benchmarks.fit`` (one BLAS thread, medians, in turns).

*bare* is ``LogisticRegression.fit`` as anyone would call it with the same settings; *inner* the same without its
checks of input, as far as scikit-learn lets one go (private); *ours* is
`devices.learning.models.logistic.fit`, rows and class weights included;
*app* a whole message through the ClientApp, buffer, metrics and Flower's records included.
"""

import statistics
import time
import warnings
from collections.abc import Callable
from datetime import datetime

import numpy as np
from flwr.app import ArrayRecord, ConfigRecord, Context, Message, Metadata, RecordDict
from flwr.app.message import make_message
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.linear_model._logistic import _logistic_regression_path
from threadpoolctl import threadpool_limits

from devices.body import SyntheticBody
from devices.body.day import DAY_S
from devices.buffer import Examples, MemoryBuffer
from devices.kinds import kind_named
from devices.learning.client_app import app
from devices.learning.models import Fit, fit, initial_arrays
from devices.learning.models.logistic import SOLVER
from devices.learning.task import TASKS, Task

REPEATS = 300
CASES = (("night-quality", 7), ("night-quality", 28), ("sleep-wake", 3), ("sleep-wake", 7), ("sleep-stage", 7))


def nights_of(task: Task, count: int) -> list[Examples]:
    """Return *count* nights of random examples."""
    rng, size = np.random.default_rng(1), 1 if task.a_night else 960
    return [
        Examples(
            rng.normal(size=(size, len(task.features))).astype(np.float16),
            rng.integers(0, len(task.classes), size).astype(np.int8),
            30.0 * np.arange(size),
        )
        for _ in range(count)
    ]


def contestants(task: Task, nights: list[Examples]) -> dict[str, Callable[[], object]]:
    """Return what is measured, each ready to be called."""
    start = initial_arrays(task)
    start[0] += np.random.default_rng(2).normal(size=start[0].shape) * 0.1
    features = np.concatenate([night.features for night in nights]).astype(float)
    labels = np.concatenate([night.labels for night in nights]).astype(np.int64)
    whole = Examples(features.astype(np.float16), labels.astype(np.int8), np.zeros(len(labels)))
    weights = Fit().weights(task, labels)[labels]
    design, at = np.column_stack((features, np.ones(len(labels)))), np.column_stack(start)

    def bare() -> object:
        model = LogisticRegression(solver=SOLVER, max_iter=1, warm_start=True)
        model.coef_, model.intercept_ = start[0].copy(), start[1].copy()
        return model.fit(features, labels, weights)

    def inner() -> object:
        return _logistic_regression_path(
            design, labels, classes=np.arange(len(task.classes)), Cs=[1.0], solver=SOLVER, max_iter=1,
            fit_intercept=False, check_input=False, sample_weight=weights, coef=at,
        )  # fmt: skip

    buffer = MemoryBuffer("memory:benchmark", 0)
    for index, night in enumerate(nights):
        buffer.keep_night(index, night, fresh=False)
    run_config: dict[str, bool | float | int | str] = {"task": task.name, "fraction_evaluate": 0.0}
    context = Context(1, 7, {"buffer": buffer.reference}, RecordDict(), run_config)

    def through_the_app(_held: MemoryBuffer = buffer) -> Message:
        content = RecordDict({"arrays": ArrayRecord(start), "config": ConfigRecord({"server-round": 1})})
        return app(make_message(Metadata(1, "1", 1, 7, "", "", 1.8e9, 3600.0, "train"), content=content), context)

    return {"bare": bare, "inner": inner, "ours": lambda: fit(task, start, whole, Fit()), "app": through_the_app}


def night_made_examples() -> Callable[[], object]:
    """Return what turns a night of a band's readings into a row for every 30 s in bed, ready to be called."""
    body, task = SyntheticBody(7, "wearer-1", datetime(2026, 1, 5, 18)), TASKS["sleep-wake"]  # noqa: DTZ001  # a label
    night = body.nights(0.0, 2 * DAY_S)[0]
    worn = MemoryBuffer("memory:a night", 1_000_000)
    for channel, every_s in kind_named("band").senses.items():
        worn.append(channel, *body.readings(channel, night.bed_s - 3_600, night.rise_s, every_s))
    return lambda: task.night_examples(night, worn.window)


def medians_ms(contestants: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Return the median time of each, taken in turns."""
    took: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(REPEATS):
        for name, run in contestants.items():
            began = time.perf_counter()
            run()
            took[name].append(time.perf_counter() - began)
    return {name: 1e3 * statistics.median(times) for name, times in took.items()}


def main() -> None:
    """Print one line per case."""
    print("| task | nights | bare ms | inner ms | ours ms | app ms | ours / bare | ours / inner |")
    print("|---|---|---|---|---|---|---|---|")
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # one iteration is what is measured
        for name, count in CASES:
            ms = medians_ms(contestants(TASKS[name], nights_of(TASKS[name], count)))
            figures = " | ".join(f"{ms[key]:.3f}" for key in ("bare", "inner", "ours", "app"))
            print(f"| {name} | {count} | {figures} | {ms['ours'] / ms['bare']:.2f} | {ms['ours'] / ms['inner']:.2f} |")
        one = contestants(TASKS["sleep-wake"], nights_of(TASKS["sleep-wake"], 1))
        night_ms = medians_ms({"night": night_made_examples(), "bare": one["bare"]})
    print(
        f"\nA night becomes examples, once, in {night_ms['night']:.2f} ms: "
        f"{night_ms['night'] / night_ms['bare']:.1f} times scikit-learn's fit on them."
    )


if __name__ == "__main__":
    main()
