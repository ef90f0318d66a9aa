"""The page of a population: how its devices live by hour of the day, without learning."""

from collections.abc import Sequence

from plotly import graph_objects as go

from fleetbeat.hours import HOURS, KindHours
from fleetbeat.population import Population
from fleetbeat.report.html import count, paragraph, spoken, table
from fleetbeat.report.page import Section, page
from fleetbeat.report.plot import Plot, drawn

LINES = {
    "powered": ("#8a8f98", "solid", "circle"),
    "far_link_up": ("#0072b2", "dash", "square"),
    "worn": ("#cc79a7", "dot", "diamond"),
    "charging": ("#e69f00", "dashdot", "triangle-up"),
    "ready": ("#009e73", "solid", "star"),
}
REASONS = {
    "not_charging": ("#e69f00", "/"),
    "far_link_down": ("#56b4e9", "\\"),
    "metered": ("#0072b2", "-"),
    "in_use": ("#cc79a7", "|"),
    "low_battery": ("#d55e00", "x"),
    "powered_off": ("#8b4f2b", "+"),
    "asleep": ("#f0e442", "."),
    "too_little_data": ("#8a8f98", ""),
}
CLOCK = [f"{hour:02}:00" for hour in range(HOURS)]
TICKS = {
    "tickvals": list(range(0, HOURS + 1, 4)),
    "ticktext": [f"{hour:02}" for hour in range(0, HOURS + 1, 4)],
    "range": [-0.6, 23.6],
}


def population_page(population: Population) -> str:
    """Return the page as HTML."""
    fleet = population.fleet
    wearers = count(len({resident.wearer for resident in population.residents}), "wearer")
    lead = paragraph(
        f"{fleet.days:g} days of life from {fleet.start:%A} {fleet.start.day} {fleet.start:%B %Y}, "
        f"{fleet.start:%H:%M}, with nobody asking for "
        "training. Figures are shares of time by hour of the local day. One seed: an anecdote."
    )
    title = f"{wearers} and {count(len(population.residents), 'device')}, living without learning"
    sections = [Section("day", "A day of one device", overview(population.kinds)), *map(kind_section, population.kinds)]
    closing = f"Fleetbeat, fleet {fleet.name}, seed {fleet.seed}. In life.csv lies every interval of every device."
    return page(f"Fleetbeat · {fleet.name} · seed {fleet.seed}", title, lead, sections, closing)


def overview(kinds: Sequence[KindHours]) -> str:
    """Return what a day of one device of every kind is like, as a table."""
    rows = [
        (
            kind.kind,
            f"{kind.devices:,}",
            *(f"{kind.share(what):.0%}" for what in ("powered", "far_link_up", "worn", "charging")),
            f"{kind.share('ready'):.0%}" if kind.trains else "–",
            "–" if kind.days_between_charges is None else f"{kind.days_between_charges:.1f}",
            f"{kind.mb_a_day:.2f}",
            f"{kind.j_a_day:,.0f}",
        )
        for kind in kinds
    ]
    columns = (
        "kind",
        "devices",
        "on",
        "far link up",
        "worn",
        "charging",
        "ready",
        "days between charges",
        "MB streamed a day",
        "J a day",
    )
    return table("Shares of all time, and what a day takes", columns, rows)


def kind_section(kind: KindHours) -> Section:
    """Return the hours of one kind's day: what holds, its battery, why it is not ready."""
    name = kind.kind
    plots = [_conditions(kind), _battery(kind)]
    words = ""
    if kind.trains:
        reasons = ", ".join(f"{spoken(reason)} {share:.0%}" for reason, share in kind.why_not.items())
        words = paragraph(
            f"Ready to train {kind.share('ready'):.0%} of the time. Not ready, by the first reason: "
            f"{reasons or 'never'}."
        )
        if kind.why_not:
            plots.append(_reasons(kind))
    else:
        words = paragraph("It cannot train; it streams to its wearer's device that can.")
    return Section(
        f"kind-{name}", name.capitalize(), words + f'<div class="side">{"".join(plot.html() for plot in plots)}</div>'
    )


def _conditions(kind: KindHours) -> Plot:
    shown = {
        what: shares
        for what, shares in kind.by_hour.items()
        if (kind.trains or what != "ready") and (max(shares) > 0 or what != "worn")
    }
    traces = []
    for what, shares in shown.items():
        colour, dash, symbol = LINES[what]
        traces.append(
            go.Scatter(
                x=list(range(HOURS)),
                y=shares,
                name=spoken(what),
                mode="lines+markers",
                line={"color": colour, "dash": dash, "width": 2},
                marker={"size": 6, "symbol": symbol},
                text=CLOCK,
                hovertemplate=f"%{{text}}: %{{y:.0%}} {spoken(what)}<extra></extra>",
            )
        )
    told = ", ".join(f"{spoken(what)} {min(shares):.0%} to {max(shares):.0%}" for what, shares in shown.items())
    return Plot(f"day-{kind.kind}", _panel(traces, "Share of time"), f"By hour of the day: {told}")


def _battery(kind: KindHours) -> Plot:
    hours = [hour for hour in range(HOURS) if kind.battery["p50"][hour] is not None]
    low, middle, high = ([kind.battery[name][hour] for hour in hours] for name in ("p10", "p50", "p90"))
    edge = {"color": "rgba(0,114,178,0.5)", "width": 1, "dash": "dot"}
    traces = [
        go.Scatter(x=hours, y=low, name="10 % have less", mode="lines", line=edge),
        go.Scatter(
            x=hours,
            y=high,
            name="10 % have more",
            mode="lines",
            line=edge,
            fill="tonexty",
            fillcolor="rgba(0,114,178,0.15)",
        ),
        go.Scatter(x=hours, y=middle, name="median", mode="lines+markers", line={"color": "#0072b2", "width": 3}),
    ]
    known = [share for share in middle if share is not None]
    told = f"Median battery by hour: {min(known):.0%} to {max(known):.0%}" if known else "Battery by hour: not known"
    return Plot(f"battery-{kind.kind}", _panel(traces, "Battery at the full hour"), told)


def _reasons(kind: KindHours) -> Plot:
    traces = []
    for reason, shares in kind.why_not_by_hour.items():
        colour, pattern = REASONS.get(reason, ("#8a8f98", ""))
        traces.append(
            go.Bar(
                x=list(range(HOURS)),
                y=shares,
                name=spoken(reason),
                marker={
                    "color": colour,
                    "pattern": {"shape": pattern, "size": 6, "solidity": 0.2, "fgcolor": "rgba(0,0,0,0.5)"},
                },
                text=CLOCK,
                textposition="none",
                hovertemplate=f"%{{text}}: %{{y:.0%}} {spoken(reason)}<extra></extra>",
            )
        )
    figure = _panel(traces, "Not ready, and why", barmode="stack", bargap=0.1)
    return Plot(
        f"why-{kind.kind}", figure, "Why devices are not ready, by hour; the sentence above has the shares of the day"
    )


def _panel(traces: list[go.Scatter | go.Bar], title: str, **more: object) -> go.Figure:
    return drawn(
        traces,
        350,
        title={"text": title, "x": 0, "xref": "paper", "font": {"size": 15}},
        xaxis={"title": {"text": "hour of the local day", "font": {"size": 12}}, "zeroline": False} | TICKS,
        yaxis={"tickformat": ".0%", "range": [0, 1.02]},
        margin={"l": 48, "r": 10, "t": 40, "b": 110},
        legend={"orientation": "h", "x": 0, "xanchor": "left", "y": -0.24, "yanchor": "top", "font": {"size": 11}},
        **more,
    )
