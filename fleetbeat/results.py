"""What a run leaves behind: all tables, the results and the model, written anew after every round."""

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from aggregator.accounting import OUTCOMES, PHASES, Account
from aggregator.course import Course
from devices.buffer import Buffer
from devices.figures import Report
from devices.fleet_file import freeze
from devices.learning.baselines import CENTRAL_EXAMPLES, central, local_only, mean_score, thinned
from devices.learning.holdout import joined
from devices.learning.metrics import Score, score
from devices.learning.models import Fit, model_named
from devices.learning.task import TASKS
from devices.lifelog import Lived
from devices.residents import Device
from devices.settings import Fleet
from fleetbeat import tables
from fleetbeat.growing_table import GrowingTable
from fleetbeat.judge import Judge
from fleetbeat.run_folder import RunFolder

LOCAL_MODELS = 60
"""Of a large fleet so many devices, evenly chosen, stand for all local-only models: their mean is what counts."""


class Told(Protocol):
    """What a run folder is written from: a world in virtual time, or what a live fleet told of itself."""

    clock: str
    """``virtual`` or ``live``."""
    fleet: Fleet
    residents: Sequence[Device]
    account: Account
    course: Course

    @property
    def lived(self) -> Sequence[Lived]:
        """The intervals that everybody has lived."""

    @property
    def buffers(self) -> Mapping[str, Buffer]:
        """The buffers of training devices, as far as they lie in this process."""

    def reports(self) -> Mapping[str, Report]:
        """Return every device's figures as they stand."""


class Results:
    """Keeps one run folder in step with one world."""

    def __init__(self, folder: RunFolder, world: Told, judge: Judge | None) -> None:
        """Write the frozen fleet at once."""
        self._folder = folder
        self._world = world
        self._judge = judge
        self._first = [array.copy() for array in world.course.arrays]
        self._references: dict[str, Score] = {}
        self._life = GrowingTable(tables.life_lines)
        folder.write("fleet.toml", freeze(world.fleet).encode())

    def write(self, now_s: float, ended: str | None) -> None:
        """Write everything as it stands at *now_s*; *ended* says why the run is over, None while it goes on."""
        world, folder = self._world, self._folder
        folder.flush()
        folder.write_table("rounds.csv", tables.ROUNDS, tables.round_lines(world.account, self._clients()))
        names = {resident.name for resident in world.residents}
        outcomes = tables.outcome_lines(world.account, world.fleet.start, names)
        folder.write_table("outcomes.csv", tables.OUTCOME_LINES, outcomes)
        reports = world.reports()
        devices = [(resident, reports[resident.name]) for resident in world.residents if resident.name in reports]
        folder.write_table("devices.csv", tables.DEVICES, tables.device_lines(world.account, devices, now_s))
        folder.write_rows("life.csv", tables.LIFE, self._life.rows(world.lived))
        self._write_model()
        folder.write_json("results.json", self._document(now_s, ended))

    def refer(self) -> None:
        """Train, on the very same buffers, what a federation has to be compared with: one model of all, one of each."""
        if self._judge is None:
            return
        task, learning = TASKS[self._world.fleet.learning.task], self._world.fleet.learning
        how = Fit(class_weight=learning.class_weight, epochs=learning.epochs, model=learning.model)
        nights = [[night.examples for night in buffer.nights()] for buffer in self._world.buffers.values()]
        devices = [own for own in nights if own]
        test = self._judge.examples
        if not devices:
            return
        together = thinned([night for own in devices for night in own], CENTRAL_EXAMPLES, how.model)
        some = [joined(task, own) for own in devices[:: max(1, math.ceil(len(devices) / LOCAL_MODELS))]]
        self._references = {
            "central": score(task, central(task, together, how), test.features, test.labels, how.model, test.start_s),
            "local_only": mean_score(task, local_only(task, some, how), test, how.model),
        }

    def _clients(self) -> dict[int, dict[str, Any]]:
        return {number: dict(metrics) for number, metrics in self._world.course.evaluate_metrics_clientapp.items()}

    def _document(self, now_s: float, ended: str | None) -> dict[str, Any]:
        world, course = self._world, self._world.course
        names = ("train_metrics_clientapp", "evaluate_metrics_clientapp", "evaluate_metrics_serverapp")
        rounds = [
            {"round": number} | {name: getattr(course, name).get(number) for name in names}
            for number in sorted(world.account.rounds)
        ]
        latest = max(course.evaluate_metrics_serverapp, default=None)
        final: dict[str, Any] = dict(course.evaluate_metrics_serverapp[latest]) if latest is not None else {}
        return {
            "fleet": world.fleet.name,
            "seed": world.fleet.seed,
            "clock": world.clock,
            "virtual_s": now_s,
            "rounds": rounds,
            "final": final | {"coefficients": self._coefficients()},
            "references": self._references,
            "account": self._account(ended),
            "verdict": None,
        }

    def _account(self, ended: str | None) -> dict[str, Any]:
        world = self._world
        totals: dict[str, Any] = {"ended": ended or "running", "reason": world.course.reason}
        for phase in PHASES:
            outcomes = dict.fromkeys(OUTCOMES, 0)
            energy_j = wasted_j = 0.0
            bytes_down = bytes_up = 0
            for number in world.account.rounds:
                for outcome, count in world.account.outcomes(number, phase).items():
                    outcomes[outcome] += count
                spent_j, lost_j = world.account.energy_j(number, phase)
                down, up = world.account.traffic_bytes(number, phase)
                energy_j, wasted_j = energy_j + spent_j, wasted_j + lost_j
                bytes_down, bytes_up = bytes_down + down, bytes_up + up
            selected = sum(line.selected[phase] for line in world.account.rounds.values())
            totals[phase] = {
                "selected": selected,
                "outcomes": outcomes,
                "energy_j": energy_j,
                "wasted_j": wasted_j,
                "bytes_down": bytes_down,
                "bytes_up": bytes_up,
            }
        totals["life_j"] = sum(report.life_j for report in world.reports().values())
        return totals

    def _coefficients(self) -> dict[str, list[float]]:
        """Return old → new by feature name, for a logistic model of one row; several classes are in model.json."""
        learning = self._world.fleet.learning
        if self._world.fleet.app is not None:
            return {}  # what a guest's arrays mean is its own affair
        names = TASKS[learning.task].feature_names
        first, last = self._first, self._world.course.arrays
        if learning.model != "logistic" or len(last[0]) != 1:
            return {}
        pairs = zip((*names, "intercept"), (*first[0][0], first[1][0]), (*last[0][0], last[1][0]), strict=True)
        return {name: [float(old), float(new)] for name, old, new in pairs}

    def _write_model(self) -> None:
        arrays, guest = self._world.course.arrays, self._world.fleet.app
        if guest is not None and not arrays:
            return  # its server shows nobody its model
        content = io.BytesIO()
        # zip files carry a date: numpy writes 1980 for every member, so the same model is the same bytes
        np.savez(content, *arrays)
        self._folder.write("model.npz", content.getvalue())
        if guest is not None:
            return
        learning = self._world.fleet.learning
        task = TASKS[learning.task]
        document = {"task": task.name, "classes": list(task.classes), "features": list(task.feature_names)}
        words = model_named(learning.model).described(task, arrays)
        self._folder.write_json("model.json", {**document, **words})
