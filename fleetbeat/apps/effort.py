"""The effort of a guest's fit, measured once: seconds on this processor become arithmetic, messages megabytes.

A device of the fleet is not this machine. So the seconds of a few real fits are translated into giga-operations by
this processor's own speed at training arithmetic, measured in the same minute, and every device takes as long for
them as its profile says. The figure goes into the run's fleet file, where it can be read, doubted and corrected.
"""

import statistics
import time
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass
from sys import stderr
from zlib import crc32

import numpy as np
from flwr.app import Message, RecordDict
from flwr.serverapp import Grid

from aggregator import server_time
from aggregator.draws import seed_global_generators
from aggregator.flower import (
    NodeInfo,
    Run,
    copy_of_run,
    identify,
    instruction,
    named,
    sealed,
    server_context,
)
from aggregator.legacy import in_one_thread
from aggregator.presence import Presence
from aggregator.tasks import Label, Node, Task
from broker.messages import unix_start
from devices.learning_table import Work
from devices.residents import Device
from devices.settings import Fleet
from devices.workload import ENVELOPE_BYTES, arrays_bytes
from fleetbeat.apps.loading import forget_guests, load_client, load_server
from fleetbeat.apps.project import read_project
from fleetbeat.fit_clock import FitClock
from fleetbeat.workers import Crew, Job, NodeConfig

FITS = 5
"""So many fits are timed, the first of them left out: it loads data and warms up libraries."""

BATCH, WIDTH = 32, 256
"""The arithmetic that stands for training: a dense layer of this width on batches of this size, float32."""
PASSES = 200

PATIENCE_S = 3_600.0
"""A server that sleeps for so long (of no time at all) and asks for nothing waits for what does not come."""

DIGITS = 3
"""More digits than a clock is good for would only look exact."""


@dataclass(frozen=True, slots=True)
class Effort:
    """What was measured."""

    fits: int
    fit_s: float
    gflops: float
    work: Work

    def __str__(self) -> str:
        work = self.work
        return (
            f"work measured: a fit took {self.fit_s:.3g} s here (median of {self.fits}), at {self.gflops:.3g} GFLOP/s: "
            f"work = {{ gflop = {work.gflop:g}, mb_down = {work.mb_down:g}, mb_up = {work.mb_up:g} }}, "
            "written into the run's fleet.toml"
        )


def with_effort(fleet: Fleet, residents: Iterable[Device], say: Callable[[str], None]) -> Fleet:
    """Return *fleet* with the ``work`` of its guest measured, if it has one and does not say.

    *say* is told where the figures come from. Of a guest whose server fails before it asks for a fit nothing is
    measured: the run will tell of it.
    """
    if fleet.app is None:
        return fleet
    if (work := fleet.learning.work) is not None:
        say(
            f"work of a fit: declared by {fleet.name} ({work.gflop:g} GFLOP, {work.mb_down:g} MB down, "
            f"{work.mb_up:g} MB up); --set learning.work=measured measures the app's own"
        )
        return fleet
    effort = measure(fleet, residents)
    if effort is None:
        return fleet
    say(str(effort))
    return fleet.model_copy(update={"learning": fleet.learning.model_copy(update={"work": effort.work})})


def measure(fleet: Fleet, residents: Iterable[Device]) -> Effort | None:
    """Return what a fit of the fleet's guest takes; None if its server fails before it asks for one.

    Its server is begun on a grid where every training device is there and answers at once, and is left when a few
    fits are done. Raises SettingsError for a guest that cannot be had.
    """
    assert fleet.app is not None
    project = read_project(fleet.app)
    forget_guests()
    server = load_server(project)
    crew = Crew(1, project.config, load_client(project))
    trainers = sum(resident.kind.trains for resident in residents)
    clock = FitClock(unix_start(fleet.start))
    grid = TryOut(crew, trainers, clock)
    identify(1)
    with (
        suppress(Exception, SystemExit),  # a server that fails fails in the run as well, and is told there
        suppress(_Enough),
        redirect_stdout(stderr),
        server_time.lived_by(clock),
        in_one_thread(grid, lambda strategy: strategy),
    ):
        seed_global_generators(1, crc32(b"guest"))
        server(grid, server_context(1, project.config))
    return grid.effort()


class _Enough(BaseException):
    """Enough fits were timed, or none will come: leaves the guest's server, whatever it catches."""


@dataclass(frozen=True, slots=True)
class _Timed:
    wall_s: float
    bytes_down: int
    bytes_up: int


