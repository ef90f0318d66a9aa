"""Fleetbeat beside Flower's own simulation: ``python -m benchmarks.flower_simulation``.

Both run Flower's FedAvg with the same ClientApp on the same buffers, once per node and round, with two processes for
the fits; each in a process of its own, in turns. Flower's engine (Ray) gets the buffers ready made, from a
file that each of its actors reads once. Fleetbeat's devices also live: they stream, and a journal is written.

Needs ``pip install '.[simulation]'``.
"""

import argparse
import json
import os
import pickle
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.machine import description, load, write_section

ROOT = Path(__file__).parents[1]
TITLE = "Beside Flower's own simulation"
SIDES = ("flower", "fleetbeat")
PROCESSES = 2
OFFLINE = {"FLWR_TELEMETRY_ENABLED": "0", "RAY_USAGE_STATS_ENABLED": "0", "FLWR_LOG_LEVEL": "ERROR"}
TASKS = {"night-quality": 10, "sleep-wake": 3}
"""Nights in each buffer, by task."""

FLEET = """
schema = 1
name = "side-by-side"
seed = 7
start = 2026-01-05T18:00:00
days = 0.25
ideal = true
[learning]
task = "{task}"
rounds = {rounds}
fraction_evaluate = 0.0
min_train_devices = {nodes}
first_round_s = 60
round_every_s = 60
round_deadline_s = 50
history_nights = {nights}
[[group]]
kind = "smartwatch"
count = {nodes}
"""


class Stopwatch:
    """Stands where a judge would, and looks at the wall clock after every round."""

    def __init__(self) -> None:
        """Begin with no mark."""
        self.marks: list[float] = []
        self.model: list[Any] = []

    def look(self, arrays: list[Any]) -> None:
        """A round is over, and this is its model.

        The wall's clock is read by a name that is the same in virtual time, in which a server's thread lives.
        """
        self.marks.append(time.perf_counter_ns() / 1e9)
        self.model = [array.tolist() for array in arrays]

    def score(self, arrays: list[Any]) -> dict[str, float]:
        """Answer as a judge does."""
        self.look(arrays)
        return dict.fromkeys(("loss", "accuracy", "balanced_accuracy", "auc", "kappa", "majority_share"), 0.0)


def fleetbeat_side(folder: Path, *, keep: bool) -> dict[str, Any]:
    """Run our world; *keep* instead writes its buffers for the other side, and runs nothing."""
    from threadpoolctl import threadpool_limits

    from broker.access import Access
    from broker.memory import MemoryBroker, MemoryWire
    from devices.fleet_file import load_fleet
    from devices.residents import residents
    from fleetbeat.run_folder import RunFolder
    from fleetbeat.world import Onlookers, World

    threadpool_limits(1)
    fleet = load_fleet(folder / "fleet.toml")
    here = residents(fleet)
    wire = MemoryWire(MemoryBroker(Access(fleet.name, {resident.name: () for resident in here})))
    journal, watch = RunFolder(folder / "run"), Stopwatch()
    onlookers = Onlookers(journal.record, lambda _: None, lambda _: None)
    world = World(fleet, here, wire, 0 if keep else PROCESSES, watch, onlookers)  # type: ignore[arg-type]  # all that a world asks of a judge is a score
    if keep:
        buffers = [buffer.nights() for buffer in world.host.buffers.values()]
        (folder / "buffers.pickle").write_bytes(pickle.dumps(buffers, pickle.HIGHEST_PROTOCOL))
        return {}
    cause = world.run()
    journal.close()
    delivered = sum(world.account.outcomes(number, "train").get("delivered", 0) for number in world.account.rounds)
    return {"cause": cause, "marks": watch.marks, "model": watch.model, "delivered": delivered}


def flower_side(folder: Path, nodes: int, rounds: int) -> dict[str, Any]:
    """Run Flower's simulation engine."""
    from flwr.app import ArrayRecord, Context
    from flwr.serverapp import Grid, ServerApp
    from flwr.serverapp.strategy import FedAvg
    from flwr.simulation import run_simulation

    from benchmarks.ready_made import app
    from devices.learning.models import initial_arrays
    from devices.learning.task import TASKS as KNOWN

    os.environ["READY_MADE"] = str(folder / "buffers.pickle")
    task = next(name for name in TASKS if f'"{name}"' in (folder / "fleet.toml").read_text(encoding="utf-8"))
    os.environ["READY_MADE_TASK"] = task
    watch, answers = Stopwatch(), []
    server = ServerApp()

    class Counting(FedAvg):
        """FedAvg that counts its replies."""

        def aggregate_train(self, server_round: int, replies: Any) -> Any:
            """Count, then aggregate."""
            replies = list(replies)
            answers.append(sum(not reply.has_error() for reply in replies))
            return super().aggregate_train(server_round, replies)

    @server.main()
    def main(grid: Grid, _context: Context) -> None:
        strategy = Counting(fraction_train=1.0, fraction_evaluate=0.0, min_train_nodes=nodes, min_available_nodes=nodes)
        strategy.start(
            grid=grid,
            initial_arrays=ArrayRecord(initial_arrays(KNOWN[task])),
            num_rounds=rounds,
            evaluate_fn=lambda _round, arrays: watch.look(arrays.to_numpy_ndarrays()),
        )

    resources = {"num_cpus": 1, "num_gpus": 0.0}
    started = {"num_cpus": PROCESSES, "logging_level": "ERROR", "log_to_driver": False}
    run_simulation(server, app, nodes, backend_config={"client_resources": resources, "init_args": started})  # type: ignore[dict-item]  # Flower's type says strings, its defaults are numbers
    return {"cause": "rounds_done", "marks": watch.marks, "model": watch.model, "delivered": sum(answers)}


