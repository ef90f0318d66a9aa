"""A tiny stock Flower app that trains with FedAvg, handed in by Flower's own command, and what its ServerApp saw."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from fleetbeat.flower_programs import find_program, flower_environment
from fleetbeat.superlink import PrivateSuperLink

PYPROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "{name}"
version = "1.0.0"
[tool.flwr.app]
publisher = "tests"
[tool.flwr.app.components]
serverapp = "tiny.server:app"
clientapp = "tiny.client:app"
[tool.flwr.app.config]
rounds = 3
nodes = 2
timeout = 60.0
pause = 0.0
out = ""
"""

SERVER = '''
import json
import time

import numpy as np
from flwr.app import ArrayRecord
from flwr.serverapp import ServerApp
from flwr.serverapp.strategy import FedAvg

app = ServerApp()


class Watched(FedAvg):
    """FedAvg that writes down who answered what, and when."""

    out, pause = "", 0.0

    def configure_train(self, server_round, arrays, config, grid):
        self.began = time.time()
        return super().configure_train(server_round, arrays, config, grid)

    def aggregate_train(self, server_round, replies):
        replies = list(replies)
        errors = [[reply.error.code, reply.error.reason] for reply in replies if reply.has_error()]
        updates = [reply.metadata.src_node_id for reply in replies if not reply.has_error()]
        line = {"round": server_round, "began": self.began, "ended": time.time(), "updates": updates, "errors": errors}
        write(self.out, line)
        time.sleep(self.pause)
        return super().aggregate_train(server_round, replies)


def write(out, line):
    with open(out, "a") as file:
        file.write(json.dumps(line) + "\\n")


@app.main()
def main(grid, context):
    config = context.run_config
    nodes = config["nodes"]
    least = {"min_train_nodes": nodes, "min_available_nodes": nodes, "min_evaluate_nodes": 0}
    strategy = Watched(fraction_train=1.0, fraction_evaluate=0.0, **least)
    strategy.out, strategy.pause = config["out"], config["pause"]
    arrays = ArrayRecord([np.zeros(7)])
    result = strategy.start(grid=grid, initial_arrays=arrays, num_rounds=config["rounds"], timeout=config["timeout"])
    write(config["out"], {"model": [array.tolist() for array in result.arrays.to_numpy_ndarrays()]})
'''

CLIENT = """
from flwr.app import ArrayRecord, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

app = ClientApp()


@app.train()
def train(message, context):
    (array,) = message.content["arrays"].to_numpy_ndarrays()
    content = {"arrays": ArrayRecord([array + 1.0]), "metrics": MetricRecord({"num-examples": 10, "loss": 0.5})}
    return Message(RecordDict(content), reply_to=message)
"""


def tiny_app(folder: Path, name: str = "fleetbeat") -> Path:
    """Write the app into *folder*: every fit adds 1 to all weights."""
    package = folder / "tiny"
    package.mkdir(parents=True)
    (folder / "pyproject.toml").write_text(PYPROJECT.format(name=name), encoding="utf-8")
    for module, text in (("__init__", ""), ("server", SERVER), ("client", CLIENT)):
        (package / f"{module}.py").write_text(text, encoding="utf-8")
    return folder


def flwr(superlink: PrivateSuperLink, home: Path, *arguments: str) -> str:
    """Run Flower's command, its home in *home*, and return what it prints; the SuperLink is called ``live``."""
    home.mkdir(exist_ok=True)
    trust = f'root-certificates = "{superlink.authority}"' if superlink.authority else "insecure = true"
    configuration = f'[superlink]\ndefault = "live"\n[superlink.live]\naddress = "{superlink.address}"\n{trust}\n'
    (home / "config.toml").write_text(configuration, encoding="utf-8")
    ran = subprocess.run(
        [find_program("flwr"), *arguments],
        env=flower_environment(home, os.environ),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, f"flwr {arguments} ended with {ran.returncode}:\n{ran.stdout}{ran.stderr}"
    return ran.stdout


def submit(superlink: PrivateSuperLink, app: Path, out: Path, **config: Any) -> None:
    """Have the app run; its ServerApp writes into *out*."""
    words = " ".join(f"{key}={json.dumps(value)}" for key, value in {"out": str(out), **config}.items())
    flwr(superlink, app.parent / "flwr-home", "run", str(app), "live", "--run-config", words)


def lines(out: Path) -> list[dict[str, Any]]:
    """Return what a ServerApp wrote so far."""
    return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()] if out.exists() else []
