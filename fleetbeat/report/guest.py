"""A guest's learning, by its own metrics: nobody here knows what they mean, so each has a plot of its own."""

from collections.abc import Mapping
from datetime import timedelta

from plotly import graph_objects as go

from fleetbeat.apps.metrics import own_metrics
from fleetbeat.report.colours import GLOBAL
from fleetbeat.report.html import count, details, paragraph, share, table
from fleetbeat.report.page import Section
from fleetbeat.report.plot import Plot, drawn
from fleetbeat.saved_run import SavedRun

PLOTS_SHOWN = 6
TITLE = "How well it learned, by its own metrics"


def section(run: SavedRun) -> Section:
    """Return a plot of each of the first metrics over rounds, and a table of all."""
    metrics = own_metrics(run.results)
    if not metrics:
        words = "The app told no metric that is a number, or no round came to an end, so there is no curve to draw."
        return Section("curve", TITLE, paragraph(words))
    words = paragraph(
        "As the app's own server, its clients in evaluation, or its clients in training told them; Fleetbeat judges no "
        "model but its own, and has no baseline beside it."
    )
    plots = "".join(_plot(name, values).html() for name, values in list(metrics.items())[:PLOTS_SHOWN])
    numbers = sorted({number for values in metrics.values() for number in values})
    ends = {int(line["round"]): float(line["t_end_s"] or line["t_start_s"]) for line in run.table("rounds.csv")}
    rows = [
        (
            number,
            f"{run.start + timedelta(seconds=int(ends.get(number, 0.0))):%a %H:%M}",
            *(share(values.get(number)) for values in metrics.values()),
        )
        for number in numbers
    ]
    figures = table("By round", ("round", "ended", *metrics), rows, words=(0, 1))
    told = details(f"The same in figures: {count(len(rows), 'round')}", figures)
    return Section("curve", TITLE, f'{words}<div class="side">{plots}</div>{told}')


def _plot(name: str, values: Mapping[int, float]) -> Plot:
    rounds, heights = list(values), list(values.values())
    trace = go.Scatter(
        x=rounds, y=heights, mode="lines+markers", line={"color": GLOBAL, "width": 3}, marker={"size": 8}
    )
    drawing = drawn(
        [trace],
        300,
        title={"text": name, "x": 0, "xref": "paper", "font": {"size": 15}},
        xaxis={"title": "round", "dtick": 1 if len(rounds) <= 30 else None},
        margin={"l": 55, "r": 10, "t": 40, "b": 50},
    )
    key = "".join(letter if letter.isalnum() else "-" for letter in name)
    return Plot(f"own-{key}", drawing, f"{name}: {heights[0]:.3g} at first, {heights[-1]:.3g} at the end")
