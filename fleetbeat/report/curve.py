"""The learning curve: the global model over virtual time, beside the models it has to be compared with."""

from dataclasses import dataclass
from itertools import islice
from typing import Any

import orjson
from plotly import graph_objects as go

from devices.learning.task import TASKS
from fleetbeat.report.colours import ALONE, CENTRAL, GLOBAL, MAJORITY
from fleetbeat.report.html import count, details, paragraph, share, table
from fleetbeat.report.page import Section
from fleetbeat.report.plot import Plot, date_axis, drawn, moments
from fleetbeat.saved_run import SavedRun

REFERENCES = (
    ("central", "one model of all data", CENTRAL, "dash"),
    ("local_only", "each device alone", ALONE, "dashdot"),
)
BEGINNING_LINES = 200
"""The model as it was before the first round is scored at the very beginning of the journal."""


@dataclass(frozen=True, slots=True)
class _Point:
    """A model at one moment."""

    t_s: float
    round: int
    scores: dict[str, float]


def section(run: SavedRun) -> Section:
    """Return the learning curves, of the server's scores if there are any, else of the devices' own."""
    points = _points(run)
    if len(points) > 1 or any(point.round for point in points):
        return Section("curve", "How well it learned", _judged(run, points))
    federated = [
        _Point(_end_s(line), int(line["round"]), {"clients_accuracy": float(line["clients_accuracy"])})
        for line in run.table("rounds.csv")
        if line["clients_accuracy"]
    ]
    if federated:
        return Section("curve", "How well it learned", _by_the_devices(run, federated))
    return Section(
        "curve", "How well it learned", paragraph("No round changed the model, so there is no curve to draw.")
    )


def _judged(run: SavedRun, points: list[_Point]) -> str:
    classes = len(TASKS[run.fleet.learning.task].classes)
    last = points[-1].scores
    plots = "".join(
        _panel(run, points, key, name, guess).html()
        for key, name, guess in (
            ("balanced_accuracy", "Balanced accuracy", 1 / classes),
            ("auc", "AUC", 0.5),
            ("accuracy", "Accuracy", last["majority_share"]),
        )
    )
    words = paragraph(
        "The global model after every round, judged on wearers who are in no device of the fleet. Grey: what always "
        "naming the "
        "commonest class would reach; accuracy below that line is worth nothing. “One model of all data” and “each "
        "device alone” were "
        "trained when the run was over, on the very buffers the devices ended with."
    )
    references = run.results.get("references") or {}
    rows = [("global model, last round", *_row(last))]
    rows += [(name, *_row(references[key])) for key, name, *_ in REFERENCES if key in references]
    columns = ("model", "balanced accuracy", "AUC", "accuracy", "majority", "kappa")
    return (
        words
        + f'<div class="side">{plots}</div>'
        + table("The same in figures, on wearers outside the fleet", columns, rows)
    )


def _row(scores: dict[str, Any]) -> list[str]:
    return [share(scores.get(key)) for key in ("balanced_accuracy", "auc", "accuracy", "majority_share", "kappa")]


def _panel(run: SavedRun, points: list[_Point], key: str, name: str, guess: float) -> Plot:
    start, end_s = run.start, float(run.results["virtual_s"])
    values = [point.scores[key] for point in points]
    span = moments(start, [0.0, end_s])
    traces = [
        go.Scatter(
            x=span, y=[guess] * 2, name="majority", mode="lines", line={"color": MAJORITY, "dash": "dot", "width": 2}
        )
    ]
    references = run.results.get("references") or {}
    for reference, label, colour, dash in REFERENCES:
        value = references.get(reference, {}).get(key)
        if value is not None:
            line = {"color": colour, "dash": dash, "width": 2}
            traces.append(go.Scatter(x=span, y=[value] * 2, name=label, mode="lines", line=line))
    hover = [f"round {p.round}" if p.round else "before learning" for p in points]
    traces.append(
        go.Scatter(
            x=moments(start, [point.t_s for point in points]),
            y=values,
            name="global model",
            mode="lines+markers",
            line={"color": GLOBAL, "width": 3},
            marker={"size": 8 if len(points) <= 30 else 5},
            text=hover,
            hovertemplate="%{text}: %{y:.3f}<br>%{x}<extra></extra>",
        )
    )
    figure = drawn(
        traces,
        330,
        title={"text": name, "x": 0, "xref": "paper", "font": {"size": 15}},
        xaxis=date_axis(start, 0.0, end_s),
        yaxis={"tickformat": ".2f"},
        margin={"l": 45, "r": 10, "t": 40, "b": 100},
        legend={"orientation": "h", "x": 0, "xanchor": "left", "y": -0.22, "yanchor": "top", "font": {"size": 11}},
    )
    ends = f"{share(values[0])} at first, {share(values[-1])} at the end"
    says = f"{name} of the global model over time: {ends}; majority {share(guess)}"
    return Plot(f"curve-{key.replace('_', '-')}", figure, says)


def _by_the_devices(run: SavedRun, points: list[_Point]) -> str:
    start, end_s = run.start, float(run.results["virtual_s"])
    values = [point.scores["clients_accuracy"] for point in points]
    trace = go.Scatter(
        x=moments(start, [point.t_s for point in points]),
        y=values,
        mode="lines+markers",
        line={"color": GLOBAL, "width": 3},
        marker={"size": 8},
        text=[f"round {point.round}" for point in points],
        hovertemplate="%{text}: %{y:.3f}<br>%{x}<extra></extra>",
    )
    layout = {"xaxis": date_axis(start, 0.0, end_s), "yaxis": {"title": "accuracy", "tickformat": ".2f"}}
    ends = f"{share(values[0])} after the first of these rounds, {share(values[-1])} after the last"
    says = f"Accuracy by the devices' own judgement: {ends}"
    plot = Plot("curve-clients", drawn([trace], 330, **layout), says)
    words = paragraph(
        "Nobody outside the fleet was kept aside to judge the model (learning.test_persons names such persons), so "
        "this is Flower's federated "
        "evaluation: each device's accuracy on data of its own that it kept out of training. There is no majority line "
        "and nothing to "
        "compare it with: treat it with care."
    )
    rows = [(point.round, share(point.scores["clients_accuracy"])) for point in points]
    return (
        words
        + plot.html()
        + details(f"The same in figures: {count(len(rows), 'round')}", table("By round", ("round", "accuracy"), rows))
    )


def _points(run: SavedRun) -> list[_Point]:
    keys = ("balanced_accuracy", "auc", "accuracy", "kappa")
    points = _before_learning(run)
    for line in run.table("rounds.csv"):
        if line["server_balanced_accuracy"] and line["server_auc"]:
            scores = {key: float(line[f"server_{key}"]) for key in keys} | {
                "majority_share": float(line["majority_share"])
            }
            points.append(_Point(_end_s(line), int(line["round"]), scores))
    return points


def _before_learning(run: SavedRun) -> list[_Point]:
    with (run.path / "journal.jsonl").open("rb") as lines:
        for raw in islice(lines, BEGINNING_LINES):
            if b'"kind":"model_scored"' in raw:
                event = orjson.loads(raw)
                return [_Point(event["t_s"], event["round"], event)] if event["round"] == 0 else []
    return []


def _end_s(line: dict[str, str]) -> float:
    return float(line["t_end_s"] or line["t_start_s"])
