"""The pace of a live fleet: when its life began on the wall, and how much faster than the wall it runs.

All processes of a fleet read it from one retained message, ``$clock``; this is the one place that converts.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from broker import topics
from broker.errors import FleetbeatError
from broker.lasting import LastingClient

_LATEST_UNIX = 253_402_300_800.0
"""The year 10000: beyond it no calendar of Python's goes."""
_SLOWEST, _FASTEST = 1e-3, 1e6
"""A second of life in a quarter of an hour; a day in 86 ms. Beyond either nobody means it."""
_LONGEST_PAYLOAD = 1024


class MalformedClock(ValueError):
    """A payload on the clock's topic, or a pace, that makes no sense; the message says why."""


class ClockMissing(FleetbeatError):
    """Nobody has told this fleet's time."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Life's second 0 was at *t0_unix* on the wall, and *speed* seconds of life pass in a second of the wall."""

    t0_unix: float
    speed: float

    def __post_init__(self) -> None:
        if not (_is_number(self.t0_unix) and 0.0 <= self.t0_unix < _LATEST_UNIX):
            raise MalformedClock(f"t0_unix is {self.t0_unix!r:.50}, expected seconds from 1970 to the year 9999")
        if not (_is_number(self.speed) and _SLOWEST <= self.speed <= _FASTEST):
            raise MalformedClock(f"speed is {self.speed!r:.50}, expected a number from {_SLOWEST:g} to {_FASTEST:g}")

    def life_s(self, unix_s: float) -> float:
        """Return the second of life at a moment on the wall."""
        return (unix_s - self.t0_unix) * self.speed

    def unix_s(self, life_s: float) -> float:
        """Return the moment on the wall of a second of life."""
        return self.t0_unix + life_s / self.speed

    def wall_s(self, life_s: float) -> float:
        """Return how long a span of life takes on the wall."""
        return life_s / self.speed

    def encode(self) -> bytes:
        """Return the payload of the retained ``$clock`` message."""
        return orjson.dumps({"t0_unix": self.t0_unix, "speed": self.speed})


def decode(payload: bytes) -> Pace:
    """Read a ``$clock`` message; raises MalformedClock, and nothing else, for whatever else the bytes may be."""
    if len(payload) > _LONGEST_PAYLOAD:
        raise MalformedClock(f"{len(payload)} bytes, expected a small object")
    try:
        said = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise MalformedClock(f"not JSON: {error}") from None
    if type(said) is not dict or not {"t0_unix", "speed"} <= said.keys():
        raise MalformedClock("expected an object with t0_unix and speed")
    pace = Pace(said["t0_unix"], said["speed"])
    return Pace(float(pace.t0_unix), float(pace.speed))


def tell_clock(client: LastingClient, fleet: str, pace: Pace) -> None:
    """Publish *pace*, retained; a broker that forgets it is told again."""
    client.publish(topics.clock(fleet), pace.encode(), retain=True)


def follow_clock(client: LastingClient, fleet: str, hear: Callable[[Pace | MalformedClock], None]) -> None:
    """Have *hear* called, in the client's thread, with the fleet's pace now and whenever it is told anew."""

    def read(_topic: str, payload: bytes) -> None:
        if not payload:  # the retained message was cleared: there is no clock
            return
        try:
            pace = decode(payload)
        except MalformedClock as error:
            hear(error)
        else:
            hear(pace)

    client.subscribe(topics.clock(fleet), read)


def await_clock(client: LastingClient, fleet: str, patience_s: float) -> Pace:
    """Return the fleet's pace as soon as somebody has told it (blocking, from any thread but the client's own).

    Raises ClockMissing after *patience_s* wall seconds, with what was heard instead if there was something.
    """
    told = threading.Event()
    paces: list[Pace] = []
    nonsense: list[MalformedClock] = []

    def hear(news: Pace | MalformedClock) -> None:
        if isinstance(news, Pace):
            paces.append(news)
            told.set()
        else:
            nonsense.append(news)

    follow_clock(client, fleet, hear)
    if not told.wait(patience_s):
        instead = f"; what stands there makes no sense: {nonsense[-1]}" if nonsense else ""
        raise ClockMissing(
            f"nobody told the time of the fleet {fleet} on {topics.clock(fleet)} within {patience_s:g} s{instead}. "
            "Is its aggregator running, and may this user read there?"
        )
    return paces[0]


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)
