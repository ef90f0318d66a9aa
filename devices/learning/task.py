"""The task: which question a night answers, and the examples it gives.

`night-quality` asks one thing a night: good (sleep efficiency of 85 % or more) or poor. `sleep-wake` and
`sleep-stage` ask one thing every 30 s. Only nights with a sensor on the skin count.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from devices.body import Night
from devices.buffer import Examples, Window
from devices.learning.features import EPOCH_S, OF_EPOCH, OF_NIGHT, Feature, Rest, Seen

GOOD_EFFICIENCY = 0.85
"""A good night: National Sleep Foundation 2017 (facts §5)."""

WORN_SHARE = 0.7
"""A night counts when a sensor was heard from in the 5 min before this share of its epochs' ends; assumed. The
23 nights of Walch reach .9 and more, a watch taken to its charger for half the night does not."""

UNSCORED, WAKE, REM, ASLEEP = -1, 0, 4, 5
NO_LABEL = -1


@dataclass(frozen=True, slots=True)
class Task:
    """A question, its answers, and what it is asked of."""

    name: str
    classes: tuple[str, ...]
    features: tuple[Feature, ...]
    of_stage: tuple[int, ...] | None
    """The class of each stage 0 to 5 (-1: says nothing); None: one example a night."""

    shares: Mapping[str, tuple[float, ...]]
    """How common each class is in the population, by ``epochs``: the fixed class weights come from here."""

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The columns of the features, in words."""
        return tuple(feature.name for feature in self.features)

    @property
    def a_night(self) -> bool:
        """Whether a night is one example."""
        return self.of_stage is None

    def night_examples(self, night: Night, window: Window, epochs: str = "in_bed") -> Examples | None:
        """Return what *night* teaches, seen through *window*; None when it was not worn enough or has no label.

        *epochs* is ``in_bed`` (from bed to rise) or ``all`` (every stage of the night that is scored; then
        features that need to know the bedtime stay neutral). Epochs without a label or without any reading
        in the 5 min before their end are left out.
        """
        return self.examples_of(night, look(night, window, self, epochs))

    def examples_of(self, night: Night, seen: Seen) -> Examples | None:
        """Return what *night* teaches to who has *seen* it; None as in `night_examples`."""
        stages = night.stages[: seen.rest.epochs]
        if seen.covered.mean() < WORN_SHARE or not (stages != UNSCORED).any():
            return None
        if self.of_stage is None:
            good = int(np.mean(stages[stages != UNSCORED] > WAKE) >= GOOD_EFFICIENCY)
            return Examples(seen.of_night(), np.array([good], np.int8), np.array([night.bed_s]))
        labels = np.array((*self.of_stage, NO_LABEL), np.int8)[stages]
        known = np.flatnonzero((labels != NO_LABEL) & seen.covered)
        if not len(known):
            return None
        return Examples(seen.of_epochs()[known], labels[known], night.bed_s + EPOCH_S * known.astype(np.float64))


def look(night: Night, window: Window, task: Task, epochs: str) -> Seen:
    """Return what can be seen of *night* through *window*, as far as *task* asks."""
    in_bed = task.a_night or epochs == "in_bed"
    count = min(len(night.stages), round((night.rise_s - night.bed_s) / EPOCH_S)) if in_bed else len(night.stages)
    return Seen(Rest(night.bed_s, max(count, 1), in_bed), window)


WAKE_SHARE = 0.091
"""Share of the time in bed awake; of the rest 22.0 in 90.9 is REM (31 polysomnographies, facts §5)."""

SLEEP_OF_DAY = 0.256
"""Share of 24 h asleep (MMASH, facts §2)."""

GOOD_SHARE = 0.78
"""Share of nights with an efficiency of 85 % or more (LifeSnaps, facts §2)."""

REM_OF_SLEEP = 0.242

TASKS = {
    task.name: task
    for task in (
        Task(
            name="night-quality",
            classes=("poor", "good"),
            features=OF_NIGHT,
            of_stage=None,
            shares=dict.fromkeys(("in_bed", "all"), (1 - GOOD_SHARE, GOOD_SHARE)),
        ),
        Task(
            name="sleep-wake",
            classes=("awake", "asleep"),
            features=OF_EPOCH,
            of_stage=(0, 1, 1, 1, 1, 1),
            shares={"in_bed": (WAKE_SHARE, 1 - WAKE_SHARE), "all": (1 - SLEEP_OF_DAY, SLEEP_OF_DAY)},
        ),
        Task(
            name="sleep-stage",
            classes=("awake", "nrem", "rem"),
            features=OF_EPOCH,
            of_stage=(0, 1, 1, 1, 2, NO_LABEL),
            shares={
                "in_bed": (WAKE_SHARE, (1 - WAKE_SHARE) * (1 - REM_OF_SLEEP), (1 - WAKE_SHARE) * REM_OF_SLEEP),
                "all": (1 - SLEEP_OF_DAY, SLEEP_OF_DAY * (1 - REM_OF_SLEEP), SLEEP_OF_DAY * REM_OF_SLEEP),
            },
        ),
    )
}
"""The tasks by name."""

Arrays = list[npt.NDArray[Any]]
"""A model as Flower sends it: what stands in them is the model's own affair (`devices.learning.models`)."""
