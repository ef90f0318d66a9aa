"""The wearer: what stays the same about one person, drawn once from the fleet's seed and the name."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from devices.randomness import stream


@dataclass(frozen=True, slots=True)
class Wearer:
    """One person's constants; hours are of the local clock.

    *sits*, *restless*, *slow_to_sleep* and *tense* (how much the heart wanders) multiply what is usual;
    *moves* and *quiet* (how much less when sitting) are in √counts of movement, *fidgets* is a standard
    normal, *curtains* the share of daylight that they let through, *sport_share* the share of days with
    exercise, *rides* whether the way to work is sat through, *drink_share* and *nap_share* the shares of evenings with
    alcohol and of days with a nap, *ills_a_year* how many illnesses a year, *slips* the share of time in which an
    optical sensor finds no pulse.

    Spreads between persons: heart rate asleep sd 6.6 (LifeSnaps, resting), its rise by day as the cosinor
    amplitude of MMASH (12.7 ± 5.5), RMSSD asleep 55 ± 16 ms (MMASH, 5 min) and falling with age
    (LifeSnaps: 45.7 ms below 30 years, 36.6 above), time in bed 460 ± 53 min (LifeSnaps), sleep that
    worsens with age (Boulos 2019: WASO +9.7 min a decade). A third of all adults nap on a day (Pew 2009, who asked of
    any nap; .25 here), more of those without work. Of 23 nights of Walch 19 have no gap in the heart rate,
    four have .001, .01, .08 and .78 of the night. Ages, work and ways to it, alcohol and illnesses are assumptions.
    """

    age_years: float
    works: bool
    work_h: float
    commute_h: float
    rides: bool
    sport_share: float
    bed_h: float
    in_bed_h: float
    restless: float
    fidgets: float
    slow_to_sleep: float
    heart_asleep_bpm: float
    heart_awake_bpm: float
    heart_swing_bpm: float
    rmssd_ms: float
    moves: float
    quiet: float
    tense: float
    sits: float
    curtains: float
    drink_share: float
    nap_share: float
    ills_a_year: float
    slips: float


NEVER_DRINKS = 0.3
"""Share of people without alcohol; assumed."""


def wearer(seed: int, name: str, traits: Mapping[str, float] | None = None) -> Wearer:
    """Draw the person called *name* of the fleet with this *seed*; *traits* are known of them, by their names here."""
    known = traits or {}
    rng = stream(seed, name, "wearer")
    z = rng.standard_normal(16).tolist()
    u = rng.random(6).tolist()
    of_days = stream(seed, name, "wearer", "days")
    drinks, evenings, naps = float(of_days.random()), float(of_days.beta(1.0, 3.5)), float(of_days.beta(0.8, 2.4))
    ills, slips = of_days.standard_normal(2).tolist()
    age = known.get("age_years", 20 + 45 * (0.6 * u[0] + 0.4 * u[1]))
    works = bool(known.get("works", u[2] < 0.75))
    drawn = Wearer(
        age_years=age,
        works=works,
        work_h=8.6 + 0.6 * z[0],
        commute_h=0.5 * 2.0 ** (0.6 * z[1]),
        rides=u[3] < 0.6,
        sport_share=0.6 * u[4] ** 1.5,
        bed_h=23.1 + 0.7 * z[2] - 0.02 * (age - 40),
        in_bed_h=7.85 + 0.6 * z[3],
        restless=1.13 * math.exp(0.45 * z[4]) * 1.010 ** (age - 42),
        fidgets=z[5],
        slow_to_sleep=math.exp(0.30 * z[6]),
        heart_asleep_bpm=min(max(62.4 + 6.5 * z[7], 44.0), 88.0),
        heart_awake_bpm=min(max(7.5 + 8.0 * z[8], -4.0), 26.0),
        heart_swing_bpm=min(max(3.6 + 1.5 * z[9], 0.0), 7.0),
        rmssd_ms=53.0 * math.exp(0.24 * z[10]) * 0.991 ** (age - 42),
        moves=2.5 * z[11],
        quiet=6.0 * z[15],
        tense=math.exp(0.36 * z[14]),
        sits=math.exp(0.30 * z[12]),
        curtains=0.002 * 2.0 ** (1.5 * z[13]),
        drink_share=0.0 if drinks < NEVER_DRINKS else evenings,
        nap_share=min(naps * (1.0 if works else 1.4), 1.0),
        ills_a_year=2.0 * math.exp(0.5 * ills),
        slips=min(2e-4 * math.exp(3.0 * slips), 0.8),
    )
    own = {field.name: known[field.name] for field in fields(Wearer) if field.name in known}
    own.pop("works", None)
    return replace(drawn, **own)  # type: ignore[arg-type]  # the rest are numbers
