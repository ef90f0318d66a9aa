import pickle
from typing import Any

import numpy as np
import pytest
from flwr.app import ArrayRecord, ConfigRecord, Context, Metadata, RecordDict
from flwr.app.message import make_message

from broker.errors import FleetbeatError
from devices.buffer import Examples, MemoryBuffer
from devices.learning import client_app
from devices.learning.client_app import ALMOST_NOTHING, app
from devices.learning.holdout import parted
from devices.learning.models import initial_arrays
from devices.learning.task import TASKS
from tests.learning.nights import examples

SLEEP_WAKE, NIGHT_QUALITY = TASKS["sleep-wake"], TASKS["night-quality"]


def buffer_of(nights: list[Examples], fresh_from: int = 0) -> MemoryBuffer:
    buffer = MemoryBuffer("memory:watch-1", 100)
    for index, one in enumerate(nights):
        buffer.keep_night(index, one, fresh=index >= fresh_from)
    return buffer


def ask(
    kind: str, buffer: MemoryBuffer, config: dict[str, float] | None = None, **run_config: str | float
) -> RecordDict:
    run = {"task": "sleep-wake", **run_config}
    content = RecordDict(
        {
            "arrays": ArrayRecord(initial_arrays(TASKS[str(run["task"])])),
            "config": ConfigRecord({"server-round": 1, **(config or {})}),
        }
    )
    context = Context(1, 7, {"buffer": buffer.reference}, RecordDict(), dict(run))
    instruction = make_message(Metadata(1, "task-1", 1, 7, "", "", 1.8e9, 3600.0, kind), content=content)
    return app(instruction, context).content


def figures(content: RecordDict) -> dict[str, float]:
    return {
        name: float(value) for name, value in content.metric_records["metrics"].items() if not isinstance(value, list)
    }


def nights(count: int, size: int = 40) -> list[Examples]:
    return [examples(size, len(SLEEP_WAKE.features), seed=number) for number in range(count)]


def test_a_device_trains_on_its_nights_and_replies_with_a_better_model() -> None:
    buffer = buffer_of(nights(6), fresh_from=4)

    reply = ask("train", buffer, class_weight="none")

    coefficients, intercepts = reply.array_records["arrays"].to_numpy_ndarrays()
    told = figures(reply)
    assert coefficients.shape == (1, 12)
    assert intercepts.shape == (1,)
    assert told["num-examples"] == 5 * 40  # the last night is kept to judge by
    assert told["num-examples-fresh"] == 2 * 40
    assert told["train_loss"] == pytest.approx(np.log(2))  # of the model as it came: what q-FedAvg weighs by
    assert told["loss"] < told["train_loss"]
    assert told["accuracy"] > 0.7


def test_nothing_is_held_out_when_nobody_evaluates() -> None:
    buffer = buffer_of(nights(6))

    reply = ask("train", buffer, fraction_evaluate=0.0)

    assert figures(reply)["num-examples"] == 6 * 40


def test_evaluation_is_on_the_most_recent_nights_alone() -> None:
    shown = nights(5)
    buffer = buffer_of(shown)

    reply = ask("evaluate", buffer)

    assert figures(reply)["num-examples"] == 40
    assert figures(reply)["accuracy"] == pytest.approx(1 - shown[-1].labels.mean())


def test_of_one_night_the_last_fifth_is_held_out() -> None:
    (only,) = nights(1)

    training, held = parted(SLEEP_WAKE, buffer_of([only]).nights(), holds_out=True)

    assert (len(training), len(held)) == (32, 8)
    assert held.start_s.min() > training.start_s.max()


@pytest.mark.parametrize(("count", "held"), [(1, 0), (2, 1), (4, 1), (9, 1), (10, 2), (28, 5)])
def test_a_fifth_of_the_nights_is_held_out(count: int, held: int) -> None:
    one_each = [examples(1, len(NIGHT_QUALITY.features), seed=number) for number in range(count)]

    training, kept = parted(NIGHT_QUALITY, buffer_of(one_each).nights(), holds_out=True)

    assert (len(training), len(kept)) == (count - held, held)


