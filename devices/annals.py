"""The annals: what one run told of bodies, days and nights, kept so that the next on the same days need not."""

from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

from devices.body import Body
from devices.body.synthetic import KEPT_BLOCKS
from devices.buffer import Examples
from devices.circumstances import Circumstances
from devices.learning_table import Learning

T = TypeVar("T")

MARGIN_DAYS = 4
"""Blocks begin at noon, and nights are looked for two days ahead."""

MOST_BLOCKS = 2_000
"""So many blocks of signals (some 60 kB each) are kept at most; where a run has more, it makes them as it goes."""


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

    Only runs in one process share them. Days and nights are kept whole, so they are for few runs of few days.
    """

    def __init__(self, wearers: int, days: float, learning: Learning) -> None:
        """Room for the signals of so many *wearers*, whose run of so many *days* begins with nights of history."""
        self.bodies: Told[Body] = Told()
        self.days: Told[Sequence[Circumstances]] = Told()
        self.nights: Told[Sequence[tuple[int, Examples]]] = Told()
        blocks = int(days) + learning.history_nights + MARGIN_DAYS
        self.blocks = blocks if wearers * blocks <= MOST_BLOCKS else KEPT_BLOCKS
