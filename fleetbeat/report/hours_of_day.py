"""The hours of a run's days: the plots of `fleetbeat devices`, of the lives that the run's devices had."""

import orjson

from devices.circumstances import COLUMNS, Circumstances
from devices.lifelog import Lived
from devices.residents import residents
from devices.table import DAY_S
from fleetbeat.hours import KindHours, by_kind_and_hour
from fleetbeat.report.html import paragraph
from fleetbeat.report.page import Section
from fleetbeat.report.population_page import kind_section, overview
from fleetbeat.saved_run import SavedRun

FLAGS = {"charging", "near_link", "worn", "in_use"}


def section(run: SavedRun) -> Section | None:
    """Return the section, or None for a run in which nobody lived yet."""
    kinds = kinds_of_day(run)
    if not kinds:
        return None
    told = paragraph("Shares of time by hour of the local day, training included; a device at work is busy.")
    parts = "".join(f"<h3>{part.title}</h3>{part.content}" for part in map(kind_section, kinds))
    return Section("hours", "By hour of the day", told + overview(kinds) + parts)


def kinds_of_day(run: SavedRun) -> list[KindHours]:
    """Return the figures of every kind, from life.csv, devices.csv and the batches in the journal."""
    lived = [_lived(line) for line in run.table("life.csv")]
    names = {line.device for line in lived}
    devices = [device for device in residents(run.fleet) if device.name in names]
    if not devices:
        return []
    days = max(line.to_s for line in lived) / DAY_S
    fleet = run.fleet.model_copy(update={"days": days})
    here = {device.name for device in devices}
    life_j = {line["device"]: float(line["life_j"] or 0) for line in run.table("devices.csv")}
    sent_bytes = dict.fromkeys(here, 0)
    with (run.path / "journal.jsonl").open("rb") as journal:
        for raw in journal:
            if b'"kind":"batch_sent"' in raw:
                event = orjson.loads(raw)
                sent_bytes[event["device"]] = sent_bytes.get(event["device"], 0) + event["bytes"]
    return by_kind_and_hour(fleet, devices, [line for line in lived if line.device in here], life_j, sent_bytes)


def _lived(line: dict[str, str]) -> Lived:
    from_s, to_s = float(line["from_s"]), float(line["to_s"])
    around = {column: line[column] == "true" if column in FLAGS else line[column] for column in COLUMNS}
    battery = float(line["battery_start"]), float(line["battery_end"])
    life = Circumstances(from_s, to_s, **around)  # type: ignore[arg-type]  # each column has the value of its kind
    return Lived(line["device"], from_s, to_s, line["power"] == "true", *battery, life, line["why_not"] or None)
