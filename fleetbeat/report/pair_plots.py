"""The pairs of a study as forest plots: every arm against every reference, thresholds drawn."""

from collections.abc import Mapping, Sequence

from plotly import graph_objects as go

from fleetbeat.report.colours import MAJORITY
from fleetbeat.report.html import listed
from fleetbeat.report.plot import Plot, drawn
from fleetbeat.report.study_looks import colours, limit_line, whiskers
from fleetbeat.study.bootstrap import Estimate
from fleetbeat.study.settings import Study
from fleetbeat.study.verdict import Verdict
from fleetbeat.study.wording import points


def forest(study: Study, verdict: Verdict) -> Sequence[Plot]:
    """Return the paired differences in balanced accuracy, one plot a reference, with the thresholds."""
    plots = []
    limits = {"central": -study.thresholds.gap_to_central, "local-only": study.thresholds.gain_over_local}
    for reference in verdict.figures:
        metric = "own_balanced_accuracy" if reference == "local-only" else "balanced_accuracy"
        known = {
            pair.arm: pair.difference for pair in verdict.pairs if (pair.reference, pair.metric) == (reference, metric)
        }
        if known:
            plots.append(_forest(reference, known, limits.get(reference), verdict))
    return plots


def _forest(reference: str, known: Mapping[str, Estimate], limit: float | None, verdict: Verdict) -> Plot:
    colour = colours(verdict)
    traces = [
        go.Scatter(
            x=[100 * difference.value],
            y=[arm],
            mode="markers",
            marker={"color": colour[arm], "size": 11 if arm == verdict.about else 9, "symbol": "square"},
            error_x=whiskers(difference, 100, colour[arm]),
            showlegend=False,
            hovertemplate=f"{arm}: %{{x:+.1f}} points<extra></extra>",
        )
        for arm, difference in known.items()
    ]
    shapes = [limit_line(x0=0, x1=0, y0=0, y1=1, yref="paper") | {"line": {"color": MAJORITY, "width": 1}}]
    if limit is not None:
        shapes.append(limit_line(x0=100 * limit, x1=100 * limit, y0=0, y1=1, yref="paper"))
    ends = [0.0, limit or 0.0]
    for difference in known.values():
        ends += [end for end in (difference.value, difference.low, difference.high) if end is not None]
    left, right = min(ends), max(ends)
    room = 0.06 * (right - left or 0.01)
    own = " (own nights)" if reference == "local-only" else ""
    figure = drawn(
        traces,
        95 + 30 * len(known),
        title={"text": f"against {reference}{own}", "x": 0, "xref": "paper", "font": {"size": 15}},
        xaxis={
            "title": "points of balanced accuracy",
            "range": [100 * (left - room), 100 * (right + room)],
            "zeroline": False,
        },
        yaxis={"autorange": "reversed", "automargin": True, "type": "category"},
        shapes=shapes,
        margin={"l": 10, "r": 15, "t": 40, "b": 45},
    )
    told = [f"{arm} {_told(difference)}" for arm, difference in known.items()]
    return Plot(f"pairs-{reference}", figure, f"Points of balanced accuracy more than {reference}{own}: {listed(told)}")


def _told(known: Estimate) -> str:
    if known.low is None or known.high is None:
        return points(known.value)
    return f"{points(known.value)} ({points(known.low)} to {points(known.high)})"
