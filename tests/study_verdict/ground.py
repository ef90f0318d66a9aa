"""Hand-made cells: 20 strangers with ten nights each, five good and five poor, answered as right as a story asks."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aggregator.accounting import OUTCOMES
from fleetbeat.study.cell import Cell, Judged, KindLived, Lived, Moment
from fleetbeat.study.settings import Study

DAY_S = 86_400.0
WEARERS = 20


def study(**more: Any) -> Study:
    """Two arms of its own beside the references; thresholds as they come."""
    arms = [{"name": "tenth", "says": "a tenth of the devices a round"}, {"name": "eager"}]
    asked: dict[str, Any] = {"name": "small", "asks": "Does it hold up?", "fleet": "ward", "seeds": (), "arm": arms}
    return Study(**(asked | more))


def table(right: float, nights: int = 10) -> list[list[float]]:
    """Half of the nights of each class; *right* of each class are answered rightly (fractions of a night will do)."""
    half = nights / 2
    return [[half * right, half * (1 - right)], [half * (1 - right), half * right]]


def judged(right: float, who: Sequence[str] | None = None) -> Judged:
    """Everybody answered as rightly: balanced accuracy is *right*, whoever is drawn."""
    names = who if who is not None else [f"stranger-{number + 1}" for number in range(WEARERS)]
    figures = {"balanced_accuracy": right, "accuracy": right, "auc": right + 0.1, "kappa": 2 * right - 1, "loss": 0.5}
    return Judged(figures | {"majority_share": 0.5}, names, [table(right) for _ in names])  # type: ignore[misc]  # parts of a night make the arithmetic plain


def lived(share: float = 0.03, **more: Any) -> Lived:
    """Four rounds of four devices in four days, half of them delivered, one battery flat on day 2."""
    outcomes = dict.fromkeys(OUTCOMES, 0) | {"delivered": 8, "refused": 6, "late": 2}
    devices = {"watch-1": 4, "watch-2": 4, "watch-3": 0, "watch-4": 0}
    facts: dict[str, Any] = {
        "virtual_s": 4 * DAY_S,
        "ended": "rounds_done",
        "rounds": 4,
        "aggregated_rounds": 4,
        "selected": 16,
        "outcomes": outcomes,
        "learning_j": 1_000.0,
        "wasted_j": 250.0,
        "life_j": 40_000.0,
        "bytes_down": 4_000_000,
        "bytes_up": 2_000_000,
        "delivered": devices,
        "kinds": {"smartwatch": KindLived(4, 1_440 * share, share, 45.0), "phone": KindLived(4, 0.5, 0.001, 0.0)},
        "deaths": {"watch-1": [2]},
    }
    return Lived(**(facts | more))


NOTHING: dict[str, Any] = {
    "rounds": 0,
    "aggregated_rounds": 0,
    "selected": 0,
    "outcomes": dict.fromkeys(OUTCOMES, 0),
    "learning_j": 0.0,
    "wasted_j": 0.0,
    "delivered": {},
    "deaths": {},
}
"""What a life without learning leaves out."""


def curve(*reached: float) -> tuple[Moment, ...]:
    """One moment a day, round 0 at the start."""
    return tuple(Moment(number, number * DAY_S, value, None) for number, value in enumerate(reached))


OWN = ("watch-1", "watch-2", "watch-3", "watch-4")


def cells(
    right: Mapping[str, float],
    *,
    seeds: Sequence[int] = tuple(range(1, 11)),
    shares: Mapping[str, float] | None = None,
    wobble: Mapping[str, float] | None = None,
) -> Iterator[Cell]:
    """One cell for every arm of *right* and seed; every other seed an arm is off by its *wobble*, up and down."""
    for place, seed in enumerate(seeds):
        for arm, value in right.items():
            here = value + (wobble or {}).get(arm, 0.0) * (1 if place % 2 else -1)
            strangers, own = judged(here), judged(here, OWN)
            federated = arm not in ("central", "local-only")
            life = lived((shares or {}).get(arm, 0.03)) if federated else None
            steps = curve(0.5, (0.5 + here) / 2, here) if federated else ()
            yield Cell(arm, seed, strangers=strangers, own=own, curve=steps, lived=life)
        yield Cell("no-training", seed, lived=lived(0.0, **NOTHING))


GOOD = {"fleet": 0.71, "central": 0.72, "local-only": 0.66}
"""One point behind central, five better than alone."""
