"""The model: what its coefficients were at first and what they became, by feature name."""

import json
from typing import Any

from plotly import graph_objects as go

from fleetbeat.report.colours import CENTRAL, GLOBAL, MAJORITY
from fleetbeat.report.html import paragraph, table
from fleetbeat.report.page import Section
from fleetbeat.report.plot import Plot, drawn
from fleetbeat.saved_run import SavedRun

CLASS_SIGNS = ((GLOBAL, "circle"), (CENTRAL, "square"), ("#009e73", "diamond"))


def section(run: SavedRun) -> Section | None:
    """Return the coefficients; None for a run that never had a model in words."""
    pairs = run.results["final"].get("coefficients")
    if pairs:
        return Section("model", "The model: old → new", _two_classes(pairs, _name_of_one(run)))
    words = _in_words(run)
    if not words:
        return None
    return Section("model", "The model", _many_classes(words) if "coefficients" in words else _without(words))


def _two_classes(pairs: dict[str, list[float]], positive: str) -> str:
    names = list(pairs)
    old, new = ([pairs[name][which] for name in names] for which in (0, 1))
    moves = [value for name in names for value in (*pairs[name], None)]
    rows = [name for name in names for _ in range(3)]
    traces = [
        go.Scatter(
            x=moves, y=rows, mode="lines", line={"color": MAJORITY, "width": 3}, showlegend=False, hoverinfo="skip"
        ),
        go.Scatter(
            x=old,
            y=names,
            mode="markers",
            name="old",
            marker={"size": 10, "symbol": "circle-open", "color": MAJORITY, "line": {"width": 2}},
        ),
        go.Scatter(x=new, y=names, mode="markers", name="new", marker={"size": 11, "color": GLOBAL}),
    ]
    plot = Plot(
        "coefficients",
        _drawn(traces, len(names)),
        "Coefficients before the first round and after the last; the table has them in figures",
    )
    words = paragraph(
        f"On standardised features: a positive coefficient speaks for “{positive}”. Old is the model the server began "
        "with."
        if positive
        else "On standardised features. Old is the model the server began with."
    )
    figures = [(name, f"{first:+.3f}", f"→ {last:+.3f}") for name, (first, last) in pairs.items()]
    return words + plot.html() + table("Old → new coefficients", ("feature", "old", "new"), figures)


def _many_classes(words: dict[str, Any]) -> str:
    classes, names = list(words["coefficients"]), [*words["features"], "intercept"]
    values = {name: [*words["coefficients"][name].values(), words["intercept"][name]] for name in classes}
    traces = [
        go.Scatter(
            x=values[name], y=names, mode="markers", name=name, marker={"size": 10, "color": colour, "symbol": symbol}
        )
        for name, (colour, symbol) in zip(classes, CLASS_SIGNS, strict=False)
    ]
    plot = Plot(
        "coefficients",
        _drawn(traces, len(names)),
        "The last coefficients by feature and class; the table has them in figures",
    )
    rows = [(name, *(f"{values[one][place]:+.3f}" for one in classes)) for place, name in enumerate(names)]
    said = paragraph("On standardised features, one row of coefficients a class; every model begins at zero.")
    return said + plot.html() + table("The last coefficients: 0 → new", ("feature", *classes), rows)


def _without(words: dict[str, Any]) -> str:
    """Return what there is to say of a model that has no coefficients."""
    if "trees" in words:
        said = f"{words['trees']} boosted trees, each at most {words['depth']} deep (XGBoost)."
        splits = sorted(words["splits"].items(), key=lambda pair: -pair[1])
        return paragraph(said) + table("How often a feature splits a tree", ("feature", "splits"), splits)
    layers = [(name, str(units)) for name, units in words["layers"].items()]
    said = f"A network ({words['model']}): its weights are in model.npz, and say nothing one by one."
    return paragraph(said) + table("Layers", ("layer", "units"), layers)


def _drawn(traces: list[go.Scatter], rows: int) -> go.Figure:
    return drawn(
        traces,
        110 + 28 * rows,
        yaxis={"autorange": "reversed", "automargin": True, "type": "category"},
        xaxis={"title": "coefficient", "zeroline": True, "zerolinewidth": 2},
    )


def _in_words(run: SavedRun) -> dict[str, Any] | None:
    path = run.path / "model.json"
    if not path.is_file():
        return None
    document: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return document


def _name_of_one(run: SavedRun) -> str:
    words = _in_words(run)
    return next(iter(words["coefficients"]), "") if words else ""
