"""The rounds: what became of everyone who was selected, round by round."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from plotly import graph_objects as go

from aggregator.accounting import OUTCOMES, PHASES
from fleetbeat.apps.metrics import ByRound
from fleetbeat.report.colours import SIGNS
from fleetbeat.report.html import count, paragraph, share, spoken, table
from fleetbeat.report.page import Section
from fleetbeat.report.plot import Plot, drawn
from fleetbeat.saved_run import SavedRun
from fleetbeat.summary import UNJUDGED, own_scores

FEW_ROUNDS = 30
"""So many bars are wide enough for numbers in them, and for their hatching."""
ROWS_SHOWN = 200
COLUMNS = (
    "round",
    "began",
    "reachable",
    "ready",
    "selected",
    "delivered",
    "why not the others",
    "in model",
)
SCORES = {
    "balanced acc.": "server_balanced_accuracy",
    "AUC": "server_auc",
    "majority": "majority_share",
    "accuracy": "server_accuracy",
}
"""What strangers say of the new model, by column of the page and of rounds.csv."""


def section(run: SavedRun) -> Section:
    """Return the bars and the table of rounds."""
    lines = run.table("rounds.csv")
    if not lines:
        return Section("rounds", "Rounds", paragraph("The server began no round."))
    words = paragraph(
        "Every selected device ends each round in exactly one of nine ways. Bars add up to who was selected; "
        "training above, evaluation of the new model below."
    )
    plot = _bars(run)
    return Section("rounds", "Rounds", words + (plot.html() if plot else "") + _table(run, lines))


def _bars(run: SavedRun) -> Plot | None:
    counts = {(phase, outcome): dict[int, int]() for phase in PHASES for outcome in OUTCOMES}
    for line in run.table("outcomes.csv"):
        by_round = counts[line["phase"], line["outcome"]]
        by_round[int(line["round"])] = by_round.get(int(line["round"]), 0) + 1
    phases = [phase for phase in PHASES if any(counts[phase, outcome] for outcome in OUTCOMES)]
    occurred = [outcome for outcome in OUTCOMES if any(counts[phase, outcome] for phase in phases)]
    if not occurred:
        return None
    numbers = sorted({number for by_round in counts.values() for number in by_round})
    wide = len(numbers) <= FEW_ROUNDS
    traces = []
    for outcome in occurred:
        sign = SIGNS[outcome]
        for place, phase in enumerate(phases):
            values = [counts[phase, outcome].get(number, 0) for number in numbers]
            traces.append(
                go.Bar(
                    x=numbers,
                    y=values,
                    name=spoken(outcome),
                    legendgroup=outcome,
                    showlegend=place == 0,
                    yaxis=f"y{place + 1}" if place else "y",
                    marker={
                        "color": sign.colour,
                        # hatching tells outcomes apart without colour; in narrow bars it would only be noise
                        "pattern": {
                            "shape": sign.pattern if wide else "",
                            "size": 6,
                            "solidity": 0.2,
                            "fgcolor": "rgba(0,0,0,0.55)",
                        },
                    },
                    text=[str(value) if wide and value else "" for value in values],
                    textposition="inside",
                    insidetextanchor="middle",
                    textangle=0,
                    hovertemplate=f"round %{{x}}, {phase}: %{{y}} {spoken(outcome)}<extra></extra>",
                )
            )
    height_px = 260 * len(phases) + 60
    layout: dict[str, Any] = {
        "barmode": "stack",
        "bargap": max(0.25, 1 - 0.12 * len(numbers)),
        "xaxis": {"title": "round", "dtick": 1 if wide else None, "zeroline": False},
    }
    for place, phase in enumerate(phases):
        top = 1 - place * 0.53
        domain = [top - 0.47, top] if len(phases) == 2 else [0, 1]
        most = max(sum(counts[phase, outcome].get(number, 0) for outcome in occurred) for number in numbers)
        axis = {"title": phase, "domain": domain, "range": [0, 1.05 * most], "dtick": 1 if most <= 6 else None}
        layout[f"yaxis{place + 1}" if place else "yaxis"] = axis
    layout["xaxis"]["anchor"] = f"y{len(phases)}" if len(phases) > 1 else "y"
    told = ", ".join(f"{sum(counts['train', o].values())} {spoken(o)}" for o in occurred)
    return Plot(
        "outcomes", drawn(traces, height_px, **layout), f"Outcomes by round, stacked bars. Training in all: {told}"
    )


def _table(run: SavedRun, lines: list[dict[str, str]]) -> str:
    own = own_scores(run)
    rows = []
    for line in lines[-ROWS_SHOWN:]:
        others = ", ".join(f"{line[o]} {spoken(o)}" for o in OUTCOMES[1:] if line[o] != "0")
        if own is None:
            scores = [share(line[key]) for key in SCORES.values()]
        else:
            scores = [share(values.get(int(line["round"]))) for values in own.values()]
        began = run.start + timedelta(seconds=int(float(line["t_start_s"])))
        known = (line["reachable"], line["ready"], line["selected"], line["delivered"])
        rows.append(
            (
                line["round"],
                f"{began:%a} {began.day} {began:%b %H:%M}",
                *known,
                others or "–",
                line["aggregated"],
                *scores,
            )
        )
    part = f" (the last {ROWS_SHOWN} of {count(len(lines), 'round')})" if len(lines) > ROWS_SHOWN else ""
    caption = f"Training{part}{_whose(run, own)}"
    return table(caption, (*COLUMNS, *(SCORES if own is None else own)), rows, words=(0, 1), prose=(6,))


def _whose(run: SavedRun, own: Mapping[str, ByRound] | None) -> str:
    """Return in words whose scores stand beside training: strangers' (None), an app's *own*, or the clients'."""
    if own is None:
        return ", and the new model on wearers outside the fleet"
    if run.fleet.app is not None:
        return ", and what the app's server and clients say of the new model" if own else ""
    return f"{', and the new model on what each client keeps from training' if own else ''}; {UNJUDGED}"
