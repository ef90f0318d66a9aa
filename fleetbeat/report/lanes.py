"""Swim lanes: each device's battery, charger, links, use and readiness, and what became of each of its selections."""

from typing import Any

import numpy as np
import numpy.typing as npt
from plotly import graph_objects as go

from aggregator.accounting import OUTCOMES, PHASES
from fleetbeat.report.colours import SIGNS
from fleetbeat.report.html import count, paragraph, spoken
from fleetbeat.report.lived import FloatArray, Life, shown_lives, with_gaps
from fleetbeat.report.page import Section
from fleetbeat.report.plot import Plot, date_axis, drawn, moments, nights
from fleetbeat.report.tracks import BARS, BATTERY_ROWS, FEW, GAP_ROWS, LANE_ROWS, TRACKS
from fleetbeat.saved_run import SavedRun


def section(run: SavedRun) -> Section:
    """Return the lanes of all devices, or of some forty of a larger fleet."""
    lives, devices = shown_lives(run)
    words = paragraph(
        "One lane a device. The thin line is its battery, from empty to full, and on it lies what became of each "
        "selection, when it was settled "
        "(large: training, small: evaluation; point at one for its reason, battery, link and local time). Bars below "
        "it, from top to bottom: "
        "power (on battery, charging, off), far link (how the server reaches it), near link (how readings reach the "
        "device that learns), "
        "in use, ready to train. Shaded: 22:00 to 06:00."
    )
    if len(lives) < devices:
        chosen = "those with the most different outcomes, then the most selections"
        words += paragraph(f"Shown are {len(lives)} of {count(devices, 'device')}: {chosen}. life.csv has all.", "note")
    if not any(life.lines for life in lives):
        return Section("lives", "Lives", words + paragraph("Nobody has lived yet."))
    return Section("lives", "Lives", words + _plot(run, lives).html())


def _plot(run: SavedRun, lives: list[Life]) -> Plot:
    base = {life.device: (len(lives) - 1 - place) * LANE_ROWS for place, life in enumerate(lives)}
    row_px = 14.0 if len(lives) <= FEW else 6.0
    traces = [*_bars(run, lives, base, row_px), _batteries(run, lives, base), *_markers(run, base)]
    rows = len(lives) * LANE_ROWS
    ticks = _ticks(lives, base)
    end_s = float(run.results["virtual_s"])
    figure = drawn(
        traces,
        round(rows * row_px) + 150,
        shapes=[*nights(run.start, end_s), *_stripes(lives, base)],
        xaxis=date_axis(run.start, 0.0, end_s, side="top", ticklabelposition="outside"),
        yaxis={
            "range": [-GAP_ROWS / 2, rows - GAP_ROWS / 2],
            "tickvals": [value for value, _ in ticks],
            "ticktext": [text for _, text in ticks],
            "fixedrange": True,
            "showgrid": False,
            "zeroline": False,
            "automargin": True,
        },
        # traces and titles share one legend below, so that the dates stay on top of the lanes
        legend={
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": 0,
            "yanchor": "top",
            "tracegroupgap": 0,
            "itemsizing": "constant",
        },
        margin={"l": 110, "r": 20, "t": 50, "b": 100},
        hovermode="closest",
    )
    whose = f"Lives of {count(len(lives), 'device')} over {end_s / 86_400:.1f} days"
    told = f"{whose}: bars of power, links, use and readiness"
    more = "and a marker for what became of each selection; the tables of rounds and of the account tell it in words"
    return Plot("lanes", figure, f"{told}, {more}")


