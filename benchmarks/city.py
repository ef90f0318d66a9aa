"""How fast a city lives: ``python -m benchmarks.city`` (Linux: memory is read from ``/proc``).

Runs the shipped fleet of 1,000 devices, and one of 100, from the command line as anyone would, learning and all
results included, with each broker in turns. Prints virtual seconds per wall second, the peak memory of all processes
together, the growth from 100 to 1,000 devices, and, from one more run under the profiler, where the time goes.
"""

import argparse
import cProfile
import os
import pstats
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import orjson

from benchmarks.machine import description, load, tree_mb, write_section

ROOT = Path(__file__).parents[1]
TITLE = "City"
BROKERS = ("memory", "mosquitto")
COUNTS = {100: (30, 10, 12, 3, 1), 1_000: (300, 100, 120, 25, 15)}
"""Wearers in each group of ``city``, by the number of devices (with a band or a ring: two each)."""
LOOK_EVERY_S = 0.2
PARTS = (
    ("devices/body", "bodies: signals and days"),
    ("devices/hardware", "batteries, radios, chargers"),
    ("devices/habits", "habits and circumstances"),
    ("devices/circumstances", "habits and circumstances"),
    ("devices/learning", "nights become examples; central and local models"),
    ("devices/buffer", "nights become examples; central and local models"),
    ("devices/", "agents"),
    ("broker/", "wire: encode, route, decode"),
    ("aggregator/", "server, SuperLink, account"),
    ("fleetbeat/clock", "clock and event loop"),
    ("fleetbeat/", "journal, tables, judge"),
    ("/asyncio/", "clock and event loop"),
    ("/selectors.py", "clock and event loop"),
    ("/threading.py", "waiting for workers, the server's thread, MQTT"),
    ("/concurrent/", "waiting for workers, the server's thread, MQTT"),
    ("/queue.py", "waiting for workers, the server's thread, MQTT"),
)
"""The first that a file's path holds says what it is for; built-in functions belong to who called them."""


@dataclass(frozen=True)
class Lived:
    """One run: wall and processor seconds of the whole command, virtual seconds, peak of all processes, load before."""

    wall_s: float
    processor_s: float
    virtual_s: float
    peak_mb: float
    load: float

    @property
    def speed(self) -> float:
        """Virtual seconds per wall second, end to end."""
        return self.virtual_s / self.wall_s


def arguments(devices: int, broker: str, days: float, out: Path) -> list[str]:
    """Return what to type after ``fleetbeat``."""
    sets = [f"--set=group.{place}.count={count}" for place, count in enumerate(COUNTS[devices])]
    return ["run", "city", *sets, "--days", str(days), "--broker", broker, "--quiet", "--out", str(out)]


