"""A plot: a plotly figure with the sentence that stands for it where it cannot be seen."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt
from plotly import graph_objects as go
from plotly.io import to_json

FONT = "system-ui, -apple-system, Segoe UI, Roboto, Helvetica Neue, Arial, sans-serif"
DAY_S = 86_400.0
NIGHT_H = (22, 6)
NIGHTS_SHADED = 31


@dataclass(frozen=True)
class Plot:
    """*name* is unique on its page; *says* tells what the picture shows to who does not see it."""

    name: str
    figure: go.Figure
    says: str
    caption: str = ""

    def html(self) -> str:
        """Return the figure; `page.js` draws it."""
        height_px = int(self.figure.layout.height)
        # "</" inside a string would end the script
        document = str(to_json(self.figure, validate=False)).replace("</", "<\\/")
        caption = f"<figcaption>{escape(self.caption)}</figcaption>" if self.caption else ""
        return (
            f"<figure{' class=tall' if height_px > 900 else ''}>"
            f'<div id="plot-{self.name}" role="img" aria-label="{escape(self.says)}" '
            f'style="height:{height_px}px"></div>'
            f'{caption}<script type="application/json" data-plot="plot-{self.name}">{document}</script></figure>'
        )


def drawn(traces: Iterable[Any], height_px: int, **layout: Any) -> go.Figure:
    """Return a figure of ours: no background, room for what is in it, legend on top."""
    usual: dict[str, Any] = {
        "template": None,
        "height": height_px,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": 13},
        "margin": {"l": 60, "r": 20, "t": 40, "b": 45},
        "legend": {"orientation": "h", "x": 0, "xanchor": "left", "y": 1, "yanchor": "bottom"},
        "hoverlabel": {"font": {"family": FONT}},
    }
    return go.Figure(list(traces), go.Layout(usual | layout))


def moments(start: datetime, t_s: Sequence[float] | npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return seconds of life as a date axis takes them: local time in ms, as if it were UTC."""
    return start.replace(tzinfo=UTC).timestamp() * 1_000 + np.asarray(t_s, np.float64) * 1_000


def date_axis(start: datetime, from_s: float, to_s: float, **more: Any) -> dict[str, Any]:
    """Return an axis of local time over a stretch of life."""
    room_s = max(0.02 * (to_s - from_s), 60.0)
    return {
        "type": "date",
        "range": moments(start, [from_s - room_s, to_s + room_s]).tolist(),
        "tickformatstops": [
            {"dtickrange": [None, 43_200_000], "value": "%H:%M\n%a %-d %b"},
            {"dtickrange": [43_200_000, None], "value": "%a\n%-d %b"},
        ],
        "hoverformat": "%a %-d %b %H:%M",
    } | more


def nights(start: datetime, to_s: float) -> list[dict[str, Any]]:
    """Return a shade for every night of a run that is short enough for them to be seen."""
    if to_s > NIGHTS_SHADED * DAY_S:
        return []
    since_s = (start - start.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds()
    begin, end = NIGHT_H
    shades = []
    for day in range(-1, int((to_s + since_s) / DAY_S) + 1):
        from_s, until_s = day * DAY_S + begin * 3_600 - since_s, (day + 1) * DAY_S + end * 3_600 - since_s
        if until_s > 0 and from_s < to_s:
            x0, x1 = moments(start, [max(from_s, 0.0), min(until_s, to_s)]).tolist()
            shades.append(_shade(x0=x0, x1=x1, y0=0, y1=1, yref="paper"))
    return shades


def _shade(**where: Any) -> dict[str, Any]:
    return {"type": "rect", "layer": "below", "line": {"width": 0}, "fillcolor": "rgba(110,125,160,0.13)"} | where
