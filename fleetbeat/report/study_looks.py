"""How arms, thresholds and intervals look in every plot of a study."""

from typing import Any

from fleetbeat.report.colours import ALONE, CENTRAL, GLOBAL, MAJORITY
from fleetbeat.study.bootstrap import Estimate
from fleetbeat.study.verdict import Verdict

_OTHERS = ("#cc79a7", "#e69f00", "#56b4e9", "#8b4f2b", "#7a5fb5", "#6b8e23")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
SYMBOLS = (
    "circle",
    "square",
    "diamond",
    "triangle-up",
    "triangle-down",
    "cross",
    "x",
    "star",
    "hourglass",
    "pentagon",
    "bowtie",
)
"""Their number shares no factor with that of the colours: hardly two of many arms look alike."""
_LIMIT = {"color": "#d55e00", "width": 2, "dash": "dash"}
BELOW = {"orientation": "h", "x": 0, "xanchor": "left", "y": -0.2, "yanchor": "top", "font": {"size": 12}}


def colours(verdict: Verdict) -> dict[str, str]:
    """Return a colour for every arm: the one in question blue, as a global model is in every report."""
    known = {"central": CENTRAL, "local-only": ALONE, "no-training": MAJORITY} | {verdict.about: GLOBAL}
    others = (arm for arm in verdict.figures if arm not in known)
    return known | {arm: _OTHERS[place % len(_OTHERS)] for place, arm in enumerate(others)}


def whiskers(known: Estimate, scale: float, colour: str) -> dict[str, Any]:
    """Return the 95 % interval of *known* as error bars."""
    if known.low is None or known.high is None:
        return {"visible": False}
    up, down = scale * (known.high - known.value), scale * (known.value - known.low)
    return {"type": "data", "symmetric": False, "array": [up], "arrayminus": [down], "color": colour, "thickness": 2}


def limit_line(**where: Any) -> dict[str, Any]:
    """Return the line of a threshold."""
    return {"type": "line", "layer": "below", "line": _LIMIT} | where


def label(text: str, **where: Any) -> dict[str, Any]:
    """Return a word on a plot."""
    return {"text": text, "showarrow": False, "font": {"size": 12}} | where


def faint(colour: str) -> str:
    """Return *colour* as a band has it that lies over others."""
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.16)"
