"""Charging: when a wearer plugs a device in. Habits of a person, told as intervals.

How full the battery gets follows from the battery. All figures are assumptions unless a source stands beside
them; docs/realism.md compares what comes out with what was measured.
"""

from collections.abc import Callable, Iterator

import numpy as np

from devices.body import Body, Night
from devices.body.day import DAY_S
from devices.owner import Evening, Owner, Plug, evening_of

MINUTE_S, HOUR_S = 60.0, 3_600.0
LOOK_BACK_DAYS, LOOK_AHEAD_DAYS = 1, 1.5
"""Nights from which the wearer rose, or will rise, within so many days may have a charge at the moment in question:
a watch that lies at home all day, a phone at work before the night."""

DESK_SHARE = 0.3
"""Share of phone owners who charge at work and not by their bed. Bonawitz 2019 counts a fourth as many phones in reach
by day as by night: somebody's are on their chargers by day."""

SOFA_SHARE = 0.12
"""Share of phone owners who charge at home in the evening and not at night."""

EARLY_SHARE = 0.25
"""Share of evenings on which a device is plugged in hours before bedtime and left there."""

TOP_UP_SHARE = 0.15
"""Share of days with a short charge in between: at a friend's, in the car, on the sofa."""

WATCH_BY_NIGHT = (2.4, 0.5)
"""How often a watch lies on its charger at night: by person 5.6 ± 2.2 of seven nights, a quarter of the people on all
of them, some on none (gaps of more than 3 h, Walch 2019, free-living week)."""

WATCH_OFF_EARLY = 0.30
"""Share of such evenings on which it comes off hours before bedtime: worn by .80 at 17 h after lights-out, by .63 at
23 h (Walch 2019)."""

SPORTS_WATCH_BY_NIGHT = (0.55, 1.0)
"""How often a watch that lasts for days lies on its charger at night: by person the median wears it on .78 of nights,
a tenth on .09 or less, a tenth on .98 or more (LifeSnaps, Fitbit Sense)."""

WATCH_ON_AFTER_H = 1.0
"""Mean hours from rising to putting it on again: worn by .44 at 8 h after lights-out, by .78 at 10 h (Walch 2019)."""

WATCH_LEFT_SHARE = 0.06
"""Share of days on which it stays on its charger: worn by no more than .94 at any hour (Walch 2019)."""


class Charging:
    """When one device is on its charger, by a habit of its wearer's (one of `HABITS`)."""

    def __init__(self, habit: str, seed: int, wearer: str, device: str, body: Body) -> None:
        self._habit = HABITS[habit]
        self._owner = Owner(seed, wearer, device)
        self._body = body
        self._decided: dict[int, list[Plug]] = {}
        """What was decided on the evenings looked at last, by their numbers."""

    def plugged(self, from_s: float, to_s: float) -> list[Plug]:
        """Return when the device is on its charger in [from_s, to_s), in order."""
        nights = self._body.nights(from_s - LOOK_BACK_DAYS * DAY_S, to_s + LOOK_AHEAD_DAYS * DAY_S)
        before = self._decided
        self._decided = {
            night.index: before[night.index] if night.index in before else self._decide(night) for night in nights
        }
        plugs: list[Plug] = []
        for start, end in sorted(plug for decided in self._decided.values() for plug in decided):
            if plugs and start <= plugs[-1][1]:
                plugs[-1] = (plugs[-1][0], max(end, plugs[-1][1]))
            else:
                plugs.append((start, end))
        return [(max(start, from_s), min(end, to_s)) for start, end in plugs if start < to_s and end > from_s]

    def _decide(self, night: Night) -> list[Plug]:
        return [*self._habit(self._owner, evening_of(self._body, night))]


def _bedside(owner: Owner, evening: Evening) -> Iterator[Plug]:
    """Plugged in at bedtime or earlier, taken off at rising; who forgot may make up for it by day."""
    rng = owner.dice(evening)
    if not owner.forgets(rng):
        early_s = float(rng.uniform(1, 4)) * HOUR_S if rng.random() < EARLY_SHARE else 5 * MINUTE_S
        yield evening.bed_s - early_s, evening.rise_s + 5 * MINUTE_S
    elif rng.random() < 0.85:
        yield _for_a_while(rng, evening.rise_s, (0.5, 2.0), (50, 100))


