"""The verdict: does learning hold up on these devices? One of four answers, with its reasons."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

from fleetbeat.study.bootstrap import Estimate
from fleetbeat.study.cell import Cell
from fleetbeat.study.comparison import Comparison, Seedwise
from fleetbeat.study.criteria import Criterion, criteria_of
from fleetbeat.study.figures import ArmFigures, figures_of
from fleetbeat.study.seedwise import auc, of_life
from fleetbeat.study.settings import REFERENCES, Study
from fleetbeat.study.wording import sentence

Word = Literal["held up", "did not hold up", "cannot say", "nothing to hold up"]

YARDSTICKS = ("central", "local-only", "no-training")
"""References that federate nothing: the others are measured by them, they have no verdict."""
SEEDWISE: Mapping[str, Seedwise] = {
    "auc": auc,
    "learning_j": of_life(lambda lived: lived.learning_j),
    "bytes": of_life(lambda lived: lived.bytes_down + lived.bytes_up),
    "flat_days": of_life(lambda lived: sum(map(len, lived.deaths.values()))),
}
"""What pairs are compared by, beside balanced accuracy: AUC, energy, bytes over the far link, device-days gone flat."""


@dataclass(frozen=True, slots=True)
class Pair:
    """What an arm has more than a reference, on the same seeds, days and wearers."""

    arm: str
    reference: str
    metric: str
    difference: Estimate


@dataclass(frozen=True, slots=True)
class ArmVerdict:
    """The answer for one arm; *remarks* tell what limits it."""

    arm: str
    verdict: Word
    sentence: str
    criteria: tuple[Criterion, ...]
    remarks: tuple[str, ...]

    @property
    def further_seeds(self) -> int | None:
        """How many more seeds would probably decide all that is undecided; None if none can be told, or none would."""
        wanted = [one.further_seeds for one in self.criteria if one.state == "undecided"]
        known = [seeds for seeds in wanted if seeds is not None]
        return max(known, default=None) if self.verdict == "cannot say" and len(known) == len(wanted) else None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer of a study, which is that of its arm *about*, with every arm's figures and all pairs."""

    about: str
    arms: Mapping[str, ArmVerdict]
    figures: Mapping[str, ArmFigures]
    pairs: tuple[Pair, ...]

    @property
    def chief(self) -> ArmVerdict:
        """The arm that the study is about."""
        return self.arms[self.about]

    @property
    def verdict(self) -> Word:
        """The four words."""
        return self.chief.verdict

    @property
    def sentence(self) -> str:
        """The verdict in plain words."""
        return self.chief.sentence


def conclude(study: Study, cells: Iterable[Cell], *, recorded: bool = False) -> Verdict:
    """Return what *cells* say about *study*; the order in which they come does not matter.

    *recorded*: its fleet is one of recordings, so that every seed judges the same persons.
    """
    comparison = Comparison(cells, recorded=recorded)
    named = [*(name for name in REFERENCES if name in comparison.cells), *(arm.name for arm in study.arm)]
    arms = list(dict.fromkeys([*named, study.about, *sorted(comparison.cells)]))
    figures = {arm: figures_of(arm, study, comparison) for arm in arms}
    judged = [arm for arm in arms if arm not in YARDSTICKS or arm == study.about]
    return Verdict(
        study.about,
        {arm: _judge(arm, study, comparison, figures[arm]) for arm in judged},
        figures,
        tuple(_pairs(arms, study, comparison)),
    )


def spoken(arm: str, study: Study) -> str:
    """Return an arm as a sentence calls it."""
    says = next((one.says for one in study.arm if one.name == arm), "")
    if says:
        return f"“{arm}” ({says})"
    return {"fleet": "the fleet as it is", "ideal": "devices that are always on"}.get(arm, f"“{arm}”")


def _judge(arm: str, study: Study, comparison: Comparison, figures: ArmFigures) -> ArmVerdict:
    criteria = criteria_of(arm, study, comparison, figures)
    remarks = tuple(_remarks(arm, study, comparison, figures))
    verdict = _decide(criteria, crashed=bool(figures.crashed) or not figures.seeds)
    return ArmVerdict(arm, verdict, sentence(spoken(arm, study), verdict, criteria, remarks), criteria, remarks)


def _decide(criteria: tuple[Criterion, ...], *, crashed: bool) -> Word:
    if criteria[0].state == "missed":
        return "nothing to hold up"
    if any(one.state == "missed" for one in criteria):
        return "did not hold up"
    # the seeds that did not crash are no fair sample of all: they may be the kind ones
    if crashed or any(one.state == "undecided" for one in criteria):
        return "cannot say"
    return "held up"


def _remarks(arm: str, study: Study, comparison: Comparison, figures: ArmFigures) -> Iterable[str]:
    for name in dict.fromkeys((arm, "central", "local-only")):
        broken = comparison.crashed.get(name, {})
        if broken:
            seeds = len(broken) + len(comparison.cells[name])
            first, said = next(iter(broken.items()))
            yield f"{name} crashed with {len(broken)} of {seeds} seeds (seed {first}: {said})"
    missing = set(study.seeds) - set(comparison.cells.get(arm, {})) - set(figures.crashed)
    if missing and figures.seeds:
        are = "is" if len(missing) == 1 else "are"
        yield f"{len(missing)} of {len(study.seeds)} seeds {are} missing: the study did not finish"
    if figures.seeds == 1:
        yield "one seed is an anecdote: intervals are over its wearers only, and nothing is decided by it"
    if figures.gap_yardstick == "own":
        yield "nobody outside the fleet was judged: the gap to central is on nights of the fleet's own wearers"
    reached = figures.to_target
    if reached is not None and reached.reached < reached.seeds:
        yield f"it came within the allowed gap of central in {reached.reached} of {reached.seeds} seeds"


def _pairs(arms: Iterable[str], study: Study, comparison: Comparison) -> Iterable[Pair]:
    for arm in arms:
        for reference in dict.fromkeys((*REFERENCES, study.about)):
            if arm == reference or reference not in comparison.cells:
                continue
            for metric, difference in (
                ("balanced_accuracy", partial(comparison.difference, yardstick="strangers")),
                ("own_balanced_accuracy", partial(comparison.difference, yardstick="own")),
                *((name, partial(comparison.mean_difference, figure=figure)) for name, figure in SEEDWISE.items()),
            ):
                known = difference(arm, reference)
                if known is not None:
                    yield Pair(arm, reference, metric, known)
