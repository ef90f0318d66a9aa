"""The wrists: when watches are worn, and how often everything is charged. From habits alone, nobody trains."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from benchmarks.lifelike.people import START, People
from devices.body.day import DAY_S
from devices.circumstances import Circumstances
from devices.habits import Habits
from devices.kinds import kind_named

ON_WRIST = (
    0.4867, 0.3694, 0.2994, 0.1783, 0.1656, 0.1592, 0.2152, 0.2848, 0.4410, 0.6687, 0.7818, 0.8313,
    0.8743, 0.9226, 0.9294, 0.9353, 0.9353, 0.9118, 0.8023, 0.7701, 0.7701, 0.7371, 0.7102, 0.6333,
)  # fmt: skip
"""Share of person-hours with a reading, by hour after lights-out: 26 Apple Watches, 164 days (Walch 2019, computed)."""

BACKGROUND_S = 300.0
"""How often such a watch reads the heart in the background: an hour with less wear than this has no reading."""

LONG_GAP_S = 3 * 3_600.0
HOUR_S = 3_600.0
CHARGED = {"smartwatch": None, "phone": None, "band": "phone", "ring": "phone"}
"""Whose charges are counted, and by which other device they are carried."""


def wrists(people: People, days: int) -> dict[str, float]:
    """Return every figure of wear and of charging by its key."""
    watches = _lives(people, "smartwatch", None, days)
    by_hour = np.mean([_worn_by_hour(people, row, life, days) for row, life in enumerate(watches)], axis=0)
    gaps = sum(to_s - from_s > LONG_GAP_S for life in watches for from_s, to_s in _stretches(life, "worn", False))
    found = {
        "worn_correlation": float(np.corrcoef(by_hour, ON_WRIST)[0, 1]),
        "worn_difference": float(np.abs(by_hour - ON_WRIST).mean()),
        "long_gaps": gaps / (len(watches) * days),
    }
    for kind, hub in CHARGED.items():
        lives = watches if kind == "smartwatch" else _lives(people, kind, hub, days)
        charges = sum(from_s > 0 for life in lives for from_s, _ in _stretches(life, "charging", True))
        found[f"days_{kind}"] = len(lives) * days / charges
    return found


def _lives(people: People, kind: str, hub: str | None, days: int) -> list[list[Circumstances]]:
    """Return what everybody's device of *kind* goes through: one each, numbered like its wearer."""
    hub_kind = None if hub is None else kind_named(hub)
    lives = []
    for number, body in enumerate(people.bodies, start=1):
        name, wearer = f"{kind}-{number}", f"wearer-{number}"
        habits = Habits(people.seed, name, kind_named(kind), hub_kind, wearer, body, START)
        lives.append(list(habits.lives(0.0, float(days * DAY_S))))
    return lives


def _stretches(life: Sequence[Circumstances], column: str, value: object) -> Iterator[tuple[float, float]]:
    """Yield from when to when *column* had *value* without a break."""
    since_s: float | None = None
    for now in life:
        holds = getattr(now, column) == value
        if holds and since_s is None:
            since_s = now.from_s
        elif not holds and since_s is not None:
            yield since_s, now.from_s
            since_s = None
    if since_s is not None:
        yield since_s, life[-1].to_s


def _worn_by_hour(people: People, row: int, life: Sequence[Circumstances], days: int) -> npt.NDArray[np.float64]:
    """Return the share of days with a reading in each hour after the wearer's usual lights-out.

    As it was measured: lights-out is one clock time a person, and an hour counts once it has a reading.
    """
    out_s = float(np.median([night.bed_s % DAY_S for night in people.nights[row]]))
    edges = out_s + HOUR_S * np.arange(24 * (days - 1) + 1)
    starts, ends = np.array(list(_stretches(life, "worn", True))).reshape(-1, 2).T
    worn_s = np.array(
        [np.clip(np.minimum(ends, b) - np.maximum(starts, a), 0, None).sum() for a, b in pairwise(edges.tolist())]
    )
    return np.asarray((worn_s >= BACKGROUND_S).reshape(-1, 24).mean(axis=0), np.float64)
