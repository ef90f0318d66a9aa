"""Foresight: parts of lives that somebody else told ahead of time.

Lives are pure functions of seed and fleet file: what was told is what would be made here, so nobody needs to wait for
it, and it makes no difference but in time.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

PAST = "past"
"""The nights of a trainer before life began, as `devices.lives.Lives.past` returns them; their number is 0."""
DAY = "day"
"""A device's day of life: the circumstances that tile it."""
PLAN = "plan"
"""A wearer's plan of a block from noon to noon."""
SIGNALS = "signals"
"""What sensors would show of a wearer in such a block."""

Key: TypeAlias = tuple[str, str, int]
"""What is told, of whom (the name of a device or a wearer), and the number of the day or block."""

Foresight: TypeAlias = Callable[[str, str, int], Any]
"""Returns what was told under such a key, once; None: nobody told it in time, make it."""


def blind(_what: str, _whose: str, _number: int) -> None:
    """Nobody tells anything ahead of time."""
