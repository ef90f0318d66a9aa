"""One fleet in both clocks, side by side: ``python -m benchmarks.parity``.

Each fleet lives three times with the same seed: in virtual time; in virtual time in which nodes poll, send heartbeats
and are looked after as rarely as live at that speed (*rhythm*); and live, with Mosquitto, a SuperLink, TLS and all.
What *rhythm* and live have in common and plain virtual time has not, the poll quantisation explains.
"""

import argparse
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import description, load, write_section
from devices.fleet_api.rhythm import Rhythm
from devices.fleet_file import Overrides, freeze, load_fleet
from devices.settings import Fleet
from fleetbeat import rehearsal, world
from fleetbeat.plan import SERVER_POLL_S
from fleetbeat.saved_run import SavedRun

ROOT = Path(__file__).parents[1]
TITLE = "Virtual time and live"
CLOCKS = ("virtual", "rhythm", "live")
TWENTY = """
schema = 1
name = "twenty"
days = 3
[learning]
task = "sleep-wake"
rounds = 6
first_round_s = 28800
round_every_s = 28800
round_deadline_s = 7200
history_nights = 5
work = { gflop = 1270, mb_down = 20, mb_up = 20 }
[[group]]
kind = "phone"
with = ["band"]
count = 6
[[group]]
kind = "phone"
with = ["ring"]
count = 4
[[group]]
kind = "smartwatch"
count = 6
[[group]]
kind = "tablet"
with = ["ring"]
count = 4
"""
"""A ward of twenty: everybody in reach is asked, by night, by morning and by evening, for two days."""


@dataclass(frozen=True)
class Scene:
    """A fleet to be run in both clocks, and how fast live."""

    title: str
    fleet: str
    sets: tuple[str, ...]
    speed: float


FULL = (
    Scene("The household, ideal", "household", ("ideal=true", "learning.round_deadline_s=43200"), 2_880.0),
    Scene("The household", "household", (), 720.0),
    Scene("Twenty", "twenty", (), 240.0),
    Scene("Twenty", "twenty", (), 720.0),
)
QUICK = (
    Scene(
        "The household, ideal",
        "household",
        ("ideal=true", "learning.rounds=2", "learning.first_round_s=14400", "learning.round_every_s=50400"),
        2_000.0,
    ),
)
"""Two rounds with a night between them."""


@contextmanager
def looks_every(seconds: float) -> Iterator[None]:
    """Have the server of a virtual world look for replies every so many seconds of life."""
    world.SERVER_POLL_S, before = seconds, SERVER_POLL_S  # type: ignore[attr-defined]  # no setting: Flower has none
    try:
        yield
    finally:
        world.SERVER_POLL_S = before  # type: ignore[attr-defined]  # as above


def slowed(fleet: Fleet, speed: float) -> Fleet:
    """Return *fleet* with nodes that poll and send heartbeats as rarely as live at *speed*."""
    learning = fleet.learning
    rhythm = Rhythm.at_speed(speed, poll_s=learning.poll_s, heartbeat_s=learning.heartbeat_s)
    slow = {"poll_s": rhythm.poll_s * speed, "heartbeat_s": rhythm.beat_s * speed}
    return fleet.model_copy(update={"learning": learning.model_copy(update=slow)})


def live(fleet: Path, speed: float, out: Path) -> None:
    """Run the command as anyone would."""
    command = [sys.executable, "-m", "fleetbeat", "up", str(fleet), "--speed", f"{speed:g}", "--out", str(out)]
    ran = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdin=subprocess.DEVNULL, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    if ran.returncode:
        sys.exit(f"live, the fleet failed ({ran.returncode}):\n{ran.stderr[-5_000:]}")


def runs_of(scene: Scene, folder: Path) -> dict[str, SavedRun]:
    """Run *scene* in each clock, its folders in *folder*."""
    folder.mkdir(parents=True)
    source = folder / "twenty.toml"
    source.write_text(TWENTY, encoding="utf-8")
    fleet = load_fleet(source if scene.fleet == "twenty" else scene.fleet, Overrides(sets=scene.sets))
    frozen = folder / "fleet.toml"
    frozen.write_text(freeze(fleet), encoding="utf-8")
    rehearsal.run(fleet, out=folder / "virtual", quiet=True)
    with looks_every(SERVER_POLL_S * scene.speed):
        rehearsal.run(slowed(fleet, scene.speed), out=folder / "rhythm", quiet=True)
    live(frozen, scene.speed, folder / "live")
    return {clock: SavedRun(folder / clock) for clock in CLOCKS}


def apart(one: SavedRun, other: SavedRun) -> float:
    """Return the largest difference between two models' coefficients."""
    return max(float(abs(mine - theirs).max()) for mine, theirs in zip(one.arrays(), other.arrays(), strict=True))


