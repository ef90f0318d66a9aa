"""The owner of a device: what stays the same about how one person treats it, and the evenings at which they decide."""

from dataclasses import dataclass

import numpy as np

from devices.body import Body, Night
from devices.body.day import DAY_S
from devices.randomness import stream

Plug = tuple[float, float]
"""From when to when a device is on its charger."""


@dataclass(frozen=True, slots=True)
class Evening:
    """A night: its number, from when to when, and the hours at work before it (None: a free day)."""

    index: int
    bed_s: float
    rise_s: float
    work: Plug | None


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose device it is. A trait stays, dice are thrown every evening."""

    seed: int
    wearer: str
    device: str

    def trait(self, what: str) -> float:
        """Return this owner's *what*, evenly spread over owners between 0 and 1."""
        return float(self._stream(what).random())

    def leaning(self, what: str, towards: float, away: float) -> float:
        """Return how often this owner does *what*: a share that differs between owners as a beta distribution."""
        return float(self._stream(what).beta(towards, away))

    def dice(self, evening: Evening) -> np.random.Generator:
        """Return the chance of one evening, the same whenever it is asked."""
        return self._stream(evening.index)

    def forgets(self, rng: np.random.Generator) -> bool:
        """Throw the dice for a charge: everybody forgets between 2 and 20 % of them."""
        return bool(rng.random() < 0.02 + 0.18 * self.trait("forgets") ** 2)

    def late(self, charge: int) -> int:
        """Return by how many days the owner is late with a *charge* that comes every few days: 0, or now and then 1."""
        return int(self.forgets(self._stream(f"late {charge}")))

    def _stream(self, what: str | int) -> np.random.Generator:
        return stream(self.seed, self.wearer, self.device, "charging", what)


def evening_of(body: Body, night: Night) -> Evening:
    """Return the evening before *night* of *body*, with the work of that day: what began within 24 h of bedtime."""
    since_s = night.bed_s - DAY_S
    worked = [span for span in body.day(since_s, night.bed_s) if span.place == "work" and span.from_s > since_s]
    work = (worked[0].from_s, worked[-1].to_s) if worked else None
    return Evening(night.index, night.bed_s, night.rise_s, work)
