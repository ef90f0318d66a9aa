"""The tracks of a swim lane: which bars lie in which, in what colour, and how much room a lane takes."""

from collections.abc import Callable
from dataclasses import dataclass

from fleetbeat.report.lived import CHARGING, FAR, IN_USE, NEAR, POWER, READY


@dataclass(frozen=True, slots=True)
class Bar:
    """One colour of a lane: in which track it lies (0 is the topmost), and when it is there."""

    name: str
    track: int
    colour: str
    holds: Callable[[list[str]], bool]
    trainers_only: bool = False


BARS = (
    Bar("on battery", 0, "#a5adb8", lambda line: line[POWER] == "true" and line[CHARGING] == "false"),
    Bar("charging", 0, "#2a9d6f", lambda line: line[CHARGING] == "true"),
    Bar("off", 0, "#c23b22", lambda line: line[POWER] == "false" and line[CHARGING] == "false"),
    Bar("Wi-Fi", 1, "#3a78b5", lambda line: line[FAR] == "wifi"),
    Bar("mobile network", 1, "#9cc7ec", lambda line: line[FAR] == "mobile"),
    Bar("near link", 2, "#9a86c9", lambda line: line[NEAR] == "true"),
    Bar("in use", 3, "#d9a032", lambda line: line[IN_USE] == "true"),
    Bar("ready to train", 4, "#4caf50", lambda line: line[READY] == "true", trainers_only=True),
)
TRACKS = ("power", "far link", "near link", "in use", "ready")
FEW = 8
"""So many devices leave room to name every track."""
BATTERY_ROWS = 4.0
GAP_ROWS = 2.0
LANE_ROWS = BATTERY_ROWS + len(TRACKS) + GAP_ROWS
