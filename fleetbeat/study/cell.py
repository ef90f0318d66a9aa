"""A cell: what one arm did with one seed, as far as a study compares it. One JSON file beside the arm's run folder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Answers = Sequence[Sequence[int]]
"""A confusion table, truth × said: so many examples of each class were answered so."""


@dataclass(frozen=True, slots=True)
class Judged:
    """How good a model is, on all that were judged together, and one by one so that a bootstrap can draw them anew.

    *who* names the wearers (strangers) or devices (own nights) that were judged, in the same order for every arm of a
    seed; *answers* has one table for each. *figures* are `devices.learning.metrics.FIGURES`.
    """

    figures: Mapping[str, float | None]
    who: Sequence[str]
    answers: Sequence[Answers]


@dataclass(frozen=True, slots=True)
class Moment:
    """The global model after a round, judged on strangers (round 0: as it began)."""

    round: int
    t_s: float
    balanced_accuracy: float | None
    auc: float | None


@dataclass(frozen=True, slots=True)
class KindLived:
    """What learning took from the devices of one kind, a day of one device; all of them means over its devices."""

    devices: int
    battery_min_a_day: float
    """Minutes of ordinary life that the energy for learning would have lasted."""
    battery_day_share: float
    """Energy for learning, as a share of what the same device drew in a day without learning (no-training)."""
    mb_a_month: float
    """Over the far link, in 30 days."""


@dataclass(frozen=True, slots=True)
class Lived:
    """What a run's account says; only arms that lived have it. Energy and outcomes are of training and evaluation."""

    virtual_s: float
    ended: str
    rounds: int
    aggregated_rounds: int
    selected: int
    outcomes: Mapping[str, int]
    """Train phase: outcome → device-rounds; all nine, adding up to *selected*."""
    learning_j: float
    wasted_j: float
    life_j: float
    bytes_down: int
    bytes_up: int
    delivered: Mapping[str, int]
    """Training device → updates that reached a model."""
    kinds: Mapping[str, KindLived]
    """Those that train."""
    deaths: Mapping[str, Sequence[int]]
    """Device → the days (0 is the first) on which its battery went flat; devices without are left out."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One arm, one seed. An arm that crashed has an *error* and nothing else."""

    arm: str
    seed: int
    error: str | None = None
    shares: str | None = None
    """The arm whose run this is too: their fleets are the same, so one was lived for both, and lies in its folder."""
    strangers: Judged | None = None
    """On wearers outside the fleet: the yardstick of the gap to central. None where nobody is kept aside."""
    own: Judged | None = None
    """On nights of the fleet's own wearers that nothing was trained on: the yardstick of the gain over local-only."""
    curve: Sequence[Moment] = field(default_factory=tuple)
    lived: Lived | None = None
