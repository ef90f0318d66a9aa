"""Scripted causes: a fleet's ``[[event]]`` lines, and what somebody types, laid over what habits made.

Who pulls the plug finds it pulled: an override of a column holds until its counter-event
(``unplug`` until ``plug``). The counter-event's own value then stands until the wearer's life
next changes that column, and habits go on. Switching off and crashing are not circumstances:
the agent gets them as commands.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

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

Obeyed: TypeAlias = Callable[[bool], None]
"""Told, once an order has been obeyed, whether anything is otherwise now."""


@dataclass(frozen=True, slots=True)
class _Hold:
    """A column forced to *value*; *until_not* (habit's word at a counter-event) lets habits take over again."""

    value: Value
    until_not: Value | None


class Overlaid(Iterator[Circumstances]):
    """The *lives* of one device with the overrides of its *script* applied from their moments on."""

    def __init__(self, lives: Iterable[Circumstances], script: Iterable[ScriptedEvent]) -> None:
        self._lives = iter(lives)
        self._turns = sorted((e for e in script if e.do in OVERRIDES), key=lambda e: e.at_s)
        self._holds: dict[str, _Hold] = {}
        self._usual = Circumstances(0.0, 0.0)
        self._rest: Circumstances | None = None  # what is still to be told of the usual life

    def __next__(self) -> Circumstances:
        if self._rest is None:
            self._usual = self._rest = next(self._lives)
            for column, hold in list(self._holds.items()):
                if hold.until_not is not None and getattr(self._usual, column) != hold.until_not:
                    del self._holds[column]
        rest = self._rest
        while self._turns and self._turns[0].at_s < rest.to_s:
            turn = self._turns[0]
            if turn.at_s > rest.from_s:
                self._rest = replace(rest, from_s=turn.at_s)
                return self._under(replace(rest, to_s=turn.at_s))
            del self._turns[0]
            self._hold(turn.do)
        self._rest = None
        return self._under(rest)

    def now(self, do: str, now_s: float, until_s: float) -> Circumstances:
        """Let *do*, one of `OVERRIDES`, happen at *now_s*; return how things stand from there to *until_s*."""
        self._hold(do)
        return self._under(replace(self._usual, from_s=now_s, to_s=until_s))

    def _hold(self, do: str) -> None:
        column, value = OVERRIDES[do]
        before = self._holds.get(column)
        counters = before is not None and before.until_not is None and before.value != value
        self._holds[column] = _Hold(value, getattr(self._usual, column) if counters else None)

    def _under(self, life: Circumstances) -> Circumstances:
        if not self._holds:
            return life
        return replace(life, **{column: hold.value for column, hold in self._holds.items()})  # type: ignore[arg-type]  # OVERRIDES names the fields of Circumstances


def commands(script: Iterable[ScriptedEvent]) -> list[tuple[float, str]]:
    """Return (moment, command) for the events that act on the device itself, in order."""
    return sorted((e.at_s, e.do) for e in script if e.do in COMMANDS)
