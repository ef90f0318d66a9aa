"""The chain behind one outcome, told from the run folder alone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from broker.errors import RunFolderError
from devices.complaints import did_you_mean, there_are
from fleetbeat.saved_run import SavedRun
from fleetbeat.tables import local_time

MEANINGS = {
    "delivered": "its update reached the server in time and was used",
    "refused": "it fetched the task and was not ready for it",
    "interrupted": "it began, then gave up because its conditions changed",
    "unreachable": "the server could choose it, but it never fetched the task",
    "lost_power": "its battery emptied after it had fetched the task",
    "lost_link": "its far link broke after it had fetched the task, and the server gave it up",
    "late": "it finished after the deadline",
    "rejected": "the server did not use its update",
    "crashed": "the app or the device's software failed",
}

PROSE = {
    "device_selected": "the server chose it",
    "task_fetched": "it fetched the task, {waited_s:.0f} s after it was laid there",
    "task_refused": "it refused: {reason}",
    "work_started": "it began to work on {examples} examples ({examples_fresh} fresh), {expected_s:.0f} s expected",
    "work_finished": "it was done after {compute_s:.0f} s of computing",
    "work_interrupted": "it gave up: {reason}",
    "work_lost_power": "its battery was empty while {stage}",
    "work_lost_link": "its far link broke while {stage}",
    "work_link_back": "its far link was back while {stage}",
    "work_crashed": "it failed: {exception}",
    "upload_started": "it began to send {bytes}",
    "upload_finished": "the last byte left, {accepted}",
    "work_settled": "the bill: {energy_j:.1f} J, {compute_s:.0f} s computing, {transfer_s:.0f} s on the air, "
    "{bytes_down} down, {bytes_up} up",
    "reply_received": "the strategy got its update",
    "error_received": "the server got an error instead: {reason}",
    "device_given_up": "the server stopped waiting for it: {cause}",
    "update_too_late": "its update came when nobody waited for it any more",
    "update_rejected": "the strategy turned its update down: {reason}",
    "battery_empty": "its battery was empty",
    "powered_on": "it was on again, at {battery:.0%}",
    "switched_off": "it was switched off, at {battery:.0%}",
    "software_crashed": "its software failed ({exception}) and started again",
    "radio_slept": "it let its far radio sleep, at {battery:.0%}",
    "radio_woke": "its far radio was awake again, at {battery:.0%}",
    "state_changed": "it said of itself: {state}",
}
LIFE = {
    ("charging", True): "it was put on its charger, at {battery:.0%}",
    ("charging", False): "it was taken off its charger, at {battery:.0%}",
    ("in_use", True): "its wearer picked it up",
    ("in_use", False): "its wearer put it down",
    ("worn", True): "its wearer put it on",
    ("worn", False): "its wearer took it off",
    ("near_link", True): "it was near its hub again",
    ("near_link", False): "it was out of its hub's reach",
}
ACCEPTED = {True: "and the server wanted it", False: "but the server did not want it any more"}
MARGIN_S = 1_800.0
"""How long before the selection the story begins."""


def chain(run: SavedRun, device: str, round_: int, phase: str = "train") -> dict[str, Any]:
    """Return the story of one device-round: outcome, reason, meaning, how the device stood, and every event in between.

    Raises RunFolderError if the run has no such device-round, saying which there are.
    """
    line = _outcome(run, device, round_, phase)
    start = run.start
    from_s, to_s = float(line["t_selected_s"]) - MARGIN_S, float(line["t_end_s"])
    events = []
    for event in _events(run.path / "journal.jsonl", device, from_s, max(to_s, from_s)):
        if "round" in event and (event["round"], event.get("phase", phase)) != (round_, phase):
            continue
        text = told(event)
        if text is not None:
            events.append(
                {
                    "t_s": event["t_s"],
                    "local_time": local_time(start, event["t_s"]),
                    "kind": event["kind"],
                    "text": text,
                }
            )
    return {
        "device": device,
        "round": round_,
        "phase": phase,
        "outcome": line["outcome"],
        "reason": line["reason"],
        "meaning": MEANINGS[line["outcome"]],
        "local_time": line["local_time"],
        "battery": float(line["battery"]) if line["battery"] else None,
        "link": line["link"],
        "energy_j": float(line["energy_j"] or 0),
        "standing": _standing(run, device, float(line["t_selected_s"])),
        "events": events,
    }


def told(event: dict[str, Any]) -> str | None:
    """Return an event of the journal in words; None for one that tells nothing about a task."""
    if event["kind"] == "life_changed":
        what, value = event["what"], event["value"]
        if what == "far_link":
            return f"its far link: {value}"
        if what == "place":
            return f"its wearer was at: {value}"
        template = LIFE[what, value]
    else:
        template = PROSE.get(event["kind"], "")
    return template.format(**event | dict(_spoken(event))) if template else None


def _spoken(event: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield those figures of *event* that are not said as they are written: bytes, and whether a reply was wanted."""
    for name in ("bytes", "bytes_down", "bytes_up"):
        if name in event:
            yield name, f"{event[name] / 1e6:.3g} MB"
    if "accepted" in event:
        yield "accepted", ACCEPTED[event["accepted"]]


