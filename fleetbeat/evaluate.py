"""Scores a run's final model on recorded persons whom the run never saw."""

from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.table import Table

from broker.errors import RecordingError, RunFolderError
from devices.body import RecordedBody, read_recordings
from devices.learning.holdout import joined
from devices.learning.metrics import Score, score
from devices.learning.task import TASKS
from devices.residents import residents
from fleetbeat.judge import person_examples
from fleetbeat.saved_run import SavedRun
from fleetbeat.summary import figure

FIGURES = ("majority_share", "accuracy", "balanced_accuracy", "auc", "kappa")


def evaluate(run: SavedRun, folder: Path) -> dict[str, Any]:
    """Return persons, examples, figures over all examples pooled, and the same per person.

    Raises RunFolderError if the run learnt from one of these persons, RecordingError if nobody has a usable night.
    """
    recordings = read_recordings(folder)
    fleet = run.fleet
    if fleet.app is not None:
        raise RunFolderError(
            f"{run.path}: its model is of the Flower App {fleet.app.name}, expected one of Fleetbeat's"
        )
    task, model, arrays = TASKS[fleet.learning.task], fleet.learning.model, run.arrays()
    trained_on = {device.recording[1] for device in residents(fleet) if device.recording is not None}
    strangers = [person.id for person in recordings.persons if person.id not in trained_on]
    if not strangers:
        raise RunFolderError(f"{run.path}: learnt from every person in {folder}; expected recordings of others")
    parts = []
    per_person: list[dict[str, Any]] = []
    for person in strangers:
        examples = joined(
            task, person_examples(RecordedBody(recordings, person, fleet.start), task, fleet.learning.epochs)
        )
        if not len(examples):
            continue
        parts.append(examples)
        figures = score(task, arrays, examples.features, examples.labels, model, examples.start_s)
        per_person.append({"person": person, "examples": len(examples)} | _figures(figures))
    if not parts:
        raise RecordingError(f"{folder}: no person has a night that the task {task.name} can use")
    everybody = joined(task, parts)
    figures = score(task, arrays, everybody.features, everybody.labels, model, everybody.start_s)
    return {"persons": len(parts), "examples": len(everybody)} | _figures(figures) | {"per_person": per_person}


def words(found: dict[str, Any]) -> RenderableType:
    """Return the scores as a table: everybody, then each person."""
    table = Table(
        title=f"{found['persons']} persons, {found['examples']} examples",
        title_justify="left",
        box=None,
        pad_edge=False,
    )
    table.add_column("person")
    table.add_column("examples", justify="right")
    for name in FIGURES:
        table.add_column(name.replace("_", " "), justify="right")
    everybody = found | {"person": "everybody"}
    for line in (everybody, *found["per_person"]):
        table.add_row(line["person"], str(line["examples"]), *(figure(line[name]) for name in FIGURES))
    return table


def _figures(figures: Score) -> dict[str, float | None]:
    one_class = figures["kappa"] is None
    return {name: None if one_class and name == "balanced_accuracy" else figures[name] for name in FIGURES}
