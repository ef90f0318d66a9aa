"""The charger: when a wearer plugs a device in. Habits of a person, told as intervals.

How full the battery gets follows from the battery. All figures are assumptions unless a source stands beside
them; the realism page compares what comes out with the days between charges and the off-wrist gaps that were measured.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from devices.body import Body
from devices.body.day import DAY_S, Span
from devices.randomness import stream

Plug = tuple[float, float]
IN_BED = ("asleep", "in_bed")
MINUTE_S, HOUR_S = 60.0, 3_600.0

DESK_SHARE = 0.3
"""Share of phone owners who charge at work and not by their bed. Bonawitz 2019 counts a fourth as many phones in reach
by day as by night: somebody's are on their chargers by day."""

NIGHT_CHARGERS = 0.55
"""Share of watch owners who charge at night. In the free-living week of Walch 2019 two of three watches were off the
wrist at night, with 1.04 gaps of more than 3 h a day."""


@dataclass(frozen=True, slots=True)
class Evening:
    """A night as seen by who goes to bed: when, until when, and the hours at work before it (None: a free day)."""

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
        return float(stream(self.seed, self.wearer, self.device, "charging", what).random())

    def dice(self, evening: Evening) -> np.random.Generator:
        """Return the chance of one evening, the same whenever it is asked."""
        return stream(self.seed, self.wearer, self.device, "charging", round(evening.bed_s))

    def forgets(self, rng: np.random.Generator) -> bool:
        """Throw the dice for a charge: everybody forgets between 2 and 20 % of them."""
        return bool(rng.random() < 0.02 + 0.18 * self.trait("forgets") ** 2)


def plugged(habit: str, seed: int, wearer: str, device: str, body: Body, from_s: float, to_s: float) -> list[Plug]:
    """Return when *device* is on its charger in [from_s, to_s), in order, by the wearer's *habit* (one of `HABITS`)."""
    evenings = list(_evenings(body.day(from_s - DAY_S, to_s + DAY_S)))
    plugs = sorted(HABITS[habit](Owner(seed, wearer, device), evenings))
    return [(max(start, from_s), min(end, to_s)) for start, end in plugs if start < to_s and end > from_s]


def _bedside(owner: Owner, evenings: list[Evening]) -> Iterator[Plug]:
    """Plugged in at bedtime, taken off at rising; who forgot makes up for it in the morning, or forgets that, too."""
    for evening in evenings:
        rng = owner.dice(evening)
        if not owner.forgets(rng):
            yield evening.bed_s - 5 * MINUTE_S, evening.rise_s + 5 * MINUTE_S
        elif rng.random() < 0.85:
            starts_s = evening.rise_s + float(rng.uniform(0.5, 2.0)) * HOUR_S
            yield starts_s, starts_s + float(rng.uniform(50, 100)) * MINUTE_S


def _bedside_or_desk(owner: Owner, evenings: list[Evening]) -> Iterator[Plug]:
    """By the bed, or (some people) all day at work and by the bed only before and after free days."""
    if owner.trait("desk") >= DESK_SHARE:
        yield from _bedside(owner, evenings)
        return
    for evening in evenings:
        if evening.work is None:
            yield from _bedside(owner, [evening])
            continue
        starts_s, ends_s = evening.work
        rng = owner.dice(evening)
        settles_s, packs_s = (float(rng.uniform(2, 30)) * MINUTE_S for _ in range(2))
        if not owner.forgets(rng) and ends_s - starts_s > 2 * HOUR_S:
            yield starts_s + settles_s, ends_s - packs_s
        else:
            yield evening.bed_s - 5 * MINUTE_S, evening.rise_s + 5 * MINUTE_S


def _watch(owner: Owner, evenings: list[Evening]) -> Iterator[Plug]:
    """Some charge a watch at night, and it sees no sleep; others sleep with it."""
    yield from _bedside(owner, evenings) if owner.trait("by night") < NIGHT_CHARGERS else _around_bed(owner, evenings)


def _around_bed(owner: Owner, evenings: list[Evening]) -> Iterator[Plug]:
    """Charged before bedtime, after rising, or both, by who sleeps with it."""
    for evening in evenings:
        rng = owner.dice(evening)
        forgotten = owner.forgets(rng)
        if not forgotten:
            yield evening.bed_s - float(rng.uniform(80, 120)) * MINUTE_S, evening.bed_s - 10 * MINUTE_S
        if rng.random() < (0.9 if forgotten else 0.5):
            starts_s = evening.rise_s + 10 * MINUTE_S
            yield starts_s, starts_s + float(rng.uniform(30, 60)) * MINUTE_S


def _now_and_then(every_nights: int, least_min: float, most_min: float) -> "Habit":
    """Every few days, about an hour before bedtime (Oura: 20 to 80 min a charge, 4 to 7 days; Fitbit: 5 to 7 days)."""

    def habit(owner: Owner, evenings: list[Evening]) -> Iterator[Plug]:
        phase = int(owner.trait("phase") * every_nights)
        for evening in evenings:
            if (int(evening.bed_s // DAY_S) + phase) % every_nights == 0:
                lasts_s = float(owner.dice(evening).uniform(least_min, most_min)) * MINUTE_S
                yield evening.bed_s - 30 * MINUTE_S - lasts_s, evening.bed_s - 30 * MINUTE_S

    return habit


Habit = Callable[[Owner, list[Evening]], Iterator[Plug]]

HABITS: dict[str, Habit] = {
    "bedside": _bedside,
    "bedside_or_desk": _bedside_or_desk,
    "watch": _watch,
    "around_bed": _around_bed,
    "ring": _now_and_then(4, 50, 80),
    "band": _now_and_then(5, 60, 120),
}
"""How devices are charged, by the names that profiles use."""


def _evenings(spans: list[Span]) -> Iterator[Evening]:
    """Yield the nights in *spans*, each with the work before it."""
    nights: list[Plug] = []
    for span in spans:
        if span.activity not in IN_BED:
            continue
        if nights and span.from_s - nights[-1][1] < 1.0:
            nights[-1] = (nights[-1][0], span.to_s)
        else:
            nights.append((span.from_s, span.to_s))
    for (_, rose_s), (bed_s, rise_s) in pairwise([(0.0, -np.inf), *nights]):
        work = [span for span in spans if span.place == "work" and rose_s <= span.from_s < bed_s]
        yield Evening(bed_s, rise_s, (work[0].from_s, work[-1].to_s) if work else None)