def in_a_process(side: str, folder: Path, nodes: int, rounds: int) -> dict[str, Any]:
    """Run one side in a process of its own and return what it measured."""
    before = load()
    answer = folder / f"{side}.json"
    command = [sys.executable, "-m", "benchmarks.flower_simulation", "--side", side, "--folder", str(folder)]
    environment = os.environ | OFFLINE | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    ran = subprocess.run(
        [*command, "--nodes", str(nodes), "--rounds", str(rounds)],
        env=environment, cwd=ROOT, capture_output=True, text=True, check=False, timeout=1_800,
    )  # fmt: skip
    if ran.returncode or (side in SIDES and not answer.exists()):
        sys.exit(f"{side} failed:\n{ran.stdout[-3_000:]}{ran.stderr[-5_000:]}")
    return {} if side == "keep" else json.loads(answer.read_bytes()) | {"load": before}


def measure(task: str, nodes: int, rounds: int, repetitions: int) -> list[str]:
    """Measure both sides in turns; return the lines of a table."""
    rates: dict[str, list[tuple[float, float]]] = {side: [] for side in SIDES}
    loads: list[float] = []
    models: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        text = FLEET.format(task=task, rounds=rounds, nodes=nodes, nights=TASKS[task])
        (folder / "fleet.toml").write_text(text, encoding="utf-8")
        in_a_process("keep", folder, nodes, rounds)
        for repetition in range(repetitions):
            for side in SIDES if repetition % 2 == 0 else reversed(SIDES):
                found = in_a_process(side, folder, nodes, rounds)
                if found["delivered"] != nodes * rounds or len(found["marks"]) != rounds + 1:
                    sys.exit(f"{side}: {found['delivered']} of {nodes * rounds} device-rounds ({found['cause']})")
                begin, first, *_, last = found["marks"]
                rates[side].append((nodes * rounds / (last - begin), nodes * (rounds - 1) / (last - first)))
                loads.append(found["load"])
                models[side] = found["model"]
                every, later = rates[side][-1]
                words = f"{every:.0f}/s, after the first round {later:.0f}/s, load {found['load']:.1f}"
                print(f"{task} {repetition + 1}/{repetitions} {side}: {words}", file=sys.stderr, flush=True)
    apart = max(map(_apart, *(models[side] for side in SIDES)))
    lines = []
    for which, word in ((0, "all rounds"), (1, "after the first")):
        flower, ours = ([rate[which] for rate in rates[side]] for side in SIDES)
        ratios = [b / a for a, b in zip(flower, ours, strict=True)]
        lines.append(
            f"| {task} | {word} | {statistics.median(flower):.0f} | {statistics.median(ours):.0f} "
            f"| {statistics.median(ratios):.1f} | {min(ratios):.1f}–{max(ratios):.1f} "
            f"| {min(loads):.1f}–{max(loads):.1f} | {apart:.0e} |"
        )
    return lines


def _apart(one: Any, other: Any) -> float:
    return max(map(_apart, one, other)) if isinstance(one, list) else abs(one - other)


def main() -> None:
    """Measure, print, and write the section in ``results.md`` (not after ``--quick``)."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=1_000, help="devices (1000)")
    parser.add_argument("--rounds", type=int, default=4, help="rounds in each repetition (4)")
    parser.add_argument("--repetitions", type=int, default=5, help="of each side, in turns (5)")
    parser.add_argument("--task", choices=TASKS, help="only this one")
    parser.add_argument("--quick", action="store_true", help="20 nodes, 2 rounds, once: does it work?")
    parser.add_argument("--side", choices=(*SIDES, "keep"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.side:
        if given.side == "flower":
            found = flower_side(given.folder, given.nodes, given.rounds)
        else:
            found = fleetbeat_side(given.folder, keep=given.side == "keep")
        (given.folder / f"{given.side}.json").write_text(json.dumps(found), encoding="utf-8")
        return
    nodes, rounds, repetitions = (20, 2, 1) if given.quick else (given.nodes, given.rounds, given.repetitions)
    lines = [
        description("flwr", "ray", "numpy", "scikit-learn"), "",
        f"{nodes} nodes, {rounds} rounds, {PROCESSES} processes for the fits, median of {repetitions} repetitions "
        "in turns; device-rounds a second.", "",
        "| task | rounds counted | Flower (Ray) | Fleetbeat | ratio | from–to | load before | models apart by |",
        "|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for task in [given.task] if given.task else TASKS:
        lines += measure(task, nodes, rounds, repetitions)
    if given.quick:
        print("\n".join(lines))
    else:
        write_section(TITLE, lines)


if __name__ == "__main__":
    main()
