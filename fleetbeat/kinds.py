"""The kinds of device, to be looked at: a table of all, or every figure of one with its source."""

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from devices.kinds import Kind, kind_named, kinds

STATUS = "verified: read in its source · derived: computed from what was read · assumed: stands in for a figure"
COLOURS = {"verified": "green", "assumed": "yellow"}


def catalogue(name: str | None = None) -> list[dict[str, Any]]:
    """Return every kind, or the one called *name*, as a JSON object with ``kind`` and ``figures``.

    Raises SettingsError for a kind that is not there.
    """
    return [kind.model_dump(mode="json") for kind in _chosen(name)]


def words(name: str | None = None) -> RenderableType:
    """Return a table of all kinds, or of all figures of the kind called *name*."""
    return _overview(_chosen(None)) if name is None else _figures(kind_named(name))


def _chosen(name: str | None) -> list[Kind]:
    return list(kinds().values()) if name is None else [kind_named(name)]


def _overview(every: list[Kind]) -> RenderableType:
    table = Table(box=None, pad_edge=False)
    table.add_column("kind")
    for column in ("measures", "learns", "battery", "draws at rest", "lasts", "speed"):
        table.add_column(column, justify="left" if column == "measures" else "right")
    for kind in every:
        rest_mw = kind.idle_mw + kind.sensing_mw
        table.add_row(
            kind.kind,
            ", ".join(channel.replace("_", " ") for channel in kind.senses) or "–",
            "yes" if kind.trains else "no",
            f"{kind.capacity_wh:g} Wh",
            f"{rest_mw:g} mW",
            f"{kind.capacity_wh * 1_000 / rest_mw / 24:.1f} days",
            f"{kind.gflops:g} GFLOP/s" if kind.trains else "–",
        )
    return Group(table, Text("Every figure with its source: fleetbeat kinds KIND", style="dim"))


def _figures(kind: Kind) -> RenderableType:
    table = Table(title=f"{kind.kind}: {kind.title}", title_justify="left", box=None, pad_edge=False)
    for column in ("figure", "value", "unit", "status", "source"):
        table.add_column(column, justify="right" if column == "value" else "left", overflow="fold")
    for figure in kind.figures:
        value = str(figure.value).lower() if isinstance(figure.value, bool | str) else f"{figure.value:g}"
        table.add_row(
            figure.name, value, figure.unit, Text(figure.status, style=COLOURS.get(figure.status, "")), figure.source
        )
    often = {channel: f" ({every_s:g} s during sport)" for channel, every_s in kind.senses_in_session.items()}
    senses = ", ".join(f"{name} every {every_s:g} s{often.get(name, '')}" for name, every_s in kind.senses.items())
    facts = Text(f"measures {senses or 'nothing'} · charged by habit: {kind.charging_habit} · carried: {kind.carry}")
    return Group(table, facts, Text(STATUS, style="dim"))