def lived(devices: int, broker: str, days: float) -> Lived:
    """Run the command, looking at its memory meanwhile."""
    with tempfile.TemporaryDirectory() as place:
        out, before, began, worked_s, peak_mb = Path(place) / "run", load(), time.perf_counter(), children_s(), 0.0
        command = [sys.executable, "-m", "fleetbeat", *arguments(devices, broker, days, out)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            while True:
                try:
                    _, complaints = process.communicate(timeout=LOOK_EVERY_S)
                    break
                except subprocess.TimeoutExpired:
                    peak_mb = max(peak_mb, tree_mb(process.pid))
        wall_s = time.perf_counter() - began
        if process.returncode:
            sys.exit(f"city with {broker} failed:\n{complaints.decode()[-3_000:]}")
        virtual_s = float(orjson.loads((out / "results.json").read_bytes())["virtual_s"])
        return Lived(wall_s, children_s() - worked_s, virtual_s, peak_mb, before)


def children_s() -> float:
    """Return the processor seconds of all children so far, theirs included."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def parts(stats: pstats.Stats) -> Counter[str]:
    """Return the seconds spent in each part."""
    spent: Counter[str] = Counter()
    for (file, _, _), (_, _, own_s, _, callers) in stats.stats.items():  # type: ignore[attr-defined]  # its figures
        if file == "~":
            for (caller, _, _), (_, _, by_caller_s, _) in callers.items():
                spent[part_of(caller)] += by_caller_s
        else:
            spent[part_of(file)] += own_s
    return spent


def part_of(file: str) -> str:
    """Return what *file* is for."""
    near = file.removeprefix(f"{ROOT}/")
    return next((word for piece, word in PARTS if piece in near), "numpy, flwr and other libraries")


def profiled(devices: int, broker: str, days: float) -> list[str]:
    """Run once more in this process, under the profiler; return the table of parts."""
    from typer.testing import CliRunner

    from fleetbeat.cli import app

    with tempfile.TemporaryDirectory() as place:
        profile = cProfile.Profile()
        profile.enable()
        CliRunner().invoke(app, arguments(devices, broker, days, Path(place) / "run"))
        profile.disable()
    spent = parts(pstats.Stats(profile))
    return [f"| {word} | {seconds / spent.total():.0%} |" for word, seconds in spent.most_common()]


def row(devices: int, broker: str, runs: list[Lived]) -> str:
    """Return one line of the table."""
    speeds, peaks = [run.speed for run in runs], [run.peak_mb for run in runs]
    loads = [run.load for run in runs]
    frugal = statistics.median(run.virtual_s / run.processor_s for run in runs)
    wall_s = statistics.median(run.wall_s for run in runs)
    return (
        f"| {devices} | {broker} | {statistics.median(speeds):,.0f} | {min(speeds):,.0f}–{max(speeds):,.0f} "
        f"| {frugal:,.0f} | {wall_s:.1f} | {max(peaks):.0f} | {min(loads):.1f}–{max(loads):.1f} |"
    )


def main() -> None:
    """Measure, print, and write the section in ``results.md`` (not after ``--quick``)."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=3, help="of each run, in turns (3)")
    parser.add_argument("--days", type=float, default=3.0, help="days of life (3, as in the fleet's file)")
    parser.add_argument("--quick", action="store_true", help="100 devices for half a day, once: does it work?")
    given = parser.parse_args()
    sizes, days, repetitions = ((100,), 0.5, 1) if given.quick else (tuple(COUNTS), given.days, given.repetitions)
    os.environ["PYTHONPATH"] = str(ROOT)
    runs: dict[tuple[int, str], list[Lived]] = {(size, broker): [] for size in sizes for broker in BROKERS}
    for repetition in range(repetitions):
        for (size, broker), found in runs.items():
            found.append(lived(size, broker, days))
            print(f"{repetition + 1}/{repetitions} {size} {broker}: {found[-1]}", file=sys.stderr, flush=True)
    middle = {key: statistics.median(run.speed for run in found) for key, found in runs.items()}
    lines = [
        description("flwr", "numpy", "orjson", "paho-mqtt"), "",
        f"`fleetbeat run city`, {days:g} days, the whole command from start to exit, report included; median of "
        f"{repetitions} in turns; memory is the largest sum over all processes (proportional set sizes).", "",
        "| devices | broker | virtual s per wall s | from–to | per processor s | wall s | peak MB | load before |",
        "|---|---|---|---|---|---|---|---|",
        *(row(size, broker, found) for (size, broker), found in runs.items()), "",
        *(
            f"With {size} devices mosquitto reaches {middle[size, 'mosquitto'] / middle[size, 'memory']:.2f} "
            "of memory's speed."
            for size in sizes
        ),
    ]  # fmt: skip
    if len(sizes) == 2:
        small, large = sizes
        for broker in BROKERS:
            ratio = middle[small, broker] / middle[large, broker]
            lines.append(f"Ten times the devices take {ratio:.1f} times as long with {broker}.")
    lines += ["", f"Where the main process's time goes ({sizes[-1]} devices, memory, under the profiler):", ""]
    lines += ["| part | share |", "|---|---|", *profiled(sizes[-1], "memory", days)]
    if given.quick:
        print("\n".join(lines))
    else:
        write_section(TITLE, lines)


if __name__ == "__main__":
    main()