def _bedside_or_desk(owner: Owner, evening: Evening) -> Iterator[Plug]:
    """By the bed; or (some people) at work and by the bed only around free days; or in the evening. Or in between."""
    way = owner.trait("desk")
    rng = owner.dice(evening)
    settles_s, packs_s = (float(rng.uniform(2, 30)) * MINUTE_S for _ in range(2))
    if rng.random() < TOP_UP_SHARE:
        yield _for_a_while(rng, evening.rise_s, (1.0, 13.0), (20, 60))
    worked = evening.work is not None and evening.work[1] - evening.work[0] > 2 * HOUR_S
    if evening.work is not None and worked and way < DESK_SHARE and not owner.forgets(rng):
        yield evening.work[0] + settles_s, evening.work[1] - packs_s
    elif way > 1 - SOFA_SHARE and not owner.forgets(rng):
        yield evening.bed_s - float(rng.uniform(3, 6)) * HOUR_S, evening.bed_s - settles_s
    else:
        yield from _bedside(owner, evening)


def _watch(owner: Owner, evening: Evening) -> Iterator[Plug]:
    """On its charger on most nights, and it sees no sleep; some people sleep with it on some nights, or on all."""
    rng = owner.dice(evening)
    if rng.random() >= owner.leaning("by night", *WATCH_BY_NIGHT):
        yield from _around_bed(owner, evening)
        return
    early, left = rng.random(2) < (WATCH_OFF_EARLY, WATCH_LEFT_SHARE)
    off_s = float(rng.uniform(0.5, 6.5)) * HOUR_S if early else float(rng.uniform(0, 30)) * MINUTE_S
    on_s = 14 * HOUR_S if left else WATCH_ON_AFTER_H * HOUR_S * float(rng.exponential())
    yield evening.bed_s - off_s, evening.rise_s + 5 * MINUTE_S + on_s


def _sports_watch(owner: Owner, evening: Evening) -> Iterator[Plug]:
    """Charged for an hour or two every few days; some nights it lies on the bedside table all the same."""
    yield from _now_and_then(4, 5, (60, 100))(owner, evening)
    rng = owner.dice(evening)
    if rng.random() < owner.leaning("off by night", *SPORTS_WATCH_BY_NIGHT):
        yield (
            evening.bed_s - float(rng.uniform(0, 60)) * MINUTE_S,
            evening.rise_s + float(rng.exponential()) * HOUR_S,
        )


def _around_bed(owner: Owner, evening: Evening) -> Iterator[Plug]:
    """Charged before bedtime, after rising, or both, by who sleeps with it."""
    rng = owner.dice(evening)
    forgotten = owner.forgets(rng)
    if not forgotten:
        yield evening.bed_s - float(rng.uniform(80, 120)) * MINUTE_S, evening.bed_s - 10 * MINUTE_S
    if rng.random() < (0.9 if forgotten else 0.5):
        yield evening.rise_s + 10 * MINUTE_S, evening.rise_s + float(rng.uniform(40, 70)) * MINUTE_S


def _now_and_then(least_nights: int, most_nights: int, lasts_min: tuple[float, float]) -> "Habit":
    """Every few days, of which each owner has a number, about an hour before bedtime; now and then a day late."""

    def habit(owner: Owner, evening: Evening) -> Iterator[Plug]:
        every = least_nights + int(owner.trait("every") * (most_nights + 1 - least_nights))
        charge, since = divmod(evening.index + int(owner.trait("phase") * every), every)
        if since == owner.late(charge):
            lasts_s = float(owner.dice(evening).uniform(*lasts_min)) * MINUTE_S
            yield evening.bed_s - 30 * MINUTE_S - lasts_s, evening.bed_s - 30 * MINUTE_S

    return habit


def _for_a_while(
    rng: np.random.Generator, rise_s: float, after_h: tuple[float, float], lasts_min: tuple[float, float]
) -> Plug:
    """Return a charge that begins some hours after rising."""
    starts_s = rise_s + float(rng.uniform(*after_h)) * HOUR_S
    return starts_s, starts_s + float(rng.uniform(*lasts_min)) * MINUTE_S


Habit = Callable[[Owner, Evening], Iterator[Plug]]

HABITS: dict[str, Habit] = {
    "bedside": _bedside,
    "bedside_or_desk": _bedside_or_desk,
    "watch": _watch,
    "around_bed": _around_bed,
    "sports_watch": _sports_watch,
    "ring_early": _now_and_then(2, 2, (30, 60)),  # Oura's first: 30 to 60 min a charge, every 2 to 3 days
    "ring": _now_and_then(4, 5, (50, 80)),  # Oura: 20 to 80 min a charge, every 4 to 7 days
    "band": _now_and_then(5, 6, (60, 120)),  # Fitbit: every 5 to 7 days
}
"""How devices are charged, by the names that profiles use."""