def _bars(run: SavedRun, lives: list[Life], base: dict[str, float], row_px: float) -> list[go.Scatter]:
    traces = []
    for bar in BARS:
        x: list[FloatArray] = []
        y: list[npt.NDArray[np.float32]] = []
        for life in lives:
            if life.trains or not bar.trainers_only:
                pairs = list(life.stretches(bar.holds))
                x.append(moments(run.start, with_gaps(pairs)))
                y.append(np.full(3 * len(pairs), base[life.device] + len(TRACKS) - bar.track - 0.5, np.float32))
        if not any(len(part) for part in x):
            continue
        traces.append(
            go.Scatter(
                x=np.concatenate(x),
                y=np.concatenate(y),
                mode="lines",
                name=bar.name,
                line={"color": bar.colour, "width": min(row_px - 1.5, 10.0), "simplify": False},
                hoverinfo="skip",
            )
        )
    return traces


def _batteries(run: SavedRun, lives: list[Life], base: dict[str, float]) -> go.Scatter:
    x: list[Any] = []
    y: list[Any] = []
    for life in lives:
        t_s, shares = life.battery()
        x += [moments(run.start, t_s), [np.nan]]
        y += [_height(base[life.device], shares).astype(np.float32), [np.nan]]
    line = {"color": "#808a97", "width": 1.5, "simplify": False}
    return go.Scatter(
        x=np.concatenate(x), y=np.concatenate(y), mode="lines", name="battery", line=line, hoverinfo="skip"
    )


def _markers(run: SavedRun, base: dict[str, float]) -> list[go.Scatter]:
    lines = [line for line in run.table("outcomes.csv") if line["device"] in base]
    traces = []
    for outcome in OUTCOMES:
        sign = SIGNS[outcome]
        for phase, size in zip(PHASES, (11, 7), strict=True):
            own = [line for line in lines if (line["outcome"], line["phase"]) == (outcome, phase)]
            if not own:
                continue
            traces.append(
                go.Scatter(
                    x=moments(run.start, [float(line["t_end_s"]) for line in own]),
                    y=[float(_height(base[line["device"]], float(line["battery"] or 0))) for line in own],
                    mode="markers",
                    name=spoken(outcome) + (" (evaluate)" if phase == "evaluate" else ""),
                    marker={
                        "symbol": sign.symbol,
                        "color": sign.colour,
                        "size": size,
                        "line": {"width": 1, "color": "#1b2430"},
                    },
                    text=[_hover(line) for line in own],
                    hovertemplate="%{text}<extra></extra>",
                )
            )
    return traces


def _height(base: float, battery: Any) -> Any:
    return base + len(TRACKS) + 0.3 + (BATTERY_ROWS - 0.3) * battery


def _hover(line: dict[str, str]) -> str:
    reason = f": {spoken(line['reason'])}" if line["reason"] else ""
    battery = f"{float(line['battery']):.0%}" if line["battery"] else "not known"
    return (
        f"<b>{line['device']}</b>, round {line['round']}, {line['phase']}<br>{spoken(line['outcome'])}{reason}<br>"
        f"{line['local_time'].replace('T', ' ')}<br>battery {battery}, link {line['link'] or 'not known'}"
    )


def _ticks(lives: list[Life], base: dict[str, float]) -> list[tuple[float, str]]:
    if len(lives) > FEW:
        return [(base[life.device] + (LANE_ROWS - GAP_ROWS) / 2, life.device) for life in lives]
    ticks = []
    for life in lives:
        ticks.append((base[life.device] + len(TRACKS) + BATTERY_ROWS / 2, f"<b>{life.device}</b>"))
        names = TRACKS if life.trains else TRACKS[:-1]
        ticks += [(base[life.device] + len(TRACKS) - track - 0.5, name) for track, name in enumerate(names)]
    return ticks


def _stripes(lives: list[Life], base: dict[str, float]) -> list[dict[str, Any]]:
    """Shade every second lane, so that the eye finds its way from the name to the right end."""
    half = GAP_ROWS / 2
    return [
        {
            "type": "rect",
            "layer": "below",
            "xref": "paper",
            "x0": 0,
            "x1": 1,
            "y0": base[life.device] - half,
            "y1": base[life.device] + LANE_ROWS - half,
            "line": {"width": 0},
            "fillcolor": "rgba(128,128,128,0.07)",
        }
        for life in lives[::2]
    ]
