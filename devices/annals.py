"""The annals: what one run told of bodies, days and nights, kept so that the next on the same days need not."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Generic, TypeVar

from devices.body import Body
from devices.buffer import Examples
from devices.circumstances import Circumstances
from devices.residents import residents
from devices.settings import Fleet

T = TypeVar("T")

MARGIN_DAYS = 4
"""Blocks begin at noon, and nights are looked for two days ahead."""

MOST_BLOCKS = 4_000
"""So many blocks of signals are kept at most (29 kB each); where runs have more, each tells its days by itself."""


class Told(Generic[T]):
    """Things by name, each for the conditions under which it was told."""

    def __init__(self) -> None:
        self._told: dict[Hashable, list[tuple[object, T]]] = {}

    def __call__(self, name: Hashable, under: object, tell: Callable[[], T]) -> T:
        """Return *name* as it was told under equal conditions, or *tell* it now."""
        entries = self._told.setdefault(name, [])
        for conditions, told in entries:
            if conditions == under:
                return told
        entries.append((under, tell()))
        return entries[-1][1]


class Annals:
    """Bodies, days and nights of one seed and start, whichever of its fleets asks: what is told is a pure function.

    Only runs in one process share them.
    """

    def __init__(self, blocks: int) -> None:
        """Bodies remember their signals for so many *blocks* of a day."""
        self.blocks = blocks
        self.bodies: Told[Body] = Told()
        self.days: Told[Sequence[Circumstances]] = Told()
        self.nights: Told[Sequence[tuple[int, Examples]]] = Told()


def annals_for(fleets: Iterable[Fleet]) -> Annals | None:
    """Return annals with room for *fleets*, which have seed, start and days in common; None if they are too large."""
    several = [*fleets]
    blocks = max(int(fleet.days) + fleet.learning.history_nights for fleet in several) + MARGIN_DAYS
    wearers: list[int] = []
    groups: list[object] = []
    for fleet in several:  # fleets of equal groups have the same wearers
        if fleet.group not in groups:
            groups.append(fleet.group)
            wearers.append(len({resident.wearer for resident in residents(fleet)}))
    return Annals(blocks) if sum(wearers) * blocks <= MOST_BLOCKS else None
