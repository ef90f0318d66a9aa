"""Processes on this machine: each lives one seed and ends with it, so memory does not grow with the seeds."""

import multiprocessing
import os
from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from broker.errors import RunFolderError
from fleetbeat.family import deaf_to_ctrl_c, ends_with_parent
from fleetbeat.study.engines import Lost, News, Task

_SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class _Full:
    """The study's folder cannot be written."""

    words: str


@dataclass(frozen=True, slots=True)
class _Worker:
    task: Task
    process: BaseProcess
    news: "Connection[None, News | _Full | None]"


class Processes:
    """At most so many at once; who stops listening to the news ends them all."""

    def __init__(self, count: int, *, verbose: bool = False) -> None:
        """*verbose*: they log what happens inside."""
        self._count = count
        self._verbose = verbose

    def live(self, tasks: Sequence[Task]) -> Generator[News, None, None]:
        """Live *tasks*: see `Engine`. A process that dies without a word is told as lost."""
        waiting, workers = deque(tasks), dict[int, _Worker]()
        try:
            while waiting or workers:
                while waiting and len(workers) < self._count:
                    worker = self._begin(waiting.popleft())
                    workers[worker.task.seed] = worker
                speaking = wait([worker.news for worker in workers.values()])
                for worker in [worker for worker in workers.values() if worker.news in speaking]:
                    news = _heard(worker)
                    if isinstance(news, _Full):
                        raise RunFolderError(news.words)
                    if news is None or isinstance(news, Lost):
                        worker.process.join()
                        del workers[worker.task.seed]
                    if news is not None:
                        yield news
        finally:
            for worker in workers.values():
                worker.process.kill()
            for worker in workers.values():
                worker.process.join()

    def _begin(self, task: Task) -> _Worker:
        ours, theirs = _SPAWN.Pipe(duplex=False)
        process = _SPAWN.Process(target=_work, args=(task, theirs, self._verbose), name=f"seed {task.seed}")
        with deaf_to_ctrl_c():
            process.start()
        theirs.close()  # so that its end is heard
        return _Worker(task, process, ours)


def _heard(worker: _Worker) -> News | _Full | None:
    """Return the next word of *worker*; None: it is done."""
    try:
        return worker.news.recv()
    except EOFError:
        worker.process.join()
        code = worker.process.exitcode
        return Lost(worker.task.seed, f"its process is gone (exit code {code}): killed, perhaps for want of memory")


def _work(task: Task, news: "Connection[News | _Full | None, None]", verbose: bool) -> None:
    """Live one seed in a process of its own."""
    ends_with_parent()
    from fleetbeat.terminal import listen

    listen(verbose=verbose)  # before Flower is imported: it asks then how much to say
    from fleetbeat.study.engines.seed import live

    try:
        live(task, news.send)
    except RunFolderError as error:
        news.send(_Full(str(error)))
    except BaseException as error:
        news.send(Lost(task.seed, f"{type(error).__name__}: {error}"))
    else:
        news.send(None)
    news.close()
    os._exit(0)  # all is on disk; threads of a strategy that crashed must not keep us
