"""The charger: when a wearer plugs a device in. Habits of a person, told as intervals.

How full the battery gets follows from the battery. All figures are assumptions unless a source stands beside
them; the realism page compares what comes out with the days between charges and the off-wrist gaps that were measured.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from devices.body import Body
from devices.body.day import Span
from devices.randomness import stream

Plugs = list[tuple[float, float]]
IN_BED = ("asleep", "in_bed")


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose device it is."""

    seed: int
    wearer: str
    device: str


def plugged(habit: str, seed: int, wearer: str, device: str, body: Body, from_s: float, to_s: float) -> Plugs:
    """Return when *device* is on its charger in [from_s, to_s), in order, by the wearer's *habit* (one of `HABITS`)."""
    owner = Owner(seed, wearer, device)
    margin_s = 86_400.0
    nights = _nights(body.day(from_s - margin_s, to_s + margin_s))
    plugs = HABITS[habit](owner, nights)
    return [(max(start, from_s), min(end, to_s)) for start, end in plugs if start < to_s and end > from_s]


def _bedside(owner: Owner, nights: Plugs) -> Plugs:
    """Plugged in at bedtime, taken off at rising; some nights forgotten (a trait: between 2 and 20 % of nights)."""
    forgets = 0.02 + 0.18 * _trait(owner, "forgets") ** 2
    return [(bed_s - 300.0, rise_s + 300.0) for bed_s, rise_s in nights if _dice(owner, bed_s).random() >= forgets]


def _watch(owner: Owner, nights: Plugs) -> Plugs:
    """Some charge a watch at night; others sleep with it and charge it around bedtime or breakfast.

    In the free-living week of Walch 2019 two of three watches were off the wrist at night (1.04 gaps a day of > 3 h).
    """
    if _trait(owner, "sleeps_with") < 0.55:
        return _bedside(owner, nights)
    plugs = []
    for bed_s, rise_s in nights:
        rng = _dice(owner, bed_s)
        if rng.random() < 0.92:
            plugs.append((bed_s - float(rng.uniform(5_400, 7_200)), bed_s - 600.0))
        if rng.random() < 0.6:
            plugs.append((rise_s + 600.0, rise_s + float(rng.uniform(2_400, 4_200))))
    return plugs


def _now_and_then(every_nights: int, least_s: float, most_s: float) -> Callable[[Owner, Plugs], Plugs]:
    """Every few days, about an hour in the evening (Oura: 20 to 80 min a charge, 4 to 7 days; Fitbit: 5 to 7 days)."""

    def habit(owner: Owner, nights: Plugs) -> Plugs:
        phase = int(_trait(owner, "phase") * every_nights)
        plugs = []
        for bed_s, _ in nights:
            if (round(bed_s / 86_400.0) + phase) % every_nights == 0:
                lasts_s = float(_dice(owner, bed_s).uniform(least_s, most_s))
                plugs.append((bed_s - 1_800.0 - lasts_s, bed_s - 1_800.0))
        return plugs

    return habit


HABITS: dict[str, Callable[[Owner, Plugs], Plugs]] = {
    "bedside": _bedside,
    "watch": _watch,
    "ring": _now_and_then(4, 2_400.0, 4_800.0),
    "band": _now_and_then(5, 3_600.0, 7_200.0),
}


def _nights(spans: list[Span]) -> Plugs:
    """Return bedtime and rising of every night in *spans*."""
    nights: Plugs = []
    for span in spans:
        if span.activity not in IN_BED:
            continue
        if nights and span.from_s - nights[-1][1] < 1.0:
            nights[-1] = (nights[-1][0], span.to_s)
        else:
            nights.append((span.from_s, span.to_s))
    return nights


def _trait(owner: Owner, what: str) -> float:
    return float(stream(owner.seed, owner.wearer, owner.device, "charging", what).random())


def _dice(owner: Owner, bed_s: float) -> np.random.Generator:
    return stream(owner.seed, owner.wearer, owner.device, "charging", round(bed_s))
