"""The wall: the time of a live server, which lives on no loop but in one thread of Flower's.

Everything it waits for is given in seconds of life or of the wall; `broker.pace.Pace` converts, here and nowhere else.
"""

import threading
import time
from typing import Protocol

from broker.pace import Pace


class LiveTime(Protocol):
    """Life's time, as a live server sees it go by."""

    @property
    def pace(self) -> Pace:
        """How life goes by on the wall."""

    def now_s(self) -> float:
        """Return the seconds of life."""

    def rest(self, wall_s: float) -> None:
        """Wait for so many seconds of the wall."""


class Wall:
    """The wall's own clock; its date is asked once, then a monotonic clock counts: setting the date moves no life."""

    def __init__(self, pace: Pace, unix_s: float) -> None:
        """It is *unix_s* now."""
        self.pace = pace
        self._born_s = pace.life_s(unix_s)
        self._mark_s = time.monotonic()
        self._never = threading.Event()

    def now_s(self) -> float:
        """Return the seconds of life."""
        return self._born_s + (time.monotonic() - self._mark_s) * self.pace.speed

    def rest(self, wall_s: float) -> None:
        """Wait for so many seconds of the wall; a signal's handler may end that."""
        self._never.wait(max(0.0, wall_s))
