"""The account: every selected device-round once, and how to ask why one of them ended as it did."""

from html import escape

from aggregator.accounting import OUTCOMES, PHASES
from fleetbeat.report.html import details, paragraph, spoken, table
from fleetbeat.report.page import Section
from fleetbeat.saved_run import SavedRun
from fleetbeat.why import MEANINGS

UNDELIVERED_SHOWN = 150


def section(run: SavedRun) -> Section:
    """Return the account's table, its reasons, and those who did not deliver."""
    account = run.results["account"]
    lines = run.table("outcomes.csv")
    rows = [
        (
            spoken(outcome),
            *(f"{account[phase]['outcomes'][outcome]:,}" for phase in PHASES),
            _reasons(lines, outcome),
            MEANINGS[outcome],
        )
        for outcome in OUTCOMES
        if any(account[phase]["outcomes"][outcome] for phase in PHASES)
    ]
    total = ("selected", *(f"{account[phase]['selected']:,}" for phase in PHASES), "", "")
    columns = ("outcome", "train", "evaluate", "reasons", "what it means")
    content = paragraph(
        "Every device-round that the server selected ends in exactly one outcome, told by events, never guessed."
    )
    content += table("Every selected device-round, once", columns, rows, prose=(3, 4), total=total)
    return Section("account", "The account", content + _ask(run, lines))


def _reasons(lines: list[dict[str, str]], outcome: str) -> str:
    counts: dict[str, int] = {}
    for line in lines:
        if line["outcome"] == outcome and line["reason"]:
            counts[line["reason"]] = counts.get(line["reason"], 0) + 1
    return ", ".join(
        f"{spoken(reason)} {number}" for reason, number in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    )


def _ask(run: SavedRun, lines: list[dict[str, str]]) -> str:
    failed = [line for line in lines if line["outcome"] != "delivered"]
    chosen = next(iter(failed or lines), None)
    device, number = (chosen["device"], chosen["round"]) if chosen else ("DEVICE", "ROUND")
    more = " --phase evaluate" if chosen and chosen["phase"] == "evaluate" else ""
    command = f"fleetbeat why {run.path} {device} {number}{more}"
    words = "<h3>Ask why</h3>" + paragraph(
        "`fleetbeat why RUN DEVICE ROUND` tells the chain behind one outcome, from the journal: what the server asked, "
        "what the device was doing, its link and battery, its wearer's hour, the cause."
    )
    words += f"<pre>{escape(command)}</pre>"
    if not failed:
        return words
    rows = [
        (
            line["device"],
            line["round"],
            line["phase"],
            spoken(line["outcome"]),
            spoken(line["reason"]),
            line["local_time"].replace("T", " "),
            f"{float(line['battery']):.0%}" if line["battery"] else "–",
            line["link"],
        )
        for line in failed[:UNDELIVERED_SHOWN]
    ]
    columns = ("device", "round", "phase", "outcome", "reason", "local time", "battery", "link")
    caption = "Device-rounds that did not deliver"
    if len(failed) > UNDELIVERED_SHOWN:
        caption += f": the first {UNDELIVERED_SHOWN} of {len(failed):,}; outcomes.csv has all"
    return words + details(
        f"Who did not deliver ({len(failed):,})", table(caption, columns, rows, words=(0, 2, 3, 4, 5, 7))
    )
