"""Where the energy went, and what learning cost a wearer a day."""

from plotly import graph_objects as go

from fleetbeat.price import Price, prices
from fleetbeat.report.html import count, paragraph, table
from fleetbeat.report.page import Section
from fleetbeat.report.plot import Plot, drawn
from fleetbeat.saved_run import SavedRun

CAUSES = (
    ("being on and in use", "idle_j", "#8a8f98", ""),
    ("sensing", "sensing_j", "#56b4e9", "."),
    ("radio", "radio_j", "#e69f00", "/"),
    ("training", "training_j", "#0072b2", "x"),
)
WASTED = "#d55e00"


def section(run: SavedRun) -> Section:
    """Return the shares of energy by kind, what was wasted, and the price of a day."""
    listed = prices(run)
    if not listed:
        return Section("price", "What it cost", paragraph("Nobody lived long enough to spend anything."))
    words = paragraph(
        "All energy that each kind drew, from battery or charger. Radio is sending and receiving models, and carrying "
        "readings to the "
        "device that learns. Energy on device-rounds that did not end delivered is wasted; it is part of training and "
        "radio, so it is shown apart."
    )
    columns = (
        "kind",
        "devices",
        "battery, minutes a day",
        "MB a day",
        "J for learning, all",
        "of it wasted",
        "J in all",
    )
    rows = [
        (
            price.kind,
            f"{price.devices:,}",
            f"{price.battery_min_a_day:.1f}",
            f"{price.mb_a_day:.2f}",
            f"{price.learning_j:,.0f}",
            f"{price.wasted_j:,.0f}",
            f"{price.life_j:,.0f}",
        )
        for price in listed
    ]
    figures = table(
        f"What learning cost one device, a day of the {listed[0].days:.1f} that were lived: minutes of its ordinary "
        "battery life, and megabytes over its far link",
        columns,
        rows,
    )
    return Section(
        "price",
        "What it cost",
        words + f'<div class="side">{_shares(listed).html()}{_waste(listed).html()}</div>' + figures,
    )


def _shares(listed: list[Price]) -> Plot:
    kinds = [price.kind for price in listed]
    traces = []
    for name, part, colour, pattern in CAUSES:
        values = [getattr(price, part) / price.life_j if price.life_j else 0.0 for price in listed]
        traces.append(
            go.Bar(
                y=kinds,
                x=values,
                name=name,
                orientation="h",
                marker={
                    "color": colour,
                    "pattern": {"shape": pattern, "size": 6, "solidity": 0.2, "fgcolor": "rgba(0,0,0,0.5)"},
                },
                text=[f"{value:.0%}" if value >= 0.06 else "" for value in values],
                textposition="inside",
                insidetextanchor="middle",
                hovertemplate=f"%{{y}}: %{{x:.2%}} {name}<extra></extra>",
            )
        )
    told = "; ".join(
        f"{price.kind}: "
        + ", ".join(f"{getattr(price, part) / (price.life_j or 1):.1%} {name}" for name, part, *_ in CAUSES)
        for price in listed
    )
    figure = drawn(
        traces, _height_px(listed), **_rows("share of all energy"), barmode="stack", legend_traceorder="normal"
    )
    return Plot("energy", figure, f"Shares of energy by cause and kind. {told}")


def _waste(listed: list[Price]) -> Plot:
    kinds = [price.kind for price in listed]
    values = [price.wasted_j / price.learning_j if price.learning_j else 0.0 for price in listed]
    trace = go.Bar(
        y=kinds,
        x=values,
        orientation="h",
        name="wasted",
        showlegend=True,
        marker={"color": WASTED, "pattern": {"shape": "\\", "size": 6, "solidity": 0.2, "fgcolor": "rgba(0,0,0,0.5)"}},
        text=[f"{value:.0%} · {price.wasted_j:,.0f} J" for value, price in zip(values, listed, strict=True)],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{x:.1%} wasted<extra></extra>",
    )
    told = ", ".join(f"{price.kind} {value:.0%}" for price, value in zip(listed, values, strict=True))
    axes = _rows("share of the energy for training and radio")
    axes["xaxis"] |= {"range": [0, max(1.35 * max(values), 0.1)]}
    return Plot(
        "wasted",
        drawn([trace], _height_px(listed), **axes),
        f"Wasted share of the energy for {count(len(listed), 'kind')}: {told}",
    )


def _rows(title: str) -> dict[str, dict[str, object]]:
    return {
        "xaxis": {"title": title, "tickformat": ".0%", "range": [0, 1], "nticks": 6},
        "yaxis": {"autorange": "reversed", "automargin": True},
        "margin": {"l": 90, "r": 20, "t": 40, "b": 50},
    }


def _height_px(listed: list[Price]) -> int:
    return 110 + 44 * len(listed)