def report(scene: Scene, runs: Mapping[str, SavedRun]) -> list[str]:
    """Return what there is to read about *scene*."""
    lines = [f"### {scene.title}, live at {scene.speed:g} × real time", "", "| round | | virtual | rhythm | live |"]
    lines += ["|---|---|---|---|---|", *_rounds(runs)]
    spent = {clock: [sum(float(line["energy_j"]) for line in _outcomes(run))] for clock, run in runs.items()}
    lines += [f"| all | J, evaluation included | {_cells(f'{value:,.0f}' for (value,) in spent.values())} |", ""]
    lines += ["| device | virtual | rhythm | live |", "|---|---|---|---|", *_participation(runs), ""]
    others = _differing(runs)
    if others:
        lines += ["Device-rounds that did not end alike:", "", "| round | phase | device | virtual | rhythm | live |"]
        lines += ["|---|---|---|---|---|---|", *others, ""]
    else:
        lines += ["Every device-round ended alike in all three.", ""]
    lines.append(
        f"Final coefficients apart by at most {apart(runs['virtual'], runs['live']):.0e} (virtual and live), "
        f"{apart(runs['rhythm'], runs['live']):.0e} (rhythm and live)."
    )
    return [*lines, ""]


def _rounds(runs: Mapping[str, SavedRun]) -> Iterator[str]:
    tables = [{line["round"]: line for line in run.table("rounds.csv")} for run in runs.values()]
    for number in sorted({number for table in tables for number in table}, key=int):
        found = [table.get(number, {}) for table in tables]
        ends = [Counter(line["outcome"] for line in _outcomes(run, number, "train")) for run in runs.values()]
        words = [", ".join(f"{count} {word}" for word, count in sorted(end.items())) for end in ends]
        yield f"| {number} | reachable, selected | {_both(found, 'reachable', 'selected')} |"
        yield f"| | outcomes | {_cells(words)} |"
        yield f"| | J, of it wasted | {_both(found, 'energy_j', 'wasted_j')} |"
        yield f"| | lasted s | {_cells(map(_lasted, found))} |"


def _participation(runs: Mapping[str, SavedRun]) -> Iterator[str]:
    tables = [{line["device"]: line for line in run.table("devices.csv")} for run in runs.values()]
    for device in tables[0]:
        found = [table[device] for table in tables]
        if any(int(line["selected"]) for line in found):
            words = [f"{line['delivered']} of {line['selected']}" for line in found]
            yield f"| {device} | {_cells(words)} |"


def _differing(runs: Mapping[str, SavedRun]) -> list[str]:
    ends = {
        clock: {(line["round"], line["phase"], line["device"]): line for line in run.table("outcomes.csv")}
        for clock, run in runs.items()
    }
    lines = []
    for place in sorted({place for found in ends.values() for place in found}, key=lambda p: (int(p[0]), *p[1:])):
        words = [
            " ".join(filter(None, (line["outcome"], line["reason"]))) if line else "not asked"
            for line in (found.get(place) for found in ends.values())
        ]
        if len(set(words)) > 1:
            lines.append(f"| {' | '.join(place)} | {_cells(words)} |")
    return lines


def _outcomes(run: SavedRun, round_: str = "", phase: str = "") -> list[dict[str, str]]:
    lines = run.table("outcomes.csv")
    return [line for line in lines if round_ in ("", line["round"]) and phase in ("", line["phase"])]


def _both(found: Iterable[Mapping[str, str]], first: str, second: str) -> str:
    return _cells(f"{_of(line, first)}, {_of(line, second)}" for line in found)


def _of(line: Mapping[str, str], column: str) -> str:
    return f"{float(line[column]):,.0f}" if line.get(column) else "–"


def _lasted(line: Mapping[str, str]) -> str:
    return f"{float(line['t_end_s']) - float(line['t_start_s']):,.0f}" if line.get("t_end_s") else "–"


def _cells(words: Iterable[str]) -> str:
    return " | ".join(words)


def main() -> None:
    """Run, print, and write the section in ``results.md`` (not after ``--quick``)."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="the ideal household, two rounds: do the models agree?")
    parser.add_argument("--only", type=int, help="one scene of the full series, counted from 1")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the run folders here")
    given = parser.parse_args()
    logging.getLogger("flwr").setLevel(logging.WARNING)
    scenes = QUICK if given.quick else FULL[given.only - 1 : given.only] if given.only else FULL
    lines = [
        description("flwr", "numpy", "scikit-learn"),
        "",
        __doc__.strip().partition("\n\n")[2].replace("\n", " "),
        "",
    ]
    with tempfile.TemporaryDirectory() as place:
        for number, scene in enumerate(scenes):
            began_s, before = time.monotonic(), load()
            lines += report(scene, runs_of(scene, (given.keep or Path(place)) / f"{number + 1}"))
            lines += [f"All three took {time.monotonic() - began_s:.0f} s; load before {before:.1f}.", ""]
            print(f"{scene.title} at {scene.speed:g}: done", file=sys.stderr, flush=True)
    if given.quick or given.only:
        print("\n".join(lines))
    else:
        write_section(TITLE, lines[:-1])


if __name__ == "__main__":
    main()
