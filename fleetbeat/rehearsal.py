"""A run from beginning to end: broker, world and run folder, opened together and closed whatever happens."""

import os
import resource
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from platform import platform, python_version

from threadpoolctl import threadpool_limits

from aggregator.strategies import check_strategy
from broker.events import Event, Record, RoundEnded
from devices.annals import Annals
from devices.learning.models import check_model
from devices.residents import residents
from devices.settings import Fleet
from fleetbeat.apps.effort import with_effort
from fleetbeat.apps.pair import pair_for
from fleetbeat.brokers import BrokerChoice, opened
from fleetbeat.check import warn
from fleetbeat.collector import seldom_collecting
from fleetbeat.judge import Judge, judge_for
from fleetbeat.progress import Watcher
from fleetbeat.results import Results
from fleetbeat.run_folder import RunFolder, new_folder, told_if_cut_short
from fleetbeat.versions import versions
from fleetbeat.world import Onlookers, World

FEW_TRAINERS = 8
"""So few devices' fits take less time than it takes to start a process."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a run ended: the folder, why it ended, and whether any round changed the model."""

    path: Path
    cause: str
    aggregated: bool
    world: World | None = None
    """Where it lived, if that was in this process."""


def run(
    fleet: Fleet,
    *,
    out: Path | None = None,
    broker: BrokerChoice | None = None,
    workers: int | None = None,
    quiet: bool = False,
    judge: Judge | None = None,
    refers: bool = True,
    heard: Record | None = None,
    annals: Annals | None = None,
) -> Ran:
    """Let *fleet* live and learn; write its run folder, whatever ends the run.

    A study brings its own *judge* (None: the fleet's), trains what it compares with by itself (not *refers*),
    hears of every event, and has *annals* of its days.
    """
    threadpool_limits(1)
    if fleet.app is None:  # either is looked at before anything is opened
        check_model(fleet.learning.model)
        check_strategy(fleet.learning.strategy, fleet.learning.strategy_options)
    else:
        pair_for(fleet, None)
    began = time.perf_counter()
    here = residents(fleet)
    path = new_folder(out, fleet.name, fleet.seed)
    trainers = sum(1 for resident in here if resident.kind.trains)
    if workers is None:
        workers = 0 if trainers <= FEW_TRAINERS else min(max(1, (os.cpu_count() or 1) - 1), 8)  # one core is for life
    with (
        seldom_collecting(),
        Watcher(fleet, quiet=quiet) as watcher,
        told_if_cut_short(path, watcher.say),
        opened(broker or BrokerChoice(), fleet.name, here) as (wire, which),
    ):
        watcher.say(
            f"{fleet.name}: {len(here)} devices, seed {fleet.seed}, broker {which}, "
            f"{workers or 'no'} worker process{'' if workers == 1 else 'es'} → {path}"
        )
        warn(fleet, here, watcher.say)
        fleet = with_effort(fleet, here, watcher.say)
        judge = judge or judge_for(fleet)

        def round_ended(event: RoundEnded) -> None:
            watcher.round_ended(event, world.account)
            results.write(event.t_s, None)

        def record(event: Event) -> None:
            folder.record(event)
            if heard is not None:
                heard(event)

        world = World(fleet, here, wire, workers, judge, Onlookers(record, round_ended, watcher.moment), annals)
        folder = RunFolder(path)  # only now: a fleet that cannot live leaves no folder behind
        results = Results(folder, world, judge)
        cause = ""
        with closing(folder):
            try:
                cause = world.run()
                if refers:
                    results.refer()
            except KeyboardInterrupt:
                cause = cause or "stopped"  # who interrupts what comes after life changes nothing of how that ended
                raise
            finally:
                about = machine(which, workers, time.perf_counter() - began, world.now_s)
                try:
                    results.write(world.now_s, cause or "failed")
                except KeyboardInterrupt:  # then the run is told as cut short
                    folder.write_json("run.json", about)
                    raise
                folder.write_json("run.json", about)
    return Ran(path, cause, learned(world, cause), world)


def learned(world: World, cause: str) -> bool:
    """Whether any round changed the model.

    What a guest makes of updates is seen only if a strategy of Flower's makes it. Of one with a loop of its own that
    came to its end, updates that were delivered have to do.
    """
    if any(line.updates for line in world.account.rounds.values()):
        return True
    unseen = world.fleet.app is not None and cause == "rounds_done" and not world.course.arrays
    return unseen and any(trail.outcome == "delivered" for trail in world.account.trails())


def machine(broker: str, workers: int, wall_s: float, life_s: float) -> dict[str, object]:
    """Return all that depends on the machine; the command line names files of secrets, never what is in them."""
    mine = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    to_mb = 1 / 1_048_576 if sys.platform == "darwin" else 1 / 1_024
    return {
        "command": sys.argv,
        "versions": versions(),
        "python": python_version(),
        "platform": platform(),
        "broker": broker,
        "workers": workers,
        "wall_s": round(wall_s, 3),
        "virtual_s_per_wall_s": round(life_s / wall_s, 1),
        "peak_memory_mb": {"main": round(mine * to_mb), "largest_child": round(children * to_mb)},
    }
