"""How fast lives are made: ``python -m benchmarks.lives`` (Linux: memory is read from ``/proc``).

1,000 wearers of the shipped city's kinds, 7 days: what happens to every device, and every reading that it measures
while it is worn, in two processes. Then twice as many days, for memory must not grow with them. Beside it NumPy draws
as many normal numbers as these bodies need, which tells how fast the machine was.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.machine import description, load, tree_mb, write_section
from devices.body.day import DAY_S
from devices.circumstances import Circumstances
from devices.fleet_file import Overrides, load_fleet
from devices.lives import Lives
from devices.residents import Device, residents
from devices.settings import Fleet

ROOT = Path(__file__).parents[1]
TITLE = "Lives"
PROCESSES = 2
COUNTS = (536, 179, 214, 45, 26)
"""Wearers in each group of ``city``, in its own proportions: 1,000 together."""
NUMBERS_A_DAY = 7 * 2_880
"""What wanders in a body, each 30 s: two parts of the urge to move, three of the heart's tone, flutter and flicker."""
LOOK_EVERY_S = 0.2


def told(lives: Lives, device: Device, days: int) -> tuple[int, int]:
    """Let *device* live; return how many intervals it lived and how many readings it measured."""
    intervals = readings = 0
    for life in lives.of(device, 0.0, days * DAY_S):
        intervals += 1
        if life.worn:
            readings += measured(lives, device, life)
    return intervals, readings


def measured(lives: Lives, device: Device, life: Circumstances) -> int:
    """Return how many readings *device* measures in one interval of its life."""
    in_session = lives.senses_in_session(device) if life.in_use else {}
    return sum(
        len(lives.body(device).readings(channel, life.from_s, life.to_s, in_session.get(channel, every_s))[0])
        for channel, every_s in lives.senses(device).items()
    )


def population(wearers: int) -> tuple[Fleet, list[list[Device]]]:
    """Return a city of so many *wearers* at most, and the devices of each."""
    sets = tuple(f"group.{place}.count={max(1, count * wearers // 1_000)}" for place, count in enumerate(COUNTS))
    fleet = load_fleet("city", Overrides(sets=sets))
    owners: dict[str, list[Device]] = {}
    for resident in residents(fleet):
        owners.setdefault(resident.wearer, []).append(resident)
    return fleet, [*owners.values()]


def live(wearers: int, days: int, share: int) -> None:
    """Let one process's *share* of the wearers live, and print what came of it."""
    fleet, owners = population(wearers)
    total = np.zeros(2, np.int64)
    for devices in owners[share::PROCESSES]:
        lives = Lives(fleet, devices)
        for device in devices:
            total += told(lives, device, days)
    print(len(owners[share::PROCESSES]), *total.tolist())


def together(wearers: int, days: int) -> tuple[float, float, list[int]]:
    """Let everybody live in two processes; return wall seconds, peak memory in MB, and the sums of what they print."""
    began, peak_mb = time.perf_counter(), 0.0
    command = [sys.executable, "-m", "benchmarks.lives", "--wearers", str(wearers), "--days", str(days), "--share"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    running = [
        subprocess.Popen([*command, str(share)], cwd=ROOT, env=environment, stdout=subprocess.PIPE)
        for share in range(PROCESSES)
    ]
    while any(process.poll() is None for process in running):
        peak_mb = max(peak_mb, sum(tree_mb(process.pid) for process in running))
        time.sleep(LOOK_EVERY_S)  # noqa: TID251  # a benchmark lives on the wall's clock
    wall_s = time.perf_counter() - began
    if any(process.returncode for process in running):
        sys.exit(f"lives of {wearers} wearers failed")
    counts = [[*map(int, process.communicate()[0].split())] for process in running]
    return wall_s, peak_mb, [*map(sum, zip(*counts, strict=True))]


def drawing_s(wearers: int, days: int) -> float:
    """Return how long NumPy takes, in one process, for the normal numbers that these bodies need."""
    rng, began = np.random.default_rng(7), time.perf_counter()
    for _ in range(wearers * days):
        rng.standard_normal(NUMBERS_A_DAY)
    return time.perf_counter() - began


def main() -> None:
    """Measure, print, and write the section in ``results.md`` (not after ``--quick``)."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wearers", type=int, default=1_000, help="how many (1000)")
    parser.add_argument("--days", type=int, default=7, help="of life, and twice as many (7)")
    parser.add_argument("--repetitions", type=int, default=3, help="of each length, in turns (3)")
    parser.add_argument("--quick", action="store_true", help="20 wearers, 1 and 2 days, once: does it work?")
    parser.add_argument("--share", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.share is not None:
        live(given.wearers, given.days, given.share)
        return
    wearers, days, repetitions = (20, 1, 1) if given.quick else (given.wearers, given.days, given.repetitions)
    rows, loads = [], [load()]
    runs: dict[int, list[tuple[float, float, list[int]]]] = {days: [], 2 * days: []}
    drawn = {length: drawing_s(wearers, length) for length in runs}
    for _ in range(repetitions):
        for length, found in runs.items():
            found.append(together(wearers, length))
            loads.append(load())
            print(f"{length} days: {found[-1]}", file=sys.stderr, flush=True)
    for length, found in runs.items():
        walls = [wall_s for wall_s, _, _ in found]
        people, intervals, readings = found[0][2]
        rows.append(
            f"| {people:,} | {length} | {statistics.median(walls):.1f} | {min(walls):.1f}–{max(walls):.1f} "
            f"| {statistics.median(walls) / drawn[length]:.1f} | {intervals:,} | {readings:,} "
            f"| {max(mb for _, mb, _ in found):.0f} |"
        )
    lines = [
        description("numpy"), "",
        f"What happens to every device of a city, and all that it measures while worn, in {PROCESSES} processes; "
        f"median of {repetitions} in turns; load {min(loads):.1f}–{max(loads):.1f}. Beside it the time that NumPy, in "
        "one process, takes to draw the normal numbers these bodies are made of.", "",
        "| wearers | days | wall s | from–to | times NumPy's draws | intervals | readings | MB, both processes |",
        "|---|---|---|---|---|---|---|---|",
        *rows,
    ]  # fmt: skip
    if given.quick:
        print("\n".join(lines))
    else:
        write_section(TITLE, lines)


if __name__ == "__main__":
    main()
