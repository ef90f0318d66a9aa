"""The headline: what happened in one run, in sentences whose numbers all come from its folder."""

from collections import Counter
from datetime import timedelta
from typing import Any

from aggregator.accounting import OUTCOMES
from devices.settings import Fleet
from fleetbeat.report.html import count, listed, paragraph, share, spoken, tiles
from fleetbeat.saved_run import SavedRun

ENDED = {
    "rounds_done": "all its rounds were done",
    "days_over": "its days were over",
    "too_few_devices": "too few devices were there for too long",
    "failed": "its server failed",
    "stopped": "it was stopped by hand",
    "cut_short": "it was cut short",
    "running": "it goes on, or was killed",
}
LABELS = {
    "truth": "labels: the truth about each night",
    "diary": "labels: the wearer's diary, with its gaps and errors",
}
TASKS = {"night-quality": "night quality", "sleep-wake": "sleep and wake", "sleep-stage": "sleep stages"}
DAY_S = 86_400.0


def title(run: SavedRun) -> str:
    """Return the title: how many learn what."""
    devices = run.table("devices.csv")
    wearers = len({line["wearer"] for line in devices})
    who = f"{count(wearers, 'wearer')} with {count(len(devices), 'device')}"
    what = TASKS[run.fleet.learning.task] if run.fleet.app is None else f"the Flower App {run.fleet.app.name}"
    return f"{who} learn{'s' if wearers == 1 else ''} {what}"


def lead(run: SavedRun) -> str:
    """Return the first words of the page, as HTML."""
    return paragraph(f"{_delivery(run)} {_quality(run)}") + paragraph(_circumstances(run), "note") + tiles(_facts(run))


def _delivery(run: SavedRun) -> str:
    account = run.results["account"]
    train, begun = account["train"], len(run.table("rounds.csv"))
    days = f"In {count(1, 'day') if _days(run) == '1' else _days(run) + ' days'} of life"
    if not train["selected"]:
        opened = f"the server opened {count(begun, 'round')} and" if begun else "the server began no round:"
        return f"{days} {opened} nobody was selected. Nothing was learned."
    delivered, selected = train["outcomes"]["delivered"], train["selected"]
    said = f"{days} the server began {count(begun, 'round')} and asked {count(selected, 'time')} for an update: "
    said += f"{delivered:,} arrived and {'was' if delivered == 1 else 'were'} used ({delivered / selected:.0%})"
    lines = [line for line in run.table("outcomes.csv") if line["phase"] == "train"]
    others = [
        f"{train['outcomes'][outcome]:,} {spoken(outcome)}{_because(lines, outcome)}"
        for outcome in OUTCOMES[1:]
        if train["outcomes"][outcome]
    ]
    return f"{said}; {listed(others)}." if others else f"{said}."


def _because(lines: list[dict[str, str]], outcome: str) -> str:
    reasons = Counter(line["reason"] for line in lines if line["outcome"] == outcome and line["reason"])
    if not reasons:
        return ""
    (most, _), *others = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    return f" ({'mostly ' if others else ''}{spoken(most)})"


def _quality(run: SavedRun) -> str:
    results = run.results
    final, references = results["final"], results.get("references") or {}
    if run.fleet.app is not None:
        return "How good its model is only the app itself can say."
    if final.get("balanced_accuracy") is None:
        return "No wearer outside the fleet was kept aside, so the model was not judged by the server."
    scores = f"balanced accuracy {share(final['balanced_accuracy'])} and AUC {share(final.get('auc'))}"
    said = f"The last model reaches {scores} on wearers it never met"
    beside = [
        f"{name} {share(references[key].get('balanced_accuracy'))}"
        for key, name in (("central", "one model of all data"), ("local_only", "each device alone"))
        if key in references
    ]
    return f"{said} ({', '.join(beside)})." if beside else f"{said}."


def _circumstances(run: SavedRun) -> str:
    fleet, account = run.fleet, run.results["account"]
    end = fleet.start + timedelta(seconds=run.results["virtual_s"])
    ended = ENDED.get(run.ended, spoken(run.ended)) + (f" ({account['reason']})" if account.get("reason") else "")
    return (
        f"From {_moment(fleet.start)} to {_moment(end)}, local time; "
        f"{ended if run.ended == 'running' else f'it ended because {ended}'}. "
        f"{_taught(fleet)}; seed {fleet.seed}."
        f"{' An ideal world: always ready, nothing takes time or energy.' if fleet.ideal else ''} "
        "One seed is an anecdote: see fleetbeat study."
    )


def _taught(fleet: Fleet) -> str:
    if fleet.app is not None:
        return f"The app's own strategy ({fleet.app.path})"
    return f"Strategy {fleet.learning.strategy}; {LABELS[fleet.learning.label_source]}"


def _facts(run: SavedRun) -> list[tuple[str, str, str]]:
    results = run.results
    account, final = results["account"], results["final"]
    train = account["train"]
    rounds = run.table("rounds.csv")
    aggregated = sum(int(line["aggregated"] or 0) > 0 for line in rounds)
    wasted = account["train"]["wasted_j"] + account["evaluate"]["wasted_j"]
    spent = account["train"]["energy_j"] + account["evaluate"]["energy_j"]
    planned = f" of {run.fleet.learning.rounds}" if run.fleet.app is None else ""
    facts = [
        ("Days lived", _days(run), ENDED.get(run.ended, spoken(run.ended))),
        ("Rounds", f"{aggregated}{planned}", "changed the model"),
        ("Delivered", f"{train['outcomes']['delivered']:,} of {train['selected']:,}", "selected device-rounds"),
    ]
    if final.get("balanced_accuracy") is not None:
        facts += [
            ("Balanced accuracy", share(final["balanced_accuracy"]), "on wearers outside the fleet"),
            ("AUC", share(final.get("auc")), "0.5 is guessing"),
        ]
    facts.append(("Wasted", f"{wasted / spent:.0%}" if spent else "–", "of the energy spent on tasks"))
    return facts


def _days(run: SavedRun) -> str:
    return f"{run.results['virtual_s'] / DAY_S:.1f}".removesuffix(".0")


def _moment(when: Any) -> str:
    return f"{when:%A} {when.day} {when:%B %Y}, {when:%H:%M}"
