"""Worker processes: asked in batches, gone without a hang."""

import asyncio
import multiprocessing
import os
import signal
import time
from concurrent.futures.process import BrokenProcessPool

import pytest
from flwr.app import Context, Message, RecordDict

from aggregator.flower import identify
from broker.errors import WorkerLost
from broker.waiting import finished
from devices.buffer import MemoryBuffer
from fleetbeat.clock import run_virtual
from fleetbeat.workers import Crew, Job, Workers

CONFIG = {"buffer": "memory:home/phone-1"}
NODES = {"phone-1": (1, CONFIG)}


def task() -> Message:
    identify(1)
    return Message(RecordDict(), 1, "train")


def test_what_an_app_raises_is_its_answer() -> None:
    def app(_message: Message, _context: Context) -> Message:
        raise ValueError("too sad")

    reply = Crew(1, {}, app).answer(Job(1, CONFIG, task(), ())).message

    assert reply.error.reason == "ValueError: too sad"


def test_a_node_keeps_its_context_from_task_to_task() -> None:
    seen: list[Context] = []

    def app(message: Message, context: Context) -> Message:
        seen.append(context)
        return Message(RecordDict(), reply_to=message)

    crew = Crew(1, {"task": "night-quality"}, app)
    for node_id in (1, 2, 1):
        crew.answer(Job(node_id, CONFIG, task(), ()))

    assert seen[0] is seen[2] is not seen[1]
    assert seen[0].run_config == {"task": "night-quality"}


def test_a_worker_that_is_gone_is_an_error_and_no_hang() -> None:
    buffer = MemoryBuffer(CONFIG["buffer"], 1_000)
    workers = Workers(1, 1, {}, NODES)
    (child,) = workers._children

    async def ask() -> None:
        os.kill(child.pid or 0, signal.SIGKILL)
        for _ in range(2):
            work = workers.begin("phone-1", task())
            await asyncio.sleep(0)
            with pytest.raises(WorkerLost, match="a worker process is gone"):
                await finished(work, "the fit")

    run_virtual(ask(), patience_s=20.0)
    workers.close()
    assert buffer.reference == CONFIG["buffer"]


def die_in_mid_sentence() -> None:
    """Say that a megabyte follows, and die, as a process does that is killed while it answers."""
    answers = multiprocessing.current_process()._args[1]  # type: ignore[attr-defined]  # the pool's end is nowhere else
    answers._writer._send((1_000_000).to_bytes(4, "big") + b"the beginning")
    os._exit(9)


def test_a_worker_that_is_killed_in_the_middle_of_an_answer_is_gone_all_the_same() -> None:
    workers = Workers(1, 1, {}, NODES)
    answer = workers.processes[0].submit(die_in_mid_sentence)

    with pytest.raises(BrokenProcessPool):
        answer.result(60)

    workers.close()
    assert not any(child.is_alive() for child in workers._children)


def test_workers_are_not_waited_for() -> None:
    workers = Workers(1, 1, {}, NODES)
    began_s = time.monotonic()

    workers.close()

    assert time.monotonic() - began_s < 10.0
    assert not any(child.is_alive() for child in workers._children)
