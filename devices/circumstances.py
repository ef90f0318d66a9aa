"""What the wearer and the world do to a device, as intervals: all that reaches an agent from outside.

These are the exogenous columns of life.csv. Habits make them, a fleet's events overlay them; a
recorded life could bring them just as well. Battery, power and readiness follow from them and
from what the device itself does.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Value: TypeAlias = bool | str
Stretch: TypeAlias = tuple[float, float, Value]
"""From, to, and the value that a column has in between."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """How things stand around one device from *from_s* to *to_s* (seconds of life)."""

    from_s: float
    to_s: float
    charging: bool = False
    near_link: bool = True
    far_link: str = "none"
    place: str = "home"
    worn: bool = False
    in_use: bool = False

    @property
    def metered(self) -> bool:
        """Whether bytes over the far link cost money: mobile networks do."""
        return self.far_link == "mobile"


COLUMNS = ("charging", "near_link", "far_link", "place", "worn", "in_use")
said = attrgetter(*COLUMNS)


def tiled(
    from_s: float, to_s: float, usual: Mapping[str, Value], columns: Mapping[str, Iterable[Stretch]]
) -> list[Circumstances]:
    """Cut [from_s, to_s) wherever a column changes; outside its stretches a column has its usual value.

    Where stretches of one column overlap, the later one in the list wins.
    """
    clipped = {
        name: [
            (max(start, from_s), min(end, to_s), value) for start, end, value in column if end > from_s and start < to_s
        ]
        for name, column in columns.items()
    }
    edges = sorted({from_s, to_s}.union(*({edge for s in column for edge in s[:2]} for column in clipped.values())))
    place = {edge: number for number, edge in enumerate(edges)}
    pieces = len(edges) - 1
    told: dict[str, list[Value]] = {name: [value] * pieces for name, value in usual.items()}
    for name, column in clipped.items():
        values = told.setdefault(name, [False] * pieces)
        for start, end, value in column:
            first, last = place[start], place[end]
            values[first:last] = [value] * (last - first)
    names = list(told)
    return [
        Circumstances(start, end, **dict(zip(names, values, strict=True)))
        for start, end, values in zip(edges, edges[1:], zip(*told.values(), strict=True), strict=False)
    ]


def merged(lives: Iterable[Circumstances]) -> Iterator[Circumstances]:
    """Join neighbours that say the same, so that every interval is a change."""
    held: Circumstances | None = None
    until_s = 0.0
    for life in lives:
        if held is not None and said(held) == said(life):
            until_s = life.to_s
            continue
        if held is not None:
            yield held if held.to_s == until_s else replace(held, to_s=until_s)
        held, until_s = life, life.to_s
    if held is not None:
        yield replace(held, to_s=until_s)


def sessions_in(life: Iterable[Circumstances]) -> list[tuple[float, float]]:
    """Return when a worn device was in use: its wearer's sport."""
    return [(told.from_s, told.to_s) for told in life if told.worn and told.in_use]


def worn_in(lives: Sequence[Sequence[Circumstances]]) -> Callable[[NDArray[np.float64]], NDArray[np.bool_]]:
    """Return a question about the *lives* of a wearer's devices: was any of them worn at each of these moments."""
    known = [(np.array([life.from_s for life in one]), np.array([life.worn for life in one])) for one in lives]

    def answer(moments: NDArray[np.float64]) -> NDArray[np.bool_]:
        found = np.zeros(len(moments), bool)
        for starts, worn in known:
            found |= worn[np.clip(np.searchsorted(starts, moments, side="right") - 1, 0, None)]
        return found

    return answer
