"""The criteria of holding up: each a figure with its interval, beside the threshold that the study sets."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from fleetbeat.study.bootstrap import ROUNDING, Estimate
from fleetbeat.study.comparison import Comparison
from fleetbeat.study.figures import ArmFigures, KindCost
from fleetbeat.study.settings import Study, Thresholds

Name = Literal["central_above_chance", "gap_to_central", "gain_over_local", "battery_day_share"]
State = Literal["met", "missed", "undecided"]


@dataclass(frozen=True, slots=True)
class Criterion:
    """One condition of holding up. *about* is the kind of device, where it is about one."""

    name: Name
    estimate: Estimate | None
    threshold: float
    state: State
    why: str = ""
    """Why it is undecided, where it is not that the interval crosses the threshold."""
    about: str = ""

    @property
    def further_seeds(self) -> int | None:
        """How many more seeds would probably decide it; None if it is decided, or nobody can tell."""
        if self.state != "undecided" or self.why or self.estimate is None:
            return None
        return self.estimate.further_seeds(self.threshold)


def criteria_of(arm: str, study: Study, comparison: Comparison, figures: ArmFigures) -> tuple[Criterion, ...]:
    """Return the four criteria of *arm*, that there is something to learn at all first."""
    thresholds = study.thresholds
    gain = figures.gain_over_local
    return (
        something_to_learn(thresholds, comparison),
        _criterion(
            "gap_to_central",
            figures.gap_to_central,
            thresholds.gap_to_central,
            _why_not_compared(arm, "central", comparison),
        ),
        _criterion(
            "gain_over_local", gain, thresholds.gain_over_local, _why_not_compared(arm, "local-only", comparison)
        ),
        _battery(thresholds, figures.kinds),
    )


def something_to_learn(thresholds: Thresholds, comparison: Comparison) -> Criterion:
    """Return whether the central model, which has all data, is better than guessing by enough."""
    yardstick = comparison.yardstick("central", "central")
    central = None if yardstick is None else comparison.accuracy("central", yardstick)
    chance = None if yardstick is None else comparison.chance(yardstick)
    above = None if central is None or chance is None else central.above(chance)
    why = _why_not_compared("central", "central", comparison)
    if comparison.cells.get("central"):
        why = "central was judged on nobody"
    return _criterion("central_above_chance", above, thresholds.central_above_chance, why)


def state_of(name: Name, estimate: Estimate, threshold: float) -> State:
    """Return on which side of the *threshold* the interval lies; an anecdote lies on none: undecided."""
    if estimate.anecdote or estimate.low is None or estimate.high is None:
        return "undecided"
    low, high = estimate.low, estimate.high
    if name in ("gap_to_central", "battery_day_share"):  # at most
        good, bad = high <= threshold + ROUNDING, low > threshold + ROUNDING
    elif name == "gain_over_local":  # more than
        good, bad = low > threshold + ROUNDING, high <= threshold + ROUNDING
    else:  # at least
        good, bad = low >= threshold - ROUNDING, high < threshold - ROUNDING
    return "met" if good else "missed" if bad else "undecided"


def _criterion(name: Name, estimate: Estimate | None, threshold: float, missing: str, about: str = "") -> Criterion:
    if estimate is None:
        return Criterion(name, None, threshold, "undecided", missing or "the figure does not exist", about)
    state = state_of(name, estimate, threshold)
    why = ""
    if estimate.seeds == 1:
        why = "one seed is an anecdote"
    elif estimate.persons == 1:
        why = "one person is an anecdote, and more seeds bring no other"
    elif estimate.anecdote:
        why = "too few of the drawn samples have this figure"
    return Criterion(name, estimate, threshold, state, why, about)


def _battery(thresholds: Thresholds, kinds: Mapping[str, KindCost]) -> Criterion:
    """Return the criterion of the kind that decides: one that misses it, else one undecided, else the costliest."""
    each = [
        _criterion("battery_day_share", cost.battery_day_share, thresholds.battery_day_share, "", kind)
        for kind, cost in kinds.items()
    ]
    if not each:
        missing = "no account of what learning takes from a battery"
        return _criterion("battery_day_share", None, thresholds.battery_day_share, missing)
    order = ("missed", "undecided", "met")
    return min(each, key=lambda one: (order.index(one.state), -(one.estimate.value if one.estimate else math.inf)))


def _why_not_compared(arm: str, reference: str, comparison: Comparison) -> str:
    for name in dict.fromkeys((reference, arm)):
        if not comparison.cells.get(name):
            broken = comparison.crashed.get(name)
            if broken:
                seed, said = next(iter(broken.items()))
                return f"{name} crashed with every seed (seed {seed}: {said})"
            return f"there is no arm {name}"
    if arm == reference:
        return f"{arm} is what the others are compared with"
    return f"{arm} and {reference} were judged on nobody that both share"
