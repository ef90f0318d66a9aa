"""Small fleets, run from beginning to end in a folder of the test's own, and read back from disk."""

import csv
import json
from pathlib import Path
from typing import Any

from devices.fleet_file import load_fleet
from devices.overrides import Overrides
from fleetbeat import rehearsal
from fleetbeat.brokers import BrokerChoice
from fleetbeat.rehearsal import Ran

TINY = """schema = 1
name = "tiny"
seed = 7
days = 2

[learning]
rounds = 2
history_nights = 4
min_train_devices = 1
work = { gflop = 100, mb_down = 1, mb_up = 1 }

[[group]]
kind = "phone"
with = ["band"]
count = 2

[[group]]
kind = "smartwatch"
count = 1
"""

MACHINE = {"run.json", "report.html"}
"""What may differ between two runs of the same fleet."""


def run(source: str | Path, out: Path, *sets: str, broker: str = "memory", workers: int = 0, **options: Any) -> Ran:
    """Run a fleet (a name, a file, or the text of one) into *out*."""
    if isinstance(source, str) and "\n" in source:
        file = out.with_suffix(".toml")
        file.write_text(source)
        source = file
    fleet = load_fleet(source, Overrides(sets=sets, **options))
    return rehearsal.run(fleet, out=out, broker=BrokerChoice(broker), workers=workers, quiet=True)


def table(folder: Path, name: str) -> list[dict[str, str]]:
    """The lines of a table."""
    return list(csv.DictReader((folder / name).read_text().splitlines()))


def journal(folder: Path, kind: str = "") -> list[dict[str, Any]]:
    """The journal's events, of one kind if asked."""
    events = [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]
    return [event for event in events if kind in ("", event["kind"])]


def results(folder: Path) -> dict[str, Any]:
    """results.json."""
    found: dict[str, Any] = json.loads((folder / "results.json").read_text())
    return found


def assert_same_bytes(one: Path, other: Path) -> None:
    """Every file that does not depend on the machine is there twice, with the same bytes."""
    names = [sorted(path.name for path in folder.iterdir() if path.name not in MACHINE) for folder in (one, other)]
    assert names[0] == names[1]
    assert [name for name in names[0] if (one / name).read_bytes() != (other / name).read_bytes()] == []