class TryOut(Grid):
    """A grid whose nodes are all there and answer at once; it times fits, and ends the server when it has enough.

    A server that waits for more nodes than there are is ended too: the run's own grid will say what it waits for.
    """

    def __init__(self, crew: Crew, nodes: int, clock: FitClock) -> None:
        """*clock* is the server's."""
        self._crew = crew
        self._clock = clock
        self._t0_unix = clock.unix_s(seen=False)
        self._heard_s = 0.0
        self._run = Run.create_empty(crew.run_id)
        self._nodes = {place + 2: place for place in range(nodes)}  # 0 and 1 are Flower's own
        self._answers: dict[str, Message] = {}
        self._sent = 0
        self._timed: list[_Timed] = []

    def effort(self) -> Effort | None:
        """Return what came out, if there was a fit."""
        timed = self._timed[1:] or self._timed
        if not timed:
            return None
        fit_s, gflops = statistics.median(fit.wall_s for fit in timed), processor_gflops()
        work = Work(
            gflop=_rounded(fit_s * gflops),
            mb_down=_rounded(statistics.median(fit.bytes_down for fit in timed) / 1e6),
            mb_up=_rounded(statistics.median(fit.bytes_up for fit in timed) / 1e6),
        )
        return Effort(len(timed), fit_s, gflops, work)

    def set_run(self, run: Run) -> None:
        """Remember the run."""
        self._run = run

    @property
    def run(self) -> Run:
        """The run, a copy."""
        return copy_of_run(self._run)

    def create_message(
        self, content: RecordDict, message_type: str, dst_node_id: int, group_id: str, ttl: float | None = None
    ) -> Message:
        """Return a new instruction."""
        return Message(content, dst_node_id, message_type, ttl=ttl, group_id=group_id)

    def get_node_ids(self) -> Iterable[int]:
        """Return all nodes."""
        if self._clock.now_s() - self._heard_s > PATIENCE_S:
            raise _Enough
        return list(self._nodes)

    def get_nodes(self) -> Iterable[NodeInfo]:
        """Return the same as records."""
        return [NodeInfo(node_id=node_id, status="online") for node_id in self._nodes]

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        """Answer all messages; of trainings only so many as are timed, and then the server is left."""
        return [self._answered(message) for message in messages]

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        """Return the answers."""
        return [self._answers.pop(message_id) for message_id in message_ids if message_id in self._answers]

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float | None = None) -> Iterable[Message]:
        """Return the answers to *messages*."""
        return self.pull_messages(list(self.push_messages(list(messages))))

    def _answered(self, message: Message) -> str:
        self._sent += 1
        self._heard_s = self._clock.now_s()
        task_id, training = f"task-{self._sent}", message.metadata.message_type.startswith("train")
        reply = self._asked(message, task_id)
        while training and len(self._timed) < FITS and self._last_of_few():
            reply = self._asked(message, task_id)
        if len(self._timed) >= FITS:
            raise _Enough
        named(message, task_id)
        self._answers[task_id] = sealed(reply, task_id, self._crew.run_id, self._t0_unix, 1.0)
        return task_id

    def _last_of_few(self) -> bool:
        """Whether there are too few nodes for so many fits: then the last one does the others, too."""
        return self._sent % len(self._nodes) == 0

    def _asked(self, message: Message, task_id: str) -> Message:
        node_id, sent = message.metadata.dst_node_id, message.metadata
        label = Label(0, sent.message_type)
        node = Node("", node_id, 0, Presence(1.0, 0.0), lambda: None)
        task = Task(task_id, node, label, message.content, sent.message_type, sent.group_id, 0.0, sent.ttl)
        asked = instruction(task, self._crew.run_id, self._t0_unix)
        config: NodeConfig = {
            "partition-id": self._nodes[node_id],
            "num-partitions": len(self._nodes),
            "buffer": NOWHERE,
        }
        began_s = _wall_s()
        reply = self._crew.answer(Job(node_id, config, asked, (), self._t0_unix)).message
        took_s = _wall_s() - began_s
        if sent.message_type.startswith("train"):
            up = 0 if reply.has_error() else arrays_bytes(reply)
            self._timed.append(_Timed(took_s, ENVELOPE_BYTES + arrays_bytes(message), ENVELOPE_BYTES + up))
        return reply


NOWHERE = "memory:measuring/nobody"
"""The buffer of a device that has not lived: a guest that reads it finds none."""


def processor_gflops() -> float:
    """Return this processor's speed at training a dense layer, one thread: giga-operations a second.

    Six operations for each weight and example: two forward, four backward, as `devices.workload` counts.
    """
    rng = np.random.default_rng(0)
    batch = rng.standard_normal((BATCH, WIDTH), dtype=np.float32)
    weights = rng.standard_normal((WIDTH, WIDTH), dtype=np.float32) / WIDTH
    began_s = _wall_s()
    for _ in range(PASSES):
        error = batch @ weights
        gradient, _back = batch.T @ error, error @ weights.T
        weights -= 1e-6 * gradient
    return 6 * BATCH * WIDTH * WIDTH * PASSES / (_wall_s() - began_s) / 1e9


def _wall_s() -> float:
    """Return real seconds, in a thread whose clocks are virtual, too."""
    return time.clock_gettime(time.CLOCK_MONOTONIC)


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
