"""One gradient step on the points of a partition; the client tells its context, naps, and draws."""

import time
from datetime import datetime

import numpy as np
from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

app = ClientApp()


def points(context: Context) -> tuple[np.ndarray, np.ndarray]:
    place, of = int(context.node_config["partition-id"]), int(context.node_config["num-partitions"])
    x = np.linspace(-1, 1, 30)[place::of]
    return x, 2 * x - 1


@app.train()
def train(message: Message, context: Context) -> Message:
    if context.node_config["partition-id"] == context.run_config["fails-on"]:
        raise ArithmeticError("will not")
    began_s, nap_s = time.time(), float(context.run_config["naps.client-s"])  # noqa: TID251  # an app that looks
    time.sleep(nap_s)  # noqa: TID251  # and sleeps
    x, y = points(context)
    line = message.content.array_records["arrays"].to_numpy_ndarrays()[0]
    error = line[0] * x + line[1] - y
    line = line - float(context.run_config["steps.rate"]) * np.array([(error * x).mean(), error.mean()])
    metrics = MetricRecord(
        {
            "num-examples": len(x),
            "loss": float((error**2).mean()),
            "slept-s": time.time() - began_s,  # noqa: TID251  # likewise
            "hour": datetime.now().hour,  # noqa: DTZ005, TID251  # likewise
            "drawn": float(np.random.rand()),  # noqa: NPY002  # as quickstarts do
            "partition": int(context.node_config["partition-id"]),
        }
    )
    return Message(RecordDict({"arrays": ArrayRecord([line]), "metrics": metrics}), reply_to=message)


@app.evaluate()
def evaluate(message: Message, context: Context) -> Message:
    x, y = points(context)
    slope, offset = message.content.array_records["arrays"].to_numpy_ndarrays()[0]
    loss = float(((slope * x + offset - y) ** 2).mean())
    metrics = MetricRecord({"num-examples": len(x), "own-loss": loss})
    return Message(RecordDict({"metrics": metrics}), reply_to=message)
