"""Scripted causes: a fleet's ``[[event]]`` lines laid over what habits made.

Who pulls the plug finds it pulled: an override of a column holds until its counter-event
(``unplug`` until ``plug``). The counter-event's own value then stands until the wearer's life
next changes that column, and habits go on. Switching off and crashing are not circumstances:
the agent gets them as commands.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from devices.circumstances import Circumstances, Value
from devices.settings import ScriptedEvent

OVERRIDES: dict[str, tuple[str, Value]] = {
    "plug": ("charging", True),
    "unplug": ("charging", False),
    "pick_up": ("in_use", True),
    "put_down": ("in_use", False),
    "put_on": ("worn", True),
    "take_off": ("worn", False),
    "near_link_on": ("near_link", True),
    "near_link_off": ("near_link", False),
    "far_link_on": ("far_link", "wifi"),
    "far_link_off": ("far_link", "none"),
}
COMMANDS = ("crash", "switch_off", "switch_on")


@dataclass(frozen=True, slots=True)
class _Hold:
    """A column forced to *value*; *until_not* (habit's word at a counter-event) lets habits take over again."""

    value: Value
    until_not: Value | None


def overlaid(lives: Iterable[Circumstances], script: Iterable[ScriptedEvent]) -> Iterator[Circumstances]:
    """Yield *lives* with the overrides of one device's *script* applied from their moments on."""
    turns = sorted((e for e in script if e.do in OVERRIDES), key=lambda e: e.at_s)
    holds: dict[str, _Hold] = {}
    for life in lives:
        for column, hold in list(holds.items()):
            if hold.until_not is not None and getattr(life, column) != hold.until_not:
                del holds[column]
        rest = life
        while turns and turns[0].at_s < rest.to_s:
            turn = turns.pop(0)
            column, value = OVERRIDES[turn.do]
            if turn.at_s > rest.from_s:
                yield _under(holds, replace(rest, to_s=turn.at_s))
                rest = replace(rest, from_s=turn.at_s)
            counters = column in holds and holds[column].until_not is None and holds[column].value != value
            holds[column] = _Hold(value, getattr(life, column) if counters else None)
        yield _under(holds, rest)


def commands(script: Iterable[ScriptedEvent]) -> list[tuple[float, str]]:
    """Return (moment, command) for the events that act on the device itself, in order."""
    return sorted((e.at_s, e.do) for e in script if e.do in COMMANDS)


def _under(holds: dict[str, _Hold], life: Circumstances) -> Circumstances:
    if not holds:
        return life
    return replace(life, **{column: hold.value for column, hold in holds.items()})  # type: ignore[arg-type]  # OVERRIDES names the fields of Circumstances
