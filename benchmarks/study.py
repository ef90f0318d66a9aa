"""A study's speed: one process against two, the whole estimated from a few seeds, and memory as seeds go by.

    python -m benchmarks.study --seeds 2            # does-it-hold-up
    python -m benchmarks.study --study recorded --seeds 4

Writes its section of results.md. Run it on a quiet machine, or read the load beside the figures.
"""

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import description, load, tree_mb, write_section
from fleetbeat.study.settings import DEFAULT_SEEDS

LOOK_EVERY_S = 2.0
BUDGET_S = 15 * 60


@dataclass(frozen=True, slots=True)
class Timed:
    """One `fleetbeat study`, from start to exit."""

    seeds: int
    workers: int
    wall_s: float
    peak_mb: float
    load_before: float

    @property
    def a_seed_s(self) -> float:
        """Wall seconds for each seed."""
        return self.wall_s / self.seeds


def timed(study: str, seeds: int, workers: int) -> Timed:
    """Run *study* in a new folder and look at its processes' memory meanwhile."""
    before, peak, done = load(), [0.0], threading.Event()
    with tempfile.TemporaryDirectory(prefix="study-") as place:
        words = [sys.executable, "-m", "fleetbeat", "study", study, "--out", f"{place}/out", "--quiet"]
        began = time.perf_counter()
        process = subprocess.Popen(
            [*words, "--seeds", str(seeds), "--workers", str(workers)], stdout=subprocess.DEVNULL
        )

        def look() -> None:
            while not done.wait(LOOK_EVERY_S):
                peak[0] = max(peak[0], tree_mb(process.pid))

        looking = threading.Thread(target=look)
        looking.start()
        code = process.wait()
        wall_s = time.perf_counter() - began
        done.set()
        looking.join()
        if code not in (0, 1) or not Path(place, "out", "verdict.json").is_file():
            raise SystemExit(f"fleetbeat study {study} ended with {code}")
    return Timed(seeds, workers, wall_s, peak[0], before)


def main() -> None:
    """Time a study and write what was found."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--study", default="does-it-hold-up")
    asked.add_argument("--seeds", type=int, default=2, help="an even number, of which two workers get half each")
    given = asked.parse_args()
    one, two, more = (
        timed(given.study, seeds, workers)
        for seeds, workers in ((given.seeds, 1), (given.seeds, 2), (2 * given.seeds, 2))
    )
    whole_s = two.a_seed_s * DEFAULT_SEEDS
    write_section(
        "Study",
        [
            description("flwr", "numpy", "scikit-learn"),
            "",
            f"`fleetbeat study {given.study}`, from start to exit; memory is the largest sum over all processes.",
            "",
            "| seeds | workers | wall s | s a seed | peak MB | load before |",
            "|---|---|---|---|---|---|",
            *(
                f"| {run.seeds} | {run.workers} | {run.wall_s:.0f} | {run.a_seed_s:.0f} | {run.peak_mb:.0f} "
                f"| {run.load_before:.1f} |"
                for run in (one, two, more)
            ),
            "",
            f"Two workers are {one.wall_s / two.wall_s:.2f} times as fast as one.",
            f"Ten seeds take {whole_s / 60:.1f} minutes with two workers at that pace (at most {BUDGET_S / 60:.0f}).",
            f"Twice the seeds take {more.peak_mb / two.peak_mb:.2f} times the memory.",
        ],
    )


if __name__ == "__main__":
    main()
