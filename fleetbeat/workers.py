"""The workers: processes that run the ClientApp for the devices, so that fits use every core and no virtual time.

A device always meets the same worker, which keeps the app's state of that node and the examples it
has seen; only what is new travels. With no workers the app runs in this process.
"""

import asyncio
import multiprocessing
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import nullcontext
from dataclasses import dataclass, field
from zlib import crc32

from flwr.app import Context, Error, Message, RecordDict
from flwr.common.constant import ErrorCode

from aggregator import server_time
from aggregator.draws import seed_global_generators
from broker.errors import WorkerLost
from devices.buffer import Buffer, KeptNight, MemoryBuffer, open_buffer
from devices.uplink import Fit
from fleetbeat.family import deaf_to_ctrl_c, ends_with_parent
from fleetbeat.fit_clock import FitClock

BATCH = 32
"""So many jobs go to a worker at once: few enough that it begins while other devices still ask, and that the first
replies are handled while it works on the next; enough that sending them costs little."""

NodeConfig = Mapping[str, str | int | float | bool]
RunConfig = Mapping[str, str | int | float | bool]
ClientApp = Callable[[Message, Context], Message]
ClientLoader = Callable[[], ClientApp]
"""How a process gets the app: it travels to the workers, which call it once."""


def own_client() -> ClientApp:
    """Return Fleetbeat's own ClientApp."""
    from devices.learning.client_app import app  # brings scikit-learn: only who fits waits for it

    return app


@dataclass(frozen=True, slots=True)
class Job:
    """One message for one node, with the nights that its worker has not seen yet."""

    node_id: int
    node_config: NodeConfig
    message: Message
    nights: Sequence[KeptNight]
    unix_s: float | None = None
    """The date at which the device begins, for an app that looks at a clock; None: the wall's, as it goes (live)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the app made of a job, and how long it slept meanwhile."""

    message: Message
    slept_s: float


@dataclass
class Crew:
    """One process's apps and memories: who answers jobs, here or in a worker."""

    run_id: int
    run_config: RunConfig
    app: ClientApp
    contexts: dict[int, Context] = field(default_factory=dict)
    buffers: dict[str, Buffer] = field(default_factory=dict)

    def answer(self, job: Job) -> Answer:
        """Run the app, in a time of its own if there is one; an exception becomes the error reply of a SuperNode.

        Global generators are seeded for each task and node, so that what an app draws depends on nobody else.
        """
        reference = str(job.node_config["buffer"])
        if job.nights:
            buffer = self.buffers.get(reference)
            if buffer is None:
                buffer = self.buffers[reference] = MemoryBuffer(reference, 0)
            for night in job.nights:
                buffer.keep_night(night.index, night.examples, night.fresh, night.readings)
        context = self.contexts.get(job.node_id)
        if context is None:
            context = self.contexts[job.node_id] = Context(
                self.run_id, job.node_id, dict(job.node_config), RecordDict(), dict(self.run_config)
            )
        seed_global_generators(self.run_id, job.node_id, crc32(job.message.metadata.message_id.encode()))
        clock = None if job.unix_s is None else FitClock(job.unix_s)
        try:
            with nullcontext() if clock is None else server_time.lived_by(clock):
                reply = self.app(job.message, context)
        except (Exception, SystemExit) as error:  # whatever the app raises is the app's outcome, as on a SuperNode
            name = type(error).__name__
            reply = Message(Error(ErrorCode.CLIENT_APP_RAISED_EXCEPTION, f"{name}: {error}"), reply_to=job.message)
        return Answer(reply, 0.0 if clock is None else clock.slept_s)


_crew: Crew | None = None  # this worker process's own; a pool's initializer has no other place to leave it


def _start(run_id: int, run_config: RunConfig, client: ClientLoader) -> None:
    global _crew  # set once, when the process starts
    from threadpoolctl import threadpool_limits

    ends_with_parent()
    sys.stdout = sys.stderr  # what an app prints is no result of ours
    _crew = Crew(run_id, run_config, client())
    threadpool_limits(1)  # only now: it knows the libraries that the app has loaded


def _answer_all(jobs: Sequence[Job]) -> list[Answer]:
    assert _crew is not None
    return [_crew.answer(job) for job in jobs]


