"""The pair: the ServerApp and the ClientApp that a run is about, and what they are told."""

import functools
import math
from collections.abc import Mapping
from typing import Protocol

from flwr.serverapp import ServerApp

from aggregator.course import Arrays, Course, course_from
from aggregator.guest import guest_server
from aggregator.server_app import Witness, server_app
from devices.learning.models import initial_arrays
from devices.learning.task import TASKS
from devices.residents import residents
from devices.settings import Fleet
from fleetbeat.apps.loading import forget_guests, load_client, load_server
from fleetbeat.apps.project import Project, read_project
from fleetbeat.judge import Judge
from fleetbeat.plan import plan_of
from fleetbeat.workers import ClientLoader, NodeConfig, RunConfig, own_client


class Pair(Protocol):
    """Two Flower Apps."""

    @property
    def run_config(self) -> RunConfig:
        """What both find in ``context.run_config``."""

    @property
    def client(self) -> ClientLoader:
        """How a process gets the ClientApp."""

    def node_config(self, place: int, of: int) -> NodeConfig:
        """Return what the training device at *place* *of* so many finds in its context, its buffer aside."""

    def course(self) -> Course:
        """Return the course of a run that has not begun."""

    def server(self, trainers: int, course: Course, witness: Witness) -> ServerApp:
        """Return the ServerApp, which keeps *course* up to date and tells *witness*."""


def pair_for(fleet: Fleet, judge: Judge | None) -> Pair:
    """Return the pair that *fleet* trains; *judge* scores the models of our own.

    Raises SettingsError for a guest that cannot be had.
    """
    return OwnPair(fleet, judge) if fleet.app is None else GuestPair(read_project(fleet.app))


class OwnPair:
    """Fleetbeat's own apps: the fleet's strategy and task on its devices' buffers."""

    client = staticmethod(own_client)

    def __init__(self, fleet: Fleet, judge: Judge | None) -> None:
        self._fleet = fleet
        self._judge = judge
        self.run_config = own_run_config(fleet)

    def node_config(self, place: int, of: int) -> NodeConfig:
        """Return nothing: the buffer is all it needs."""
        return {}

    def course(self) -> Course:
        """Return a course that begins with the task's initial model."""
        return course_from(initial_arrays(TASKS[self._fleet.learning.task], self._fleet.learning.model))

    def server(self, trainers: int, course: Course, witness: Witness) -> ServerApp:
        """Return the fleet's server."""
        return server_app(plan_of(self._fleet, trainers), course, self._score, witness)

    def _score(self, arrays: Arrays) -> Mapping[str, float] | None:
        if self._judge is None:
            return None
        return {name: math.nan if figure is None else figure for name, figure in self._judge.score(arrays).items()}


class GuestPair:
    """The apps of somebody's own project, imported anew."""

    def __init__(self, project: Project) -> None:
        forget_guests()
        self._project = project
        self._server = load_server(project)
        load_client(project)  # now: in a worker nobody could say what is wrong with it
        self.run_config = project.config
        self.client = functools.partial(load_client, project)

    def node_config(self, place: int, of: int) -> NodeConfig:
        """Return what Flower's simulation says of a partition."""
        return {"partition-id": place, "num-partitions": of}

    def course(self) -> Course:
        """Return a course without a model: the guest's server has one of its own."""
        return course_from([])

    def server(self, trainers: int, course: Course, witness: Witness) -> ServerApp:
        """Return the guest's server, watched."""
        return guest_server(self._server, self._project.folder, course, witness)


def own_run_config(fleet: Fleet) -> RunConfig:
    """Return what our own apps need to know of ``[learning]``, flat, as Flower's run configuration is."""
    learning = fleet.learning
    trees: RunConfig = {}
    if learning.model == "xgboost":  # whose updates add up: a device has to know with how many others
        trainers = sum(resident.kind.trains for resident in residents(fleet))
        together = 1 if learning.strategy == "fedxgbcyclic" else plan_of(fleet, trainers).cohort.planned
        trees = {"strategy": learning.strategy, "devices_a_round": together}
    return {
        **trees,
        "fleet": fleet.name,
        "task": learning.task,
        "model": learning.model,
        "epochs": learning.epochs,
        "local_epochs": learning.local_epochs,
        "class_weight": learning.class_weight,
        "fraction_evaluate": learning.fraction_evaluate,
    }
