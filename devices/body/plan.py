"""The plan of one block of life, from noon to noon: what the wearer does, and the night in it."""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from devices.body.channels import EPOCH_S, Stages
from devices.body.day import DAY_S, Span, Stay, bedtime, joined, waking_day, with_nap, works_on
from devices.body.hidden import WAKE
from devices.body.sleep import Bout, Night, bouts, nap_bouts, stages
from devices.body.strain import Strain, nap, strain
from devices.body.wearer import wearer
from devices.randomness import stream

NOON_H = 12
HOUR_S = 3_600
EPOCHS_AN_HOUR = HOUR_S // EPOCH_S

KNOWN_AFTER_S = 1_800
"""A night's truth is known half an hour after rising."""

LONG_AWAKENING_EPOCHS = 10
"""From five minutes on an awakening shows in the wearer's day as in_bed."""

FEW_PLANS = 6
"""What a day looks at: the nights before and after it, and those to come."""

T = TypeVar("T")


class Recent(Generic[T]):
    """The few things made last, by number; what is not there is made anew, the same as before."""

    def __init__(self, make: Callable[[int], T], keep: int, told: Callable[[int], T | None] = lambda _: None) -> None:
        """Make things with *make*, unless they were *told*, and remember *keep* of them."""
        self._make, self._keep, self._told = make, keep, told
        self._things: OrderedDict[int, T] = OrderedDict()

    def __call__(self, number: int) -> T:
        """Return thing *number*."""
        if number in self._things:
            self._things.move_to_end(number)
        else:
            told = self._told(number)
            self._things[number] = self._make(number) if told is None else told
            if len(self._things) > self._keep:
                self._things.popitem(last=False)
        return self._things[number]


@dataclass(frozen=True, slots=True)
class Plan:
    """One block: spans that tile it, its night, and the epoch of the block at which the night begins.

    *asleep* are the stages of the night and of naps, each from its epoch of the block on.
    """

    spans: tuple[Span, ...]
    night: Night
    bed_epoch: int
    asleep: tuple[tuple[int, Stages], ...]
    strain: Strain


class Planner:
    """Plans the blocks of one wearer's life, each by itself: block 0 begins at noon of the first date."""

    def __init__(
        self,
        seed: int,
        name: str,
        start: datetime,
        traits: Mapping[str, float] | None = None,
        blocks: int = 0,
        told: "Callable[[int], Plan | None]" = lambda _: None,
    ) -> None:
        """Plan for wearer *name* of the fleet with this *seed*; t_s = 0 is *start* on the local clock.

        It remembers the plans of a few blocks, and of as many as *blocks*; of some it may be *told*.
        """
        self.wearer = wearer(seed, name, traits)
        self._seed, self._name, self._first_weekday = seed, name, start.weekday()
        noon_s = (start.replace(hour=NOON_H, minute=0, second=0, microsecond=0) - start).total_seconds()
        self._noon_s = float(EPOCH_S * round(noon_s / EPOCH_S))  # epochs of the body are epochs of the fleet
        self._strain = Recent(self._make_strain, keep=5)
        self._date = Recent(self._make_date, keep=5)
        self.plan = Recent(self._make_plan, max(FEW_PLANS, blocks), told)

    def begins_s(self, block: int) -> float:
        """Return when *block* begins."""
        return self._noon_s + DAY_S * block

    def block(self, t_s: float) -> int:
        """Return the block that holds the moment *t_s*."""
        return int((t_s - self._noon_s) // DAY_S)

    def _make_date(self, date: int) -> list[Stay]:
        day = waking_day(self.wearer, self._seed, self._name, date, self._weekday(date), self._strain(date))
        wanted = nap(self.wearer, self._seed, self._name, date)
        return day if wanted is None else with_nap(day, *wanted)

    def _make_strain(self, date: int) -> Strain:
        free_evening = not works_on(self.wearer, self._weekday(date + 1))
        return strain(self.wearer, self._seed, self._name, date, free_evening=free_evening)

    def _weekday(self, date: int) -> int:
        return (self._first_weekday + date) % 7

    def _make_plan(self, block: int) -> Plan:
        today, tomorrow = self._strain(block), self._strain(block + 1)
        times = bedtime(self.wearer, self._seed, self._name, block, self._weekday(block), today, tomorrow)
        bed, rise = (round((hour - NOON_H) * EPOCHS_AN_HOUR) for hour in (times.bed_h, times.rise_h))
        begins_s = self.begins_s(block)
        night = bouts(self.wearer, rise - bed, stream(self._seed, self._name, "sleep", block), today)
        bed_s, rise_s = begins_s + EPOCH_S * bed, begins_s + EPOCH_S * rise
        evening = (begins_s, bed_s, begins_s - NOON_H * HOUR_S)
        morning = (rise_s, begins_s + DAY_S, begins_s + NOON_H * HOUR_S)
        spans = (
            *_awake(self._date(block), *evening),
            *_in_bed(night, bed_s),
            *_awake(self._date(block + 1), *morning),
        )
        scored = stages(night)
        naps = self._naps(block, [span for span in spans if span.activity == "napping"])
        return Plan(
            spans, Night(block, bed_s, rise_s, rise_s + KNOWN_AFTER_S, scored), bed, (*naps, (bed, scored)), today
        )

    def _naps(self, block: int, spans: list[Span]) -> Iterator[tuple[int, Stages]]:
        for span in spans:
            epoch = round((span.from_s - self.begins_s(block)) / EPOCH_S)
            rng = stream(self._seed, self._name, "napping", block, epoch)
            yield epoch, stages(nap_bouts(round((span.to_s - span.from_s) / EPOCH_S), rng))


def _awake(stays: list[Stay], from_s: float, to_s: float, midnight_s: float) -> list[Span]:
    """Put the stays of the date that began at *midnight_s* on the fleet's time, in whole epochs, cut to fit."""
    spans = []
    for from_h, to_h, *doing in stays:
        start = max(midnight_s + EPOCH_S * round(from_h * EPOCHS_AN_HOUR), from_s)
        end = min(midnight_s + EPOCH_S * round(to_h * EPOCHS_AN_HOUR), to_s)
        if start < end:
            spans.append(Span(start, end, *doing))
    return joined(spans)


def _in_bed(night: list[Bout], bed_s: float) -> Iterator[Span]:
    """Tell a night as spans: asleep, but in_bed while falling asleep, in long awakenings and before rising."""
    since_s = now_s = bed_s
    said = ""
    for number, (stage, epochs) in enumerate(night):
        edge = number in (0, len(night) - 1)
        awake = stage == WAKE and (edge or epochs >= LONG_AWAKENING_EPOCHS)
        activity = "in_bed" if awake else "asleep"
        if activity != said and now_s > since_s:
            yield Span(since_s, now_s, "home", said)
            since_s = now_s
        said = activity
        now_s += EPOCH_S * epochs
    yield Span(since_s, now_s, "home", said)