def story(chained: dict[str, Any]) -> str:
    """Return the chain as lines to read."""
    standing = chained["standing"]
    head = (
        f"{chained['device']}, round {chained['round']} ({chained['phase']}): "
        f"{chained['outcome']}{' · ' + chained['reason'] if chained['reason'] else ''}\n"
        f"  {chained['meaning']}; {chained['energy_j']:.1f} J\n"
    )
    if standing:
        head += (
            f"  when it was chosen: wearer at {standing['place']}, battery {float(standing['battery']):.0%}, "
            f"{'charging' if standing['charging'] == 'true' else 'not charging'}, far link {standing['far_link']}, "
            f"{'ready' if standing['ready'] == 'true' else 'not ready: ' + standing['why_not']}\n"
        )
    lines = [f"  {event['local_time'].replace('T', ' ')}  {event['text']}" for event in chained["events"]]
    return head + "\n".join(lines)


def _outcome(run: SavedRun, device: str, round_: int, phase: str) -> dict[str, str]:
    lines = run.table("outcomes.csv")
    for line in lines:
        if (line["device"], line["round"], line["phase"]) == (device, str(round_), phase):
            return line
    known = sorted({line["device"] for line in run.table("devices.csv")})
    if device not in known:
        raise RunFolderError(f"{run.path}: no device {device!r}{did_you_mean(device, known) or there_are(known)}")
    rounds = sorted({int(line["round"]) for line in lines if line["device"] == device and line["phase"] == phase})
    raise RunFolderError(
        f"{run.path}: {device} was not selected in round {round_} ({phase}); "
        f"it was in {', '.join(map(str, rounds)) or 'no round'}"
    )


def _standing(run: SavedRun, device: str, t_s: float) -> dict[str, str] | None:
    for line in run.table("life.csv"):
        from_s, to_s = float(line["from_s"]), float(line["to_s"])
        if line["device"] == device and from_s <= t_s < to_s:
            start, end = float(line["battery_start"]), float(line["battery_end"])
            return line | {"battery": f"{start + (end - start) * (t_s - from_s) / (to_s - from_s):.4f}"}
    return None


def _events(journal: Path, device: str, from_s: float, to_s: float) -> Iterator[dict[str, Any]]:
    needle = f'"device":"{device}"'.encode()
    with journal.open("rb") as lines:
        for raw in lines:
            if needle in raw:
                event = orjson.loads(raw)
                if from_s <= event["t_s"] <= to_s + 3_600 and (event["t_s"] <= to_s or event["kind"] == "work_settled"):
                    yield event