def test_a_device_without_anything_held_out_answers_like_the_others() -> None:
    alone = buffer_of([examples(1, len(NIGHT_QUALITY.features), seed=1)])
    many = MemoryBuffer("memory:watch-2", 100)
    for index in range(9):
        many.keep_night(index, examples(1, len(NIGHT_QUALITY.features), seed=index), fresh=True)

    without, with_ = (figures(ask("evaluate", buffer, task="night-quality")) for buffer in (alone, many))

    assert list(without) == list(with_)
    assert without["num-examples"] == ALMOST_NOTHING
    assert with_["num-examples"] == 1.0


def test_replies_hold_the_same_figures_whatever_the_device() -> None:
    one_class = Examples(np.ones((3, 12)), np.ones(3, np.int8), np.arange(3.0))

    rich, poor = (ask("train", buffer_of(shown)) for shown in (nights(4), [one_class]))

    assert list(figures(rich)) == list(figures(poor))
    assert list(rich.array_records["arrays"]) == list(poor.array_records["arrays"])


def test_an_empty_buffer_has_nothing_to_train_on() -> None:
    with pytest.raises(FleetbeatError, match="too little data"):
        ask("train", MemoryBuffer("memory:watch-1", 100))


def test_the_settings_of_the_run_are_heard() -> None:
    buffer = buffer_of(nights(3))

    def trained(config: dict[str, float] | None = None, **run_config: str | float) -> np.ndarray:
        return ask("train", buffer, config, **run_config).array_records["arrays"].to_numpy_ndarrays()[0]

    plain = trained()
    assert np.array_equal(plain, trained())
    assert not np.array_equal(plain, trained(local_epochs=5))
    assert not np.array_equal(plain, trained(class_weight="none"))
    assert np.linalg.norm(trained({"proximal-mu": 1.0})) < np.linalg.norm(plain)
    assert trained(task="sleep-stage").shape == (3, 12)


def moved(reply: RecordDict) -> float:
    """How far the update is from the model that was sent: all zeros."""
    return float(np.sqrt(sum((array**2).sum() for array in reply.array_records["arrays"].to_numpy_ndarrays())))


def test_an_update_is_clipped_where_the_message_asks_for_it_and_nowhere_else() -> None:
    buffer = buffer_of(nights(3))

    plain, short, wide = (
        ask("train", buffer, norm) for norm in (None, {"clipping_norm": 0.1}, {"clipping_norm": 99.0})
    )

    assert moved(plain) > 0.2
    assert "norm_bit" not in figures(plain)
    assert moved(short) == pytest.approx(0.1)
    assert figures(short) == figures(plain) | {"norm_bit": 1.0}
    assert moved(wide) == pytest.approx(moved(plain))
    assert figures(wide) == figures(plain) | {"norm_bit": 0.0}


def test_what_a_fit_needs_travels_to_another_process() -> None:
    (night,) = buffer_of(nights(1)).nights()

    there = pickle.loads(pickle.dumps(night))

    assert np.array_equal(there.examples.features, night.examples.features)
    assert (there.index, there.fresh, there.readings) == (night.index, night.fresh, night.readings)


@pytest.mark.parametrize(
    ("settings", "devices"),
    [
        ({}, 20),
        ({"fraction_train": 0.1}, 2),
        ({"fraction_train": 0.01, "min_train_devices": 3}, 3),
        ({"strategy": "fedxgbcyclic"}, 1),
        ({"devices_a_round": 7}, 7),
    ],
)
def test_trees_share_a_step_among_as_many_devices_as_a_round_asks(settings: dict[str, Any], devices: int) -> None:
    node: dict[str, str | int | float | bool] = {"partition-id": 0, "num-partitions": 20}

    _, how, _ = client_app._settings(Context(1, 7, node, RecordDict(), settings))

    assert how.devices == devices
