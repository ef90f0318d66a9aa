"""Habits: how a wearer treats a device, told as circumstances, day by day.

All of it follows from the body's day (where the wearer is, asleep, awake, at sport), from a few
constants of the person, and from the kind of device. Drawn are causes of everyday life (how often
somebody looks at a phone, when the router restarts), never an outcome. Rates and lengths without a
source are assumptions; the realism page compares what comes out with what was measured.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import numpy as np

from devices.body import Body
from devices.body.day import DAY_S, Span
from devices.charging import Charging
from devices.circumstances import Circumstances, Stretch, Value, merged, tiled
from devices.foresight import DAY, Foresight, blind
from devices.kinds import Kind
from devices.owner import Plug
from devices.randomness import stream

MINUTE_S = 60.0
SHOWER_S = 12 * MINUTE_S
LOOKS_ON_CHARGER = 0.35
"""Share of the looks at a phone left while it is on its charger, tied to a cable (assumed; see docs/realism.md)."""

LONG_AWAKE_S = 5 * MINUTE_S
"""Who lies awake longer than this may reach for the phone."""

READS_SHARE = 0.6
"""How often a person who reads when lying awake does so (assumed)."""


@dataclass(frozen=True, slots=True)
class Person:
    """What stays the same about a wearer's dealings with devices."""

    looks_an_hour: float
    """How often a phone is picked up in a waking hour (Liu 2017: a watch's 72 wake-ups a day; phones assumed alike)."""
    look_s: float
    reads_at_night: bool
    phone_in_bedroom: bool
    takes_phone_to_sport: bool
    router_gaps_a_day: float
    far_corner_s: float
    """Seconds a day at home that the wearer spends out of the phone's Bluetooth reach."""
    tablet_evenings: float


def person(seed: int, wearer: str, traits: Mapping[str, float] | None = None) -> Person:
    """Draw the wearer's constants from the fleet's seed; *traits* are known of them, by their names here."""
    known = traits or {}
    rng = stream(seed, wearer, "habits")
    u, z = rng.random(4), rng.standard_normal(3)
    return Person(
        looks_an_hour=known.get("looks_an_hour", 3.0 * float(np.exp(0.4 * z[0]))),
        look_s=known.get("look_s", 150.0 * float(np.exp(0.4 * z[1]))),
        reads_at_night=bool(u[0] < 0.5),
        phone_in_bedroom=bool(known.get("phone_in_bedroom", u[1] < 0.85)),
        takes_phone_to_sport=bool(u[2] < 0.6),
        router_gaps_a_day=known.get("router_gaps_a_day", 2.0 * float(np.exp(0.7 * z[2]))),
        far_corner_s=3_600.0,
        tablet_evenings=0.3 + 0.6 * float(u[3]),
    )


