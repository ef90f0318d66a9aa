"""The day: where a wearer is and what they do, hour by hour, and when they go to bed.

Everything about a date comes from the fleet's seed, the wearer's name and that date, so no date needs
another. Hours are of the local clock; beyond 24 they belong to the next date's morning.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

from devices.body.strain import NAP_LATEST_H, Strain
from devices.body.wearer import Wearer
from devices.randomness import stream

DAY_S = 86_400
SATURDAY = 5

EARLIEST_BED_H, LATEST_BED_H = 20.5, 28.5
LATEST_RISE_H = 35.5
SHORTEST_NIGHT_H, LONGEST_NIGHT_H = 4.0, 10.5
EARLIEST_RISE_H = EARLIEST_BED_H + SHORTEST_NIGHT_H - 24


class Span(NamedTuple):
    """What a wearer does from *from_s* to *to_s* (seconds of life).

    *place* is home, work, commute or out; *activity* is asleep, in_bed (awake), napping, still, active
    or exercise.
    """

    from_s: float
    to_s: float
    place: str
    activity: str


class Stay(NamedTuple):
    """A stretch of one date, in hours of its local clock."""

    from_h: float
    to_h: float
    place: str
    activity: str


@dataclass(frozen=True, slots=True)
class Bedtime:
    """When a wearer goes to bed on a date and rises on the next, in hours of the first date's clock."""

    bed_h: float
    rise_h: float


def works_on(wearer: Wearer, weekday: int) -> bool:
    """Whether the wearer goes to work on that day of the week (Monday is 0)."""
    return wearer.works and weekday < SATURDAY


def bedtime(wearer: Wearer, seed: int, name: str, date: int, weekday: int, today: Strain, tomorrow: Strain) -> Bedtime:
    """Return the night that begins on *date* (days since the fleet's first), a *weekday*; ill people stay in bed.

    Chronotype and need of sleep are the person's. A working morning begins in time for the way to work,
    a free one when the sleep is out; free evenings end 0.8 h later, the social jet lag of most people.
    Spreads are chosen for time in bed 460 min with a between-person sd of 53 (LifeSnaps).
    """
    z = stream(seed, name, "night", date).standard_normal(3).tolist()
    free_evening = tomorrow.at_home or not works_on(wearer, (weekday + 1) % 7)
    bed_h = wearer.bed_h + (0.8 if free_evening and not today.at_home else 0.0) + 0.55 * z[0] + today.later_h
    if free_evening:
        rise_h = bed_h + wearer.in_bed_h + 0.2 + 0.7 * z[1] + today.longer_h
    else:
        alarm_h = 24 + wearer.work_h - wearer.commute_h - 0.8
        rise_h = min(alarm_h + 0.2 * z[1], bed_h + wearer.in_bed_h + 0.8 + 0.5 * z[2])
    bed_h = min(max(bed_h, EARLIEST_BED_H), LATEST_BED_H)
    rise_h = min(rise_h, LATEST_RISE_H, bed_h + LONGEST_NIGHT_H)
    bed_h = max(min(bed_h, rise_h - SHORTEST_NIGHT_H), EARLIEST_BED_H)
    return Bedtime(bed_h, max(rise_h, bed_h + SHORTEST_NIGHT_H))


def waking_day(wearer: Wearer, seed: int, name: str, date: int, weekday: int, today: Strain) -> list[Stay]:
    """Return what the wearer does on *date* if awake, from the earliest rising to 31 h of its clock, without a gap.

    The caller cuts it where the wearer rises and goes to bed. How often people work, do sports and go out
    is assumed. Who is too ill stays at home; who rises before 3 sits there until then.
    """
    dice = iter(stream(seed, name, "day", date).random(256).tolist())
    early = Stay(EARLIEST_RISE_H, 3.0, "home", "still")
    if today.at_home:
        return [early, *_turns(3.0, 31.0, "home", wearer.sits, dice)]
    outings = list(_work(wearer, dice) if works_on(wearer, weekday) else _leisure(dice))
    if next(dice) < wearer.sport_share:
        begins = outings[-1].to_h + 0.5 + next(dice) if works_on(wearer, weekday) else 9.5 + next(dice)
        outings.append(Stay(begins, begins + 0.6 + 0.6 * next(dice), "out", "exercise"))
        outings.sort(key=lambda stay: stay.from_h)
    day, now = [early], 3.0
    for outing in outings:
        if outing.from_h > now:
            day += _turns(now, outing.from_h, "home", wearer.sits, dice)
        if outing.to_h > now:
            day.append(Stay(max(outing.from_h, now), outing.to_h, outing.place, outing.activity))
            now = outing.to_h
    return [*day, *_turns(now, 31.0, "home", wearer.sits, dice)]


