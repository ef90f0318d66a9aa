"""What a newcomer waits for: ``python -m benchmarks.household`` times ``fleetbeat run household`` and ``--help``.

Each command is started as anyone would, several times in turns, and timed from start to exit.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.machine import description, load, write_section

ROOT = Path(__file__).parents[1]
TITLE = "Household and help"
COMMANDS = {
    "fleetbeat --help": ["--help"],
    "fleetbeat run household --broker memory": ["run", "household", "--quiet", "--broker", "memory"],
    "fleetbeat run household --broker mosquitto": ["run", "household", "--quiet", "--broker", "mosquitto"],
}


def wall_s(arguments: list[str]) -> float:
    """Return how long the command takes."""
    with tempfile.TemporaryDirectory() as place:
        out = ["--out", f"{place}/run"] if arguments[0] == "run" else []
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "fleetbeat", *arguments, *out], cwd=ROOT, capture_output=True, check=True)
        return time.perf_counter() - began


def main() -> None:
    """Measure, print, and write the section in ``results.md`` (not after ``--quick``)."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=5, help="of each command, in turns (5)")
    parser.add_argument("--quick", action="store_true", help="once: does it work?")
    given = parser.parse_args()
    repetitions = 1 if given.quick else given.repetitions
    took: dict[str, list[float]] = {name: [] for name in COMMANDS}
    loads = [load()]
    for _ in range(repetitions):
        for name, arguments in COMMANDS.items():
            took[name].append(wall_s(arguments))
            loads.append(load())
    lines = [
        description("flwr", "numpy", "typer"), "",
        f"The whole command, median of {repetitions} in turns; load {min(loads):.1f}–{max(loads):.1f}.", "",
        "| command | wall s | from–to |",
        "|---|---|---|",
        *(f"| `{name}` | {statistics.median(s):.2f} | {min(s):.2f}–{max(s):.2f} |" for name, s in took.items()),
    ]  # fmt: skip
    if given.quick:
        print("\n".join(lines))
    else:
        write_section(TITLE, lines)


if __name__ == "__main__":
    main()