class Habits:
    """One device's circumstances, made a day of life at a time, for the past as well as for the future."""

    def __init__(
        self,
        seed: int,
        device: str,
        kind: Kind,
        hub: Kind | None,
        wearer: str,
        body: Body,
        start: datetime,
        traits: Mapping[str, float] | None = None,
        foresight: Foresight = blind,
    ) -> None:
        """*hub* is the kind of the device that this one streams to by radio; None if it buffers for itself.

        *foresight* may tell whole days before they are made.
        """
        self._foresight = foresight
        self._seed, self._device, self._wearer = seed, device, wearer
        self._kind, self._hub = kind, hub
        self._body = body
        self._start = start
        self._person = person(seed, wearer, traits)
        self._charging = Charging(kind.charging_habit, seed, wearer, device, body)

    def lives(self, from_s: float, to_s: float) -> Iterator[Circumstances]:
        """Yield circumstances that tile [from_s, to_s)."""
        return merged(self._days(from_s, to_s))

    def _days(self, from_s: float, to_s: float) -> Iterator[Circumstances]:
        day = int(from_s // DAY_S)
        while day * DAY_S < to_s:
            start_s, end_s = max(from_s, day * DAY_S), min(to_s, (day + 1) * DAY_S)
            told = self._foresight(DAY, self._device, day) if end_s - start_s == DAY_S else None
            yield from self.day(day, start_s, end_s) if told is None else told
            day += 1

    def day(self, day: int, from_s: float, to_s: float) -> list[Circumstances]:
        """Return the part [from_s, to_s) of a *day* of life."""
        whole = (day * DAY_S, (day + 1) * DAY_S)
        spans = self._body.day(*whole)
        plugs = self._charging.plugged(*whole)
        charging: list[Stretch] = [(start, end, True) for start, end in plugs]
        uses = self._uses(day, spans, plugs)
        usual: dict[str, Value] = {
            "far_link": "none",
            "place": "home",
            "worn": self._kind.carry == "worn",
            "near_link": True,
        }
        columns: dict[str, list[Stretch]] = {
            "charging": charging,
            "in_use": [(start, end, True) for start, end in uses],
            "place": self._places(spans),
            "far_link": self._far(day, spans),
            "near_link": self._near(day, spans),
            "worn": self._unworn(spans, charging) if self._kind.carry == "worn" else [],
        }
        return tiled(from_s, to_s, usual, columns)

    def _places(self, spans: list[Span]) -> list[Stretch]:
        if self._kind.carry == "home":
            return []
        return [(span.from_s, span.to_s, span.place) for span in spans]

    def _far(self, day: int, spans: list[Span]) -> list[Stretch]:
        """Wi-Fi at home and at work, mobile elsewhere if it has that radio; routers restart, tunnels are dead."""
        if not self._kind.trains:
            return []  # it never speaks to a server: it has no such radio
        at_home = self._kind.carry == "home"
        away = "mobile" if self._kind.far.mobile is not None else "none"
        stretches: list[Stretch] = []
        for span in spans:
            fixed = at_home or span.place in ("home", "work")
            stretches.append((span.from_s, span.to_s, "wifi" if fixed else away))
            if span.place == "commute" and not at_home:
                third_s = (span.to_s - span.from_s) / 3
                stretches.append((span.from_s + third_s, span.from_s + third_s + min(180.0, third_s), "none"))
        rng = stream(self._seed, self._wearer, "router", day)
        for _ in range(rng.poisson(self._person.router_gaps_a_day)):
            start_s = day * DAY_S + float(rng.uniform(0, DAY_S))
            gap_s = float(np.clip(rng.lognormal(np.log(180.0), 0.8), 30.0, 1_800.0))
            stretches += [
                (max(start_s, s.from_s), min(start_s + gap_s, s.to_s), "none")
                for s in spans
                if (at_home or s.place == "home") and s.to_s > start_s and s.from_s < start_s + gap_s
            ]
        return stretches

    def _near(self, day: int, spans: list[Span]) -> list[Stretch]:
        """Out of the hub's reach: a phone left in another room or at home, a tablet that never leaves home."""
        if self._hub is None:
            return []
        me, rng = self._person, stream(self._seed, self._wearer, self._device, "reach", day)
        stretches: list[Stretch] = []
        for span in spans:
            in_bed = span.activity in ("asleep", "in_bed")
            left_behind = (
                span.place != "home"
                if self._hub.carry == "home"
                else span.activity == "exercise" and not me.takes_phone_to_sport
            )
            if left_behind or (in_bed and not me.phone_in_bedroom):
                stretches.append((span.from_s, span.to_s, False))
        awake = [s for s in spans if s.place == "home" and s.activity in ("still", "active")]
        for start, end in _scattered(rng, awake, me.far_corner_s / 3, 3):
            stretches.append((start, end, False))
        return stretches

    def _unworn(self, spans: list[Span], charging: list[Stretch]) -> list[Stretch]:
        """Not on the skin while charging, and in the shower after getting up."""
        stretches: list[Stretch] = [(start, end, False) for start, end, _ in charging]
        if self._kind.waterproof:
            return stretches
        for before, after in pairwise(spans):
            if before.activity in ("asleep", "in_bed") and after.activity not in ("asleep", "in_bed"):
                stretches.append((after.from_s + 5 * MINUTE_S, after.from_s + 5 * MINUTE_S + SHOWER_S, False))
        return stretches

    def _uses(self, day: int, spans: list[Span], plugs: list[Plug]) -> list[Plug]:
        """When the device is in use: many short looks at a phone, some evenings with a tablet, sport with a watch."""
        me, rng = self._person, stream(self._seed, self._wearer, self._device, "uses", day)
        if self._kind.carry == "worn":
            return [(s.from_s, s.to_s) for s in spans if s.activity == "exercise"] if self._kind.in_use_mw else []
        awake = [
            s
            for s in spans
            if s.activity in ("still", "active") and (self._kind.carry == "pocket" or s.place == "home")
        ]
        if self._kind.carry == "home":
            return list(_scattered(rng, awake, 2_400.0, int(rng.random() < me.tablet_evenings)))
        hours = sum(s.to_s - s.from_s for s in awake) / 3_600
        looks = list(_scattered(rng, awake, me.look_s, int(rng.poisson(me.looks_an_hour * hours))))
        tempting = rng.random(len(looks)) < LOOKS_ON_CHARGER
        tied = [any(start <= look[0] < end for start, end in plugs) for look in looks]
        uses = [look for look, tempts, held in zip(looks, tempting, tied, strict=True) if tempts or not held]
        if me.reads_at_night and me.phone_in_bedroom:
            uses += [
                (s.from_s + LONG_AWAKE_S, min(s.to_s, s.from_s + LONG_AWAKE_S + 2 * me.look_s))
                for s in spans
                if s.activity == "in_bed" and s.to_s - s.from_s > LONG_AWAKE_S and rng.random() < READS_SHARE
            ]
        return uses


def _scattered(
    rng: np.random.Generator, spans: list[Span], mean_s: float, number: int
) -> Iterator[tuple[float, float]]:
    """Yield *number* stretches of about *mean_s*, spread evenly over the time in *spans*; each ends with its span."""
    if not spans or number == 0:
        return
    ends = np.cumsum([span.to_s - span.from_s for span in spans])
    offsets = np.sort(rng.uniform(0, ends[-1], number))
    lengths = rng.exponential(mean_s, number)
    for offset, length in zip(offsets.tolist(), lengths.tolist(), strict=True):
        place = int(np.searchsorted(ends, offset, side="right"))
        span = spans[min(place, len(spans) - 1)]
        start = span.to_s - (float(ends[place]) - offset)
        yield start, min(start + max(length, 20.0), span.to_s)
