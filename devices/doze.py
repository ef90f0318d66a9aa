"""Doze: an unplugged device that nobody uses or moves has its network only in windows, and these come ever rarer.

Android's rule (AOSP, ``DeviceIdleController``): after half an hour without use and half an hour without motion comes a
rest, then a maintenance window, then a rest twice as long, and so on until the longest. Use, motion or a charger end
it. A window is taken to last as long as it may: Android ends it early where no work is pending (assumed). An app that
its wearer exempted from battery optimisation keeps its network.
"""

import math
from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict, Field

from devices.circumstances import Circumstances

LIES_AT = ("home", "work")
"""Where a phone that is not in use lies on a table; on the way and out it is carried, and moves (assumed)."""

GROWS = 2.0
"""How much longer than the one before the next rest is, and the next window (idle_factor, idle_pending_factor)."""


class Doze(BaseModel):
    """An operating system's figures, in seconds, and whether the app that trains is *exempt* from them."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    exempt: bool
    after_s: float = Field(ge=60, le=86_400)
    rest_s: float = Field(ge=60, le=86_400)
    longest_rest_s: float = Field(ge=60, le=86_400)
    window_s: float = Field(ge=10, le=86_400)
    longest_window_s: float = Field(ge=10, le=86_400)

    def turns(self, since_s: float) -> Iterator[float]:
        """Yield when a device left alone since *since_s* loses its network, and when it has it again, in turns."""
        moment_s, rest_s, window_s = since_s + self.after_s, self.rest_s, self.window_s
        while True:
            yield moment_s
            moment_s += min(rest_s, self.longest_rest_s)
            yield moment_s
            moment_s += min(window_s, self.longest_window_s)
            rest_s, window_s = GROWS * rest_s, GROWS * window_s


class Dozing:
    """Whether one device dozes; a kind without figures never does, nor one whose app is exempt."""

    def __init__(self, doze: Doze | None) -> None:
        self._doze = None if doze is None or doze.exempt else doze
        self._turns: Iterator[float] | None = None
        self.asleep = False
        self.next_moment_s = math.inf

    def mind(self, now_s: float, life: Circumstances, *, on: bool) -> None:
        """Note how things stand from *now_s* on; call it at *next_moment_s*, too."""
        if self._doze is None or not on or life.charging or life.in_use or life.place not in LIES_AT:
            self._turns, self.asleep, self.next_moment_s = None, False, math.inf
            return
        if self._turns is None:
            self._turns = self._doze.turns(now_s)
            self.next_moment_s = next(self._turns)
        while self.next_moment_s <= now_s:
            self.asleep = not self.asleep
            self.next_moment_s = next(self._turns)
