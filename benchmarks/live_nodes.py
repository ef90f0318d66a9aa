"""Live nodes beside stock SuperNodes: ``python -m benchmarks.live_nodes``.

One process of ours with hundreds of real Flower nodes, and some stock ``flower-supernode`` processes, one after the
other at a stock SuperLink of their own: the same app, the same fit, every node in every round. Memory is resident
memory (RSS); of a stock node with its ClientApp's process, which it starts for every fit. Linux only (``/proc``).
"""

import argparse
import asyncio
import importlib.util
import json
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.live_app import write_app
from benchmarks.machine import description, load, write_section
from broker.pace import Pace
from devices.fleet_api import FleetDoor, FleetNode, Rhythm, client_for
from devices.storage.notes import MemoryNotes
from fleetbeat.flower_programs import find_program, flower_environment
from fleetbeat.superlink import PrivateSuperLink

ROOT = Path(__file__).parents[1]
TITLE = "Live nodes beside stock SuperNodes"
FEW = 20
"""So many devices tell, beside the many, what each further one costs."""
THREADS = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
PATIENCE_S = 1_200.0


def devices(url: str, count: int, app: Path, rhythm: Rhythm) -> None:
    """Be *count* devices until the line on standard input; then print the resident memory."""
    spec = importlib.util.spec_from_file_location("measured_client", app / "measured" / "client.py")
    assert spec is not None
    assert spec.loader is not None
    client = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(client)
    warnings.simplefilter("ignore")  # five iterations do not converge, and are not meant to
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(_live(url, count, client.app, rhythm))


async def _live(url: str, count: int, app: Any, rhythm: Rhythm) -> None:
    from flwr.app import Context, RecordDict

    loop = asyncio.get_running_loop()
    door = FleetDoor(client_for(url))
    pace = Pace(time.time(), 1.0)  # noqa: TID251  # the SuperLink's clock is the wall's
    nodes = [FleetNode(door, f"device-{i}", MemoryNotes(), pace, rhythm, lambda _event: None) for i in range(count)]

    async def live(node: FleetNode) -> None:
        bell, state = asyncio.Event(), RecordDict()
        node.on_task(bell.set)
        node.reachable(loop.time())
        while True:
            await bell.wait()
            bell.clear()
            now_s = pace.life_s(time.time())  # noqa: TID251  # as above
            while (task := node.fetch(now_s)) is not None:
                reply = app(task, Context(task.metadata.run_id, task.metadata.dst_node_id, {}, state, {}))
                await node.deliver(now_s, reply)

    lives = [asyncio.create_task(live(node)) for node in nodes]
    await loop.run_in_executor(None, sys.stdin.readline)
    print(_rss_mb(os.getpid()), flush=True)
    for life in lives:
        life.cancel()
    await asyncio.gather(*lives, return_exceptions=True)
    await asyncio.to_thread(door.close)