class Workers:
    """Keeps the devices' promise of an `App`: begin now, result when asked for."""

    def __init__(
        self,
        count: int,
        run_id: int,
        run_config: RunConfig,
        nodes: Mapping[str, tuple[int, NodeConfig]],
        client: ClientLoader = own_client,
        t0_unix: float = 0.0,
    ) -> None:
        """Start *count* processes (0: none); *nodes* gives each device's node id and configuration.

        *client* loads the app in each of them; *t0_unix* is the date of the loop's time 0.
        """
        self._nodes = nodes
        self._t0_unix = t0_unix
        self._here: Crew | None = None
        self._turn = {device: number for number, device in enumerate(nodes)}
        self._seen: dict[str, dict[int, KeptNight]] = {device: {} for device in nodes}
        self._batches: list[list[tuple[Job, Fit]]] = [[] for _ in range(count)]
        spawn = multiprocessing.get_context("spawn")
        self._pools = [
            ProcessPoolExecutor(1, mp_context=spawn, initializer=_start, initargs=(run_id, run_config, client))
            for _ in range(count)
        ]
        before = set(multiprocessing.active_children())
        with deaf_to_ctrl_c():
            for pool in self._pools:
                pool.submit(int)  # start it now: importing Flower takes a second, and nobody waits for it
                # The child has this end of its own now: with ours open, whoever reads would wait for ever for the rest
                # of an answer that a killed child had begun.
                pool._result_queue._writer.close()  # type: ignore[attr-defined]  # the library leaves no other way
        self._children = set(multiprocessing.active_children()) - before
        if not count:
            self._here = Crew(run_id, run_config, client())

    def begin(self, device: str, message: Message) -> Fit:
        """Start the app on *message* for *device*; the reply comes when it is done."""
        node_id, config = self._nodes[device]
        now_unix = self._t0_unix + asyncio.get_running_loop().time()
        result = Fit()
        if self._here is not None:
            _give(result, self._here.answer(Job(node_id, config, message, (), now_unix)))
            return result
        number = self._turn[device] % len(self._pools)
        batch = self._batches[number]
        batch.append((Job(node_id, config, message, self._news(device, str(config["buffer"])), now_unix), result))
        if len(batch) == 1:
            asyncio.get_running_loop().call_soon(self._send, number)
        elif len(batch) == BATCH:
            self._send(number)
        return result

    @property
    def processes(self) -> Sequence[Executor]:
        """One executor for each process: what is submitted there is done in turn with its fits."""
        return self._pools

    def close(self) -> None:
        """End the processes; what they still do is not waited for."""
        for child in self._children:
            child.terminate()
        for pool in self._pools:
            pool.shutdown(cancel_futures=True)

    def _news(self, device: str, reference: str) -> list[KeptNight]:
        """Return the nights that the device's worker has not seen as they are now."""
        seen = self._seen[device]
        news = [night for night in open_buffer(reference).nights() if seen.get(night.index) is not night]
        seen.update((night.index, night) for night in news)
        return news

    def _send(self, number: int) -> None:
        batch, self._batches[number] = self._batches[number], []
        if not batch:  # it was full, and is on its way
            return
        try:
            answers = self._pools[number].submit(_answer_all, [job for job, _ in batch])
        except BrokenProcessPool as error:
            _lost(batch, error)
            return

        def spread(done: "Future[list[Answer]]") -> None:
            if done.cancelled():
                return  # the run is over
            if (error := done.exception()) is not None:
                _lost(batch, error)
                return
            for (_, result), answer in zip(batch, done.result(), strict=True):
                _give(result, answer)

        answers.add_done_callback(spread)


def _give(fit: Fit, answer: Answer) -> None:
    fit.slept_s = answer.slept_s
    fit.set_result(answer.message)


def _lost(batch: Sequence[tuple[Job, Fit]], error: BaseException) -> None:
    """Tell everybody who waits what happened to the worker."""
    if isinstance(error, BrokenProcessPool):
        error = WorkerLost("a worker process is gone: killed, perhaps for want of memory; --workers 0 needs none")
    for _, result in batch:
        result.set_exception(error)
