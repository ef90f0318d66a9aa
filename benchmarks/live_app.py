"""The Flower app of ``benchmarks.live_nodes``: FedAvg on a logistic regression of 100 × 6 made-up readings.

Its two modules are packed for Flower's stock programs; our devices import the same client.
"""

from pathlib import Path

PYPROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "fleetbeat"
version = "1.0.0"
[tool.flwr.app]
publisher = "benchmark"
[tool.flwr.app.components]
serverapp = "measured.server:app"
clientapp = "measured.client:app"
[tool.flwr.app.config]
rounds = {rounds}
nodes = {nodes}
out = "{out}"
"""

SERVER = '''
import json
import time

import numpy as np
from flwr.app import ArrayRecord
from flwr.serverapp import ServerApp
from flwr.serverapp.strategy import FedAvg

app = ServerApp()


class Timed(FedAvg):
    """FedAvg that writes down how long a round took and how many updates came of it."""

    def configure_train(self, *given):
        self.began = time.time()
        return super().configure_train(*given)

    def aggregate_train(self, server_round, replies):
        replies = list(replies)
        updates = sum(not reply.has_error() for reply in replies)
        line = {"round": server_round, "wall_s": time.time() - self.began, "updates": updates}
        with open(self.out, "a") as file:
            file.write(json.dumps(line) + "\\n")
        return super().aggregate_train(server_round, replies)


@app.main()
def main(grid, context):
    config = context.run_config
    least = {"min_train_nodes": config["nodes"], "min_available_nodes": config["nodes"], "min_evaluate_nodes": 0}
    strategy = Timed(fraction_train=1.0, fraction_evaluate=0.0, **least)
    strategy.out = config["out"]
    arrays = ArrayRecord([np.zeros(7)])
    strategy.start(grid=grid, initial_arrays=arrays, num_rounds=config["rounds"], timeout=1200.0)
'''

CLIENT = """
import numpy as np
from flwr.app import ArrayRecord, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from sklearn.linear_model import LogisticRegression

app = ClientApp()


@app.train()
def train(message, context):
    rng = np.random.default_rng(context.node_id % 2**32)
    readings = rng.normal(size=(100, 6))
    tired = readings[:, 0] + rng.normal(size=100) > 0
    model = LogisticRegression(max_iter=5, tol=0.0, warm_start=True)
    (weights,) = message.content["arrays"].to_numpy_ndarrays()
    model.classes_, model.coef_, model.intercept_ = np.array([False, True]), weights[None, :6], weights[6:]
    with np.errstate(all="ignore"):
        model.fit(readings, tired)
    learnt = ArrayRecord([np.concatenate([model.coef_[0], model.intercept_])])
    metrics = MetricRecord({"num-examples": 100, "accuracy": float(model.score(readings, tired))})
    return Message(RecordDict({"arrays": learnt, "metrics": metrics}), reply_to=message)
"""


def write_app(folder: Path, nodes: int, rounds: int, out: Path) -> Path:
    """Write the app into *folder*; its ServerApp tells of every round in *out*."""
    package = folder / "measured"
    package.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(PYPROJECT.format(nodes=nodes, rounds=rounds, out=out), encoding="utf-8")
    for module, text in (("__init__", ""), ("server", SERVER), ("client", CLIENT)):
        (package / f"{module}.py").write_text(text, encoding="utf-8")
    return folder
