"""The repository as a Flower App: `flwr run .` in Flower's own simulation."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from flwr.app import Context, RecordDict
from flwr.serverapp import Grid

from broker.errors import SettingsError
from fleetbeat.flower_app import fleet_of, main

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
RUN_CONFIG: dict[str, bool | float | int | str] = {"fleet": "household", "task": "night-quality", "rounds": 1}


def context(**settings: bool | float | int | str) -> Context:
    return Context(1, 1, {}, RecordDict(), {**RUN_CONFIG, **settings})


class LonelyGrid(Grid):
    """A federation of one node."""

    def get_node_ids(self) -> list[int]:
        return [5]


LonelyGrid.__abstractmethods__ = frozenset()  # the story ends before anything is sent


def test_the_runs_settings_take_the_place_of_the_fleets_own() -> None:
    fleet = fleet_of(context(fleet="ward", strategy="fedmedian", rounds=4, fraction_train=0.25))

    assert (fleet.name, fleet.learning.strategy, fleet.learning.rounds) == ("ward", "fedmedian", 4)
    assert fleet.learning.fraction_train == 0.25
    assert fleet.learning.history_nights == 5  # nobody spoke of that


def test_a_federation_too_small_for_a_round_is_refused_instead_of_waiting_for_ever() -> None:
    with pytest.raises(SettingsError, match=r"min_train_devices: found 2, expected 1 or less"):
        main(LonelyGrid(), context())  # type: ignore[abstract]  # see above


@pytest.fixture
def superlink(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A SuperLink of our own that simulates; yields the environment that finds it under the name `here`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = tmp_path / "flwr"
    home.mkdir()
    (home / "config.toml").write_text(
        f'[superlink]\ndefault = "here"\n[superlink.here]\naddress = "127.0.0.1:{port}"\ninsecure = true\n'
    )
    environment = os.environ | {
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "FLWR_HOME": str(home),
        "FLWR_TELEMETRY_ENABLED": "0",
        "FLWR_DISABLE_UPDATE_CHECK": "1",
        "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION": "1",
        "RAY_USAGE_STATS_ENABLED": "0",
        "no_proxy": "127.0.0.1,localhost",
        "NO_PROXY": "127.0.0.1,localhost",
    }
    command = ["flower-superlink", "--insecure", "--simulation", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(
        [str(BIN / command[0]), *command[1:]], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until_s = time.monotonic() + 60
        while not _healthy(port):
            assert process.poll() is None, "the SuperLink ended"
            assert time.monotonic() < until_s, "the SuperLink does not come up"
            time.sleep(0.2)  # noqa: TID251  # a real program starts in real time
        yield environment
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.mark.slow
@pytest.mark.skipif(find_spec("ray") is None, reason="Flower's simulation needs Ray: pip install '.[simulation]'")
def test_flwr_run_trains_the_household(superlink: dict[str, str]) -> None:
    three = ["--federation-config", "num-supernodes=3 client-resources-num-cpus=1"]

    ran = subprocess.run(
        [str(BIN / "flwr"), "run", str(ROOT), "here", "--stream", *three, "--run-config", "rounds=1"],
        env=superlink,
        capture_output=True,
        text=True,
        timeout=300,
    )

    assert "household in Flower's simulation: 3 nodes, fedavg, night-quality" in ran.stdout, ran.stdout + ran.stderr
    assert "round   1  loss 0." in ran.stdout
