"""Membership: from when to when a device belongs to its fleet. Outside it lies in a drawer, switched off."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from devices.circumstances import Circumstances


@dataclass(frozen=True, slots=True)
class Membership:
    """A device joins at *from_s* and leaves at *to_s* (seconds of life)."""

    from_s: float = 0.0
    to_s: float = math.inf

    def lived(self, lives: Iterable[Circumstances]) -> Iterator[Circumstances]:
        """Yield *lives* cut where the device joins and leaves; in the drawer nothing happens to it."""
        for life in lives:
            if self.from_s <= life.from_s and life.to_s <= self.to_s:
                yield life
                continue
            turns = [edge for edge in (self.from_s, self.to_s) if life.from_s < edge < life.to_s]
            for from_s, to_s in pairwise([life.from_s, *turns, life.to_s]):
                inside = self.from_s <= from_s < self.to_s
                here = life if inside else Circumstances(from_s, to_s, near_link=False)
                yield replace(here, from_s=from_s, to_s=to_s)

    def commanded(self, commands: Iterable[tuple[float, str]]) -> list[tuple[float, str]]:
        """Return the *commands* to a device that is there, and those that its coming and going are."""
        there = [(at_s, do) for at_s, do in commands if self.from_s <= at_s < self.to_s]
        joins = [(0.0, "switch_off"), (self.from_s, "switch_on")] if self.from_s > 0 else []
        leaves = [(self.to_s, "switch_off")] if math.isfinite(self.to_s) else []
        return [*joins, *there, *leaves]


ALWAYS = Membership()
"""There from the first moment to the last."""