def ours(folder: Path, count: int, rounds: int, rhythm: Rhythm) -> dict[str, Any]:
    """Run one process of *count* devices; return its rounds and its memory at the end."""
    with _superlink(folder) as superlink:
        out = folder / "rounds.jsonl"
        app = write_app(folder / "app", count, rounds, out)
        command = [sys.executable, "-m", "benchmarks.live_nodes", "--url", f"http://{superlink.address}"]
        command += ["--devices", str(count), "--app", str(app)]
        command += ["--poll", str(rhythm.poll_s), "--beat", str(rhythm.beat_s)]
        process = subprocess.Popen(
            command, cwd=ROOT, env=os.environ | THREADS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        try:
            _submit(superlink, app, folder)
            found = _rounds(out, rounds, lambda: process.poll() is None)
            told, _ = process.communicate("enough\n", timeout=60)
        finally:
            process.kill()
            process.wait()
    return {"rounds": found, "mb": float(told)}


def stock(folder: Path, count: int, rounds: int) -> dict[str, Any]:
    """Run *count* stock SuperNodes; return their rounds and what each needs at most, its ClientApp included."""
    with _superlink(folder) as superlink, ExitStack() as ends:
        out = folder / "rounds.jsonl"
        app = write_app(folder / "app", count, rounds, out)
        nodes = []
        for number in range(count):
            log = ends.enter_context((folder / f"node-{number}.log").open("wb"))
            command = [find_program("flower-supernode"), "--insecure", "--superlink", superlink.address]
            command += ["--host", "127.0.0.1", "--port", str(9_560 + number)]
            environment = flower_environment(folder / f"node-{number}", os.environ | THREADS)
            node = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
            ends.callback(node.wait)
            ends.callback(node.terminate)
            nodes.append(node)
        _submit(superlink, app, folder)
        most_mb = [0.0] * count

        def look() -> bool:
            for number, node in enumerate(nodes):
                most_mb[number] = max(most_mb[number], sum(map(_rss_mb, _family(node.pid))))
            return all(node.poll() is None for node in nodes)

        found = _rounds(out, rounds, look)
    return {"rounds": found, "mb": statistics.median(most_mb)}


def _superlink(folder: Path) -> PrivateSuperLink:
    return PrivateSuperLink(folder / "superlink", os.environ | THREADS)


def _submit(superlink: PrivateSuperLink, app: Path, folder: Path) -> None:
    home = folder / "flwr"
    home.mkdir(parents=True, exist_ok=True)
    text = f'[superlink]\ndefault = "here"\n[superlink.here]\naddress = "{superlink.address}"\ninsecure = true\n'
    (home / "config.toml").write_text(text, encoding="utf-8")
    environment = flower_environment(home, os.environ)
    subprocess.run([find_program("flwr"), "run", str(app), "here"], env=environment, check=True, capture_output=True)


def _rounds(out: Path, count: int, alive: Any) -> list[dict[str, float]]:
    """Wait for *count* rounds; *alive* is asked meanwhile, five times a second."""
    until_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < until_s:
        lines = out.read_text(encoding="utf-8").splitlines() if out.exists() else []
        if len(lines) >= count:
            return [json.loads(line) for line in lines]
        if not alive():
            sys.exit("a node ended before the rounds did")
        time.sleep(0.2)  # noqa: TID251  # real programs take real time
    sys.exit(f"{len(lines)} of {count} rounds after {PATIENCE_S:g} s")


def _rss_mb(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return 0.0  # it has just ended
    return sum(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1_024


def _family(root: int) -> list[int]:
    """Return *root* and all its descendants."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue
            parents[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
    family = [root]
    for member in family:
        family += [child for child, parent in parents.items() if parent == member]
    return family


def fits_per_s(found: dict[str, Any], nodes: int) -> float:
    """Return fits a second over all rounds; ends the program if one is missing."""
    if any(line["updates"] != nodes for line in found["rounds"]):
        sys.exit(f"not every node answered: {found['rounds']}")
    return nodes * len(found["rounds"]) / float(sum(line["wall_s"] for line in found["rounds"]))


def main() -> None:
    """Measure, print, and write the section in ``results.md`` (not after ``--quick``)."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=300, help="devices in our process (300)")
    parser.add_argument("--stock", type=int, default=8, help="stock SuperNodes (8)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each (3)")
    parser.add_argument("--poll", type=float, default=5.0, help="seconds between a node's polls (5)")
    parser.add_argument("--beat", type=float, default=60.0, help="seconds between a node's heartbeats (60)")
    parser.add_argument("--quick", action="store_true", help="40 devices, 2 stock nodes, 2 rounds: does it work?")
    parser.add_argument("--devices", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    parser.add_argument("--app", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    rhythm = Rhythm(poll_s=given.poll, beat_s=given.beat)
    if given.devices:
        devices(given.url, given.devices, given.app, rhythm)
        return
    nodes, beside, rounds = (40, 2, 2) if given.quick else (given.nodes, given.stock, given.rounds)
    before = load()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        few = ours(folder / "few", FEW, rounds, rhythm)
        theirs = stock(folder / "stock", beside, rounds)
        many = ours(folder / "many", nodes, rounds, rhythm)
    ours_rate, stock_rate = fits_per_s(many, nodes), fits_per_s(theirs, beside)
    each_mb = (many["mb"] - few["mb"]) / (nodes - FEW)
    density = (nodes / many["mb"]) * theirs["mb"]
    walls = ", ".join(f"{line['wall_s']:.0f}" for line in many["rounds"])
    stock_walls = ", ".join(f"{line['wall_s']:.0f}" for line in theirs["rounds"])
    few_walls = ", ".join(f"{line['wall_s']:.1f}" for line in few["rounds"])
    lines = [
        description("flwr", "numpy", "scikit-learn"), "",
        f"{rounds} rounds of FedAvg, every node in every round, all delivered; logistic regression on 100 × 6 "
        f"readings; poll every {given.poll:g} s (together at most 40 a second), heartbeat every {given.beat:g} s. "
        f"Our devices are nodes that fit, without a life. Load before: {before:.1f}.", "",
        "| | nodes | seconds per round | fits/s | memory, MB |",
        "|---|---|---|---|---|",
        f"| our process | {nodes} | {walls} | {ours_rate:.1f} | {many['mb']:.0f} |",
        f"| our process | {FEW} | {few_walls} | {fits_per_s(few, FEW):.1f} | {few['mb']:.0f} |",
        f"| stock SuperNodes | {beside} | {stock_walls} | {stock_rate:.2f} | {theirs['mb']:.0f} each, in a fit |", "",
        f"Fits per second: {ours_rate / stock_rate:.0f} times those of {beside} stock nodes. Devices per GB: "
        f"{density:.0f} times as many. Each further device: {each_mb:.2f} MB.",
    ]  # fmt: skip
    if given.quick:
        print("\n".join(lines))
    else:
        write_section(TITLE, lines)


if __name__ == "__main__":
    main()
