"""The client: message in, reply out. Flower's ClientApp of a device, training on what its buffer holds.

It finds the buffer by ``node_config["buffer"]``; where there is none (``flwr run .``: Flower's own simulation)
the node is a partition of the fleet that the run names, or the node itself (``node_config["fleet"]``: a file of its
machine's). Settings are those of a fleet's ``[learning]``.
"""

from collections.abc import Callable
from dataclasses import replace

from flwr.app import ArrayRecord, ConfigRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from flwr.clientapp.mod import adaptiveclipping_mod
from threadpoolctl import threadpool_limits

from broker.errors import FleetbeatError
from devices.buffer import Buffer, open_buffer
from devices.learning.holdout import parted
from devices.learning.metrics import loss_and_accuracy
from devices.learning.models import LOCAL_EPOCHS, Fit, fit, model_named
from devices.learning.task import TASKS, Task

ALMOST_NOTHING = 1e-6
"""Weight of a device with nothing to judge by: it counts only where no device has more (all weights 0 end a run)."""

threadpool_limits(1, user_api="blas")  # fits take milliseconds: a second thread costs more than it helps

CLIPPING_NORM = "clipping_norm"
"""Flower's strategies of client-side clipping ask for it by this key of their config."""

Training = Callable[[Message, Context], Message]

app = ClientApp()


def clipped_where_asked(message: Message, context: Context, training: Training) -> Message:
    """Have Flower clip the update to the norm that the message asks for; without one it goes as it is.

    Of Flower's two mods the adaptive one serves both strategies: it clips as the fixed one does and adds
    ``norm_bit`` to the metrics, whether the update was clipped. A message does not say which strategy sent it.
    """
    asked = any(CLIPPING_NORM in config for config in message.content.config_records.values())
    return adaptiveclipping_mod(message, context, training) if asked else training(message, context)


@app.train(mods=[clipped_where_asked])
def train(message: Message, context: Context) -> Message:
    """Train the global model on the device's examples and reply with the trained one.

    Reads ``arrays`` and, from ``config``, ``proximal-mu`` (FedProx). Replies with ``arrays`` and ``metrics``:
    ``num-examples`` and ``num-examples-fresh``; ``train_loss`` of the model as it came, by which q-FedAvg weighs
    devices; ``loss`` and ``accuracy`` of the model as it goes; all on the training examples.
    """
    task, how, holds_out = _settings(context)
    nights = _buffer(context).nights()
    mine, _ = parted(task, nights, holds_out=holds_out)
    if not len(mine):
        raise FleetbeatError("too little data: the buffer holds no example to train on")
    arrays = message.content.array_records["arrays"].to_numpy_ndarrays()
    trained = fit(task, arrays, mine, replace(how, proximal_mu=_proximal_mu(message)))
    # FedXgbCyclic hands the ensemble from device to device, whole; all others want what is new
    cyclic = context.run_config.get("strategy") == "fedxgbcyclic"
    sent = trained if cyclic else model_named(how.model).news(arrays, trained)
    loss, accuracy = loss_and_accuracy(task, trained, mine, how.model)
    metrics = MetricRecord(
        {
            "num-examples": len(mine),
            "num-examples-fresh": sum(len(night.examples) for night in nights if night.fresh),
            "train_loss": loss_and_accuracy(task, arrays, mine, how.model)[0],
            "loss": loss,
            "accuracy": accuracy,
        }
    )
    return Message(RecordDict({"arrays": ArrayRecord(sent), "metrics": metrics}), reply_to=message)


@app.evaluate()
def evaluate(message: Message, context: Context) -> Message:
    """Judge the global model on the device's most recent nights, which it keeps from training.

    Replies with ``metrics``: ``num-examples``, ``loss``, ``accuracy``. A device that holds nothing out answers with
    figures of its training examples and next to no weight.
    """
    task, how, holds_out = _settings(context)
    mine, held = parted(task, _buffer(context).nights(), holds_out=holds_out)
    arrays = message.content.array_records["arrays"].to_numpy_ndarrays()
    loss, accuracy = loss_and_accuracy(task, arrays, held if len(held) else mine, how.model)
    metrics = MetricRecord({"num-examples": float(len(held)) or ALMOST_NOTHING, "loss": loss, "accuracy": accuracy})
    return Message(RecordDict({"metrics": metrics}), reply_to=message)


def _settings(context: Context) -> tuple[Task, Fit, bool]:
    """Return the task, how to train, and whether anything is held out, from the run's settings."""
    run = context.run_config
    model = str(run.get("model", "logistic"))
    how = Fit(
        local_epochs=int(run.get("local_epochs", LOCAL_EPOCHS[model])),
        class_weight=str(run.get("class_weight", "population")),
        epochs=str(run.get("epochs", "in_bed")),
        model=model,
        devices=int(run["devices_a_round"]) if "devices_a_round" in run else _devices_a_round(context),
    )
    return TASKS[str(run.get("task", "night-quality"))], how, float(run.get("fraction_evaluate", 1.0)) > 0


def _devices_a_round(context: Context) -> int:
    """Return how many devices a round is meant to have in Flower's own simulation, where nobody says so."""
    run = context.run_config
    if run.get("strategy") == "fedxgbcyclic":
        return 1
    nodes = int(context.node_config.get("num-partitions", 1))
    asked = max(int(nodes * float(run.get("fraction_train", 1.0))), int(run.get("min_train_devices", 1)))
    return max(1, min(asked, nodes))


def _proximal_mu(message: Message) -> float:
    config = message.content.config_records.get("config", ConfigRecord())
    mu = config.get("proximal-mu", 0.0)
    return float(mu) if isinstance(mu, int | float) else 0.0


def _buffer(context: Context) -> Buffer:
    """Return this node's buffer, filled from the fleet where the node is a partition."""
    node = context.node_config
    if "buffer" in node:
        return open_buffer(str(node["buffer"]))
    # Only Flower's own nodes, simulated or not, need the fleet and its bodies, so only they wait for their import.
    from devices.learning.partition import buffer_of_partition

    run = context.run_config | ({"fleet": node["fleet"]} if "fleet" in node else {})
    return buffer_of_partition(int(node["partition-id"]), int(node["num-partitions"]), run)
