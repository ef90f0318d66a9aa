"""The lessons: what a logistic regression learns of persons whom it never saw.

Five folds of persons. Epochs and their features are those of the shipped task ``sleep-wake``: causal, 20 minutes back,
no light, no clock. One day of each person, as the people had whom the real values come from.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from benchmarks.lifelike.people import People
from devices.learning.history import nights_of
from devices.learning.task import TASKS

FOLDS = 5
SENSES = {"heart_rate": 30.0, "movement": 30.0}
TWENTY_MINUTES = [2, 5, 10]
"""The features that look 20 minutes back: heart rate, its swings, share of moving epochs."""

HEART = [0, 1, 2, 3, 4, 5]
"""The features that know the heart rate alone."""

Table = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Lesson:
    """Rows of features, their truth (1: asleep, or a good night), and whose they are."""

    features: Table
    truth: npt.NDArray[np.int64]
    person: npt.NDArray[np.int64]

    def answers(self) -> Table:
        """Return the chance of a 1 for every row, from a model that never saw its person."""
        chances = np.zeros(len(self.truth))
        for fold in range(FOLDS):
            test = self.person % FOLDS == fold
            model = LogisticRegression(solver="newton-cholesky", C=1.0)
            model.fit(self.features[~test], self.truth[~test])
            chances[test] = model.predict_proba(self.features[test])[:, 1]
        return chances


def lessons(people: People) -> dict[str, float]:
    """Return every figure of learning by its key."""
    day_and_night = _epochs(people, "all", TWENTY_MINUTES)
    chances = day_and_night.answers()
    right = (chances > 0.5) == day_and_night.truth
    accuracy = [right[day_and_night.person == person].mean() for person in np.unique(day_and_night.person)]
    hearts = _epochs(people, "in_bed", HEART)
    quality = _qualities(people)
    return {
        "day_and_night_auc": float(roc_auc_score(day_and_night.truth, chances)),
        "day_and_night_spread": float(np.std(accuracy, ddof=1)),
        "heart_in_bed_auc": float(roc_auc_score(hearts.truth, hearts.answers())),
        "daily_quality_auc": float(roc_auc_score(quality.truth, quality.answers())),
        "efficiency_movement": _efficiency_by_movement(people),
    }


def _epochs(people: People, epochs: str, columns: list[int]) -> Lesson:
    """Return the epochs of each person's second night (*epochs* ``all``: and of the day before it)."""
    features, truth, person = [], [], []
    for number, body in enumerate(people.bodies):
        known_s = people.nights[number][1].known_s  # not the first: a whole day must lie before it
        (found,) = nights_of(body, SENSES, TASKS["sleep-wake"], known_s, known_s + 1, epochs=epochs)
        features.append(found[1].features[:, columns])
        truth.append(found[1].labels)
        person.append(np.full(len(found[1]), number))
    return Lesson(
        np.concatenate(features, dtype=np.float64),
        np.concatenate(truth, dtype=np.int64),
        np.concatenate(person),
    )


def _qualities(people: People) -> Lesson:
    """Return all nights as a daily summary tells them: heart rate, RMSSD and movement of the day; good or not."""
    asleep = people.stages > 0
    slept = asleep.sum(axis=2)
    heart, rmssd = (np.where(asleep, each, 0).sum(axis=2) / slept for each in (people.heart, people.rmssd))
    resting = np.percentile(people.heart, 5, axis=2)
    steps = np.where(people.up, people.movement, 0).sum(axis=2)
    raw = np.stack([heart, resting, rmssd, steps], axis=2).reshape(-1, 4).astype(np.float64)
    good = np.array([[night.efficiency >= 0.85 for night in own] for own in people.nights], np.int64)
    person = np.repeat(np.arange(good.shape[0]), good.shape[1])
    return Lesson((raw - raw.mean(axis=0)) / raw.std(axis=0), good.ravel(), person)


def _efficiency_by_movement(people: People) -> float:
    """Return the correlation between persons, one night each: efficiency, and moving epochs from onset to rising."""
    efficiency = [own[0].efficiency for own in people.nights]
    period = people.in_period[:, 0]
    moving = ((people.movement[:, 0] > 0) & period).sum(axis=1) / period.sum(axis=1)
    return float(np.corrcoef(efficiency, moving)[0, 1])
