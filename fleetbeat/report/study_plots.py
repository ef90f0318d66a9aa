"""The plots of a study: the gap over time, what became of selections, price against worth, fairness."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from plotly import graph_objects as go

from aggregator.accounting import OUTCOMES
from fleetbeat.report.colours import MAJORITY, SIGNS
from fleetbeat.report.html import listed, spoken
from fleetbeat.report.plot import DAY_S, Plot, drawn
from fleetbeat.report.study_looks import BELOW, DASHES, SYMBOLS, colours, faint, label, limit_line, whiskers
from fleetbeat.study.bootstrap import FloatArray, interval, sums_of
from fleetbeat.study.cell import Cell
from fleetbeat.study.comparison import Comparison
from fleetbeat.study.settings import Study
from fleetbeat.study.verdict import Verdict
from fleetbeat.study.wording import percent, points


def gap_over_time(study: Study, comparison: Comparison, verdict: Verdict) -> Plot | None:
    """Return how far behind the seed's central model each arm was, mean over seeds.

    Only the arm that the verdict is about has its 95 % band: six bands on one another hide what they are about.
    """
    runs = {arm: _gaps(arm, comparison) for arm in verdict.figures}
    runs = {arm: known for arm, known in runs.items() if known}
    if not runs:
        return None
    end_s = max(t_s[-1] for known in runs.values() for t_s, _ in known)
    colour = colours(verdict)
    traces: list[Any] = []
    ends, highest, lowest = [], 0.0, -0.05
    banded = len(runs.get(verdict.about, ())) > 1
    for place, (arm, known) in enumerate(runs.items()):
        # a model stays what it is until the next round, and after the last one
        moments_s = np.unique(np.concatenate([*(t_s for t_s, _ in known), [end_s]]))
        values = np.array([gap[np.searchsorted(t_s, moments_s, side="right") - 1] for t_s, gap in known])
        mean, low, high = (np.repeat(end, 2)[:-1] for end in _band(values))
        days = np.repeat(moments_s, 2)[1:] / DAY_S
        highest, lowest = max(highest, float(mean.max())), min(lowest, 1.2 * float(mean.min()))
        if banded and arm == verdict.about:
            band = {"x": [*days, *days[::-1]], "y": [*(100 * high), *(100 * low[::-1])], "mode": "lines"}
            fill = {"fill": "toself", "fillcolor": faint(colour[arm]), "line": {"width": 0}}
            traces.append(go.Scatter(**band, **fill, hoverinfo="skip", showlegend=False, legendgroup=arm))
        line = {"color": colour[arm], "width": 3 if arm == verdict.about else 2, "dash": DASHES[place % len(DASHES)]}
        traces.append(
            go.Scatter(
                x=days,
                y=100 * mean,
                name=arm,
                legendgroup=arm,
                mode="lines",
                line=line,
                hovertemplate=f"{arm}: %{{y:.1f}} points behind<br>day %{{x:.1f}}<extra></extra>",
            )
        )
        ends.append(f"{arm} {points(float(mean[-1]))}")
    limit = 100 * study.thresholds.gap_to_central
    figure = drawn(
        traces,
        420,
        xaxis={"title": "days since the start", "rangemode": "tozero", "zeroline": False},
        yaxis={
            "title": "points behind central",
            "range": [100 * lowest, max(1.5 * limit, min(55, 108 * highest))],
            "zeroline": True,
        },
        shapes=[limit_line(y0=limit, y1=limit, x0=0, x1=1, xref="paper")],
        annotations=[label("allowed", x=0, xref="paper", xanchor="left", y=limit, yanchor="bottom")],
        legend=BELOW,
        margin={"l": 55, "r": 15, "t": 15, "b": 90},
    )
    says = (
        f"Points of balanced accuracy behind central over time, by arm; {points(limit / 100)} are allowed. At the end: "
    )
    told = f", and the 95 % interval of “{verdict.about}”" if banded else ""
    caption = f"Mean over seeds{told}; below the dashed line is close enough, below 0 better than central."
    return Plot("gap", figure, says + listed(ends), caption)


def outcome_bars(verdict: Verdict) -> Plot | None:
    """Return what became of the selections of each arm, as shares."""
    arms = [arm for arm, figures in verdict.figures.items() if figures.outcomes]
    occurred = [
        outcome for outcome in OUTCOMES if any(verdict.figures[arm].outcomes[outcome].value > 0 for arm in arms if arms)
    ]
    if not occurred:
        return None
    traces = []
    for outcome in occurred:
        sign = SIGNS[outcome]
        values = [100 * verdict.figures[arm].outcomes[outcome].value for arm in arms]
        traces.append(
            go.Bar(
                x=values,
                y=arms,
                orientation="h",
                name=spoken(outcome),
                marker={
                    "color": sign.colour,
                    "pattern": {"shape": sign.pattern, "size": 6, "solidity": 0.2, "fgcolor": "rgba(0,0,0,0.55)"},
                },
                text=[f"{value:.0f} %" if value >= 8 else "" for value in values],
                textposition="inside",
                insidetextanchor="middle",
                textangle=0,
                hovertemplate=f"%{{y}}: %{{x:.1f}} % {spoken(outcome)}<extra></extra>",
            )
        )
    figure = drawn(
        traces,
        130 + 44 * len(arms),
        barmode="stack",
        bargap=0.3,
        xaxis={"title": "share of selections, %", "range": [0, 100], "zeroline": False},
        yaxis={"autorange": "reversed", "automargin": True},
        legend={"orientation": "h", "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom", "traceorder": "normal"},
        margin={"l": 10, "r": 15, "t": 50, "b": 45},
    )
    told = [f"{arm} {percent(verdict.figures[arm].outcomes['delivered'].value)}" for arm in arms]
    return Plot("outcomes", figure, f"Outcomes of all selections by arm, stacked bars. Delivered: {listed(told)}")


def price_against_worth(study: Study, verdict: Verdict) -> Plot | None:
    """Return the share of a battery day of the kind that gives most, against balanced accuracy."""
    colour = colours(verdict)
    traces, told = [], []
    dearest = study.thresholds.battery_day_share
    # one yardstick for all: strangers, or own nights where nobody was judged on strangers
    own = all(figures.balanced_accuracy is None for figures in verdict.figures.values())
    worth = {
        arm: figures.own_balanced_accuracy if own else figures.balanced_accuracy
        for arm, figures in verdict.figures.items()
    }
    for place, (arm, figures) in enumerate(verdict.figures.items()):
        reached, kind = worth[arm], figures.worst_kind
        if reached is None or kind is None:
            continue
        cost = figures.kinds[kind].battery_day_share
        dearest = max(dearest, cost.value if cost.high is None else cost.high)
        marker = {"color": colour[arm], "symbol": SYMBOLS[place % len(SYMBOLS)], "size": 13}
        traces.append(
            go.Scatter(
                x=[100 * cost.value],
                y=[reached.value],
                name=arm,
                mode="markers",
                marker=marker | {"line": {"width": 1, "color": "rgba(255,255,255,0.7)"}},
                error_x=whiskers(cost, 100, colour[arm]),
                error_y=whiskers(reached, 1, colour[arm]),
                hovertemplate=f"{arm}: %{{y:.3f}} for %{{x:.1f}} % of a {kind}'s battery day<extra></extra>",
            )
        )
        told.append(f"{arm} {reached.value:.3f} for {percent(cost.value)} of a {kind}'s day")
    if not traces:
        return None
    limit = 100 * study.thresholds.battery_day_share
    # lines are named below the plot: a word beside its line would lie on markers, or on the next line's word
    shapes = [limit_line(x0=limit, x1=limit, y0=0, y1=1, yref="paper", name="allowed", showlegend=True)]
    for reference, name, dash in (
        ("central", "one model of all data", "dot"),
        ("local-only", "each device alone", "dashdot"),
    ):
        level = worth.get(reference)
        if level is not None:
            named = {"name": name, "showlegend": True, "line": {"color": colour[reference], "width": 2, "dash": dash}}
            shapes.append(limit_line(y0=level.value, y1=level.value, x0=0, x1=1, xref="paper") | named)
    figure = drawn(
        traces,
        430,
        xaxis={"title": "share of a battery day, %", "range": [-5 * dearest, 108 * dearest], "zeroline": False},
        yaxis={
            "title": f"balanced accuracy, {'own nights' if own else 'strangers'}",
            "tickformat": ".3~f",
            "automargin": True,
        },
        shapes=shapes,
        legend=BELOW,
        margin={"l": 55, "r": 15, "t": 20, "b": 90},
    )
    caption = "Each arm's costliest kind of device, with 95 % intervals. Up and to the left is better."
    return Plot("price", figure, f"Battery cost against balanced accuracy: {listed(told)}", caption)


def fairness(comparison: Comparison, verdict: Verdict) -> Plot | None:
    """Return the Lorenz curves of deliveries: how much of what was delivered came from how many devices."""
    colour = colours(verdict)
    traces: list[Any] = []
    told = []
    for place, (arm, figures) in enumerate(verdict.figures.items()):
        counts = [
            sorted(cell.lived.delivered.values())
            for cell in comparison.cells.get(arm, {}).values()
            if cell.lived is not None and any(cell.lived.delivered.values())
        ]
        if not counts or figures.gini is None:
            continue
        share = np.linspace(0, 1, 51)
        curves = [np.interp(share, np.linspace(0, 1, len(one) + 1), [0, *np.cumsum(one) / sum(one)]) for one in counts]
        line = {"color": colour[arm], "width": 3 if arm == verdict.about else 2, "dash": DASHES[place % len(DASHES)]}
        traces.append(
            go.Scatter(
                x=100 * share,
                y=100 * np.mean(curves, axis=0),
                name=f"{arm} (Gini {figures.gini.value:.2f})",
                mode="lines",
                line=line,
                hovertemplate=f"{arm}: %{{x:.0f}} % of devices sent %{{y:.0f}} % of updates<extra></extra>",
            )
        )
        told.append(f"{arm} {figures.gini.value:.2f}")
    if not traces:
        return None
    equal = {"color": MAJORITY, "width": 1.5, "dash": "dot"}
    traces.insert(0, go.Scatter(x=[0, 100], y=[0, 100], name="all alike", mode="lines", line=equal, hoverinfo="skip"))
    figure = drawn(
        traces,
        430,
        xaxis={"title": "% of devices, least active first", "range": [0, 100], "zeroline": False},
        yaxis={"title": "% of delivered updates", "range": [0, 101], "zeroline": False},
        legend=BELOW,
        margin={"l": 55, "r": 15, "t": 20, "b": 90},
    )
    caption = "Mean over seeds. The more a curve sags, the fewer devices the model was learned from."
    return Plot("fairness", figure, f"Lorenz curves of deliveries; Gini: {listed(told)}", caption)


def _gaps(arm: str, comparison: Comparison) -> list[tuple[FloatArray, FloatArray]]:
    """Return moments and gaps to central of each seed of *arm*."""
    gaps = []
    for seed, cell in comparison.cells.get(arm, {}).items():
        goal = _central(comparison.neighbours(seed))
        known = [(one.t_s, goal - one.balanced_accuracy) for one in cell.curve if one.balanced_accuracy is not None]
        if goal == goal and known:
            gaps.append((np.array([0.0, *(t_s for t_s, _ in known)]), np.array([known[0][1], *(g for _, g in known)])))
    return gaps


def _central(neighbours: Mapping[str, Cell]) -> float:
    central = neighbours.get("central")
    goal = None if central is None or central.strangers is None else central.strangers.figures.get("balanced_accuracy")
    return float("nan") if goal is None else goal


def _band(values: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    seeds = len(values)
    mean: FloatArray = values.mean(axis=0)
    return mean, *interval(mean, sums_of([row[None] for row in values]).draws / seeds, seeds)