def with_nap(day: list[Stay], from_h: float, lasts_h: float) -> list[Stay]:
    """Return *day* with a nap of *lasts_h* where it first suits from *from_h* on: at home, with nothing to do."""
    for place, stay in enumerate(day):
        if stay.to_h <= from_h or stay.place != "home" or stay.activity != "still":
            continue
        begins_h = max(stay.from_h, from_h)
        if begins_h > NAP_LATEST_H:
            break
        away = next((later.from_h for later in day[place:] if later.place != "home"), day[-1].to_h)
        ends_h = min(begins_h + lasts_h, away)
        before = [stay._replace(to_h=begins_h)] if stay.from_h < begins_h else []
        after = [later._replace(from_h=max(later.from_h, ends_h)) for later in day[place:] if later.to_h > ends_h]
        return [*day[:place], *before, Stay(begins_h, ends_h, "home", "napping"), *after]
    return day


def _work(wearer: Wearer, dice: Iterator[float]) -> Iterator[Stay]:
    """A day at work, with the ways there and back and lunch outside."""
    begins = wearer.work_h + 0.3 * (next(dice) - 0.5)
    lunch = 12.0 + 0.6 * next(dice)
    ends = begins + 8.2 + 1.2 * next(dice)
    on_the_way = "still" if wearer.rides else "active"
    yield Stay(begins - wearer.commute_h, begins, "commute", on_the_way)
    yield from _turns(begins, lunch, "work", wearer.sits, dice)
    yield Stay(lunch, lunch + 0.5, "out", "active")
    yield from _turns(lunch + 0.5, ends, "work", wearer.sits, dice)
    yield Stay(ends, ends + wearer.commute_h, "commute", on_the_way)
    if next(dice) < 0.3:
        shop = ends + wearer.commute_h
        yield Stay(shop, shop + 0.3 + 0.7 * next(dice), "out", "active")


def _leisure(dice: Iterator[float]) -> Iterator[Stay]:
    """A free day: most often out for some hours by day, now and then in the evening."""
    ends = 0.0
    if next(dice) < 0.8:
        begins = 10.0 + 4.5 * next(dice)
        ends = begins + 0.7 + 2.3 * next(dice)
        yield from _turns(begins, ends, "out", 0.4, dice)
    if next(dice) < 0.35:
        begins = max(18.5 + 1.5 * next(dice), ends + 0.5)
        yield from _turns(begins, begins + 1.5 + 2 * next(dice), "out", 1.0, dice)


def _turns(from_h: float, to_h: float, place: str, sits: float, dice: Iterator[float]) -> list[Stay]:
    """Fill the hours with turns of sitting and of being on one's feet; *sits* stretches the sitting.

    A turn of sitting lasts 10 to 60 minutes, one of moving about 5 to 30.
    """
    turns, now, still = [], from_h, next(dice) < 0.6
    while now < to_h:
        chance = next(dice)
        lasts = sits * (0.17 + 0.83 * chance) if still else 0.08 + 0.42 * chance
        ends = min(now + lasts, to_h)
        turns.append(Stay(now, ends, place, "still" if still else "active"))
        now, still = ends, not still
    return turns


def joined(spans: Iterable[Span]) -> list[Span]:
    """Return *spans*, which follow one another, with neighbours that say the same made one."""
    kept: list[Span] = []
    for span in spans:
        if kept and kept[-1][2:] == span[2:]:
            kept[-1] = Span(kept[-1].from_s, *span[1:])
        else:
            kept.append(span)
    return kept


def clipped(spans: Sequence[Span], from_s: float, to_s: float) -> list[Span]:
    """Return what of *spans*, which follow one another, lies in [from_s, to_s)."""
    if from_s >= to_s:
        return []
    first = bisect_right(spans, from_s, key=attrgetter("to_s"))
    kept = [*spans[first : bisect_left(spans, to_s, lo=first, key=attrgetter("from_s"))]]
    if kept:
        kept[0] = kept[0]._replace(from_s=max(kept[0].from_s, from_s))
        kept[-1] = kept[-1]._replace(to_s=min(kept[-1].to_s, to_s))
    return kept
