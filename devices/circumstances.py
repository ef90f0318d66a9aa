"""What the wearer and the world do to a device, as intervals: all that reaches an agent from outside.

These are the exogenous columns of life.csv. Habits make them, a fleet's events overlay them; a
recorded life could bring them just as well. Battery, power and readiness follow from them and
from what the device itself does.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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


def tiled(
    from_s: float, to_s: float, usual: Mapping[str, Value], columns: Mapping[str, Iterable[Stretch]]
) -> list[Circumstances]:
    """Cut [from_s, to_s) wherever a column changes; outside its stretches a column has its usual value.

    Where stretches of one column overlap, the later one in the list wins.
    """
    stretches = {name: [s for s in column if s[1] > from_s and s[0] < to_s] for name, column in columns.items()}
    cuts = {from_s, to_s}
    for column in stretches.values():
        for start, end, _ in column:
            cuts.add(min(max(start, from_s), to_s))
            cuts.add(min(max(end, from_s), to_s))
    edges = sorted(cuts)
    lives = []
    for start, end in zip(edges, edges[1:], strict=False):
        values = dict(usual)
        for name, column in stretches.items():
            for opens, closes, value in column:
                if opens <= start < closes:
                    values[name] = value
        lives.append(Circumstances(start, end, **values))  # type: ignore[arg-type]  # usual and columns name the fields of one record
    return lives


def merged(lives: Iterable[Circumstances]) -> Iterator[Circumstances]:
    """Join neighbours that say the same, so that every interval is a change."""
    held: Circumstances | None = None
    for life in lives:
        if held is not None and replace(held, from_s=life.from_s, to_s=life.to_s) == life:
            held = replace(held, to_s=life.to_s)
            continue
        if held is not None:
            yield held
        held = life
    if held is not None:
        yield held


def worn_in(lives: Sequence[Circumstances]) -> Callable[[NDArray[np.float64]], NDArray[np.bool_]]:
    """Return a question about *lives* (which tile a stretch of life): was the device worn at each of these moments."""
    starts = np.array([life.from_s for life in lives])
    worn = np.array([life.worn for life in lives])

    def answer(moments: NDArray[np.float64]) -> NDArray[np.bool_]:
        places = np.clip(np.searchsorted(starts, moments, side="right") - 1, 0, None)
        found: NDArray[np.bool_] = worn[places]
        return found

    return answer
