"""The repository as a Flower App: ``flwr run .`` trains a fleet that lives, or one in Flower's own simulation.

Where the SuperLink's environment names a broker (`fleetbeat.live_app`), the fleet lives there. Otherwise every device
is always on and nothing takes time: what Flower's users know, and what a life can be compared with.
``docs/flower.md`` says what to type.
"""

import os
import random

from flwr.app import ArrayRecord, Context, MetricRecord
from flwr.serverapp import Grid, ServerApp
from flwr.superlink.grid import HttpGrid

from aggregator.strategies import Cohort, make_strategy
from broker.errors import SettingsError
from devices.fleet_file import Overrides, load_fleet
from devices.learning.models import initial_arrays
from devices.learning.task import TASKS
from devices.settings import Fleet
from fleetbeat.judge import Judge, judge_for
from fleetbeat.live_app import serve, whereabouts

server_app = ServerApp()


@server_app.main()
def main(grid: Grid, context: Context) -> None:
    """Train for as many rounds as the fleet or the run says and judge each model on strangers."""
    where = whereabouts(os.environ)
    if where is None:
        simulate(grid, context)
    elif isinstance(grid, HttpGrid):
        serve(grid, context, where, _say)
    else:
        raise SettingsError(
            "FLEETBEAT_BROKER is set, but this SuperLink simulates: a fleet that lives needs a real one"
        )


def simulate(grid: Grid, context: Context) -> None:
    """Train on nodes that are always on.

    The fleet is ``run_config["fleet"]``; all other keys stand for those of its ``[learning]``.
    """
    fleet = fleet_of(context)
    learning = fleet.learning
    nodes = list(grid.get_node_ids())
    cohort = Cohort(
        devices=len(nodes),
        fraction_train=learning.fraction_train,
        fraction_evaluate=learning.fraction_evaluate,
        min_train_devices=learning.min_train_devices,
    )
    if len(nodes) < cohort.min_train_devices:  # Flower would wait for more, and here none ever comes
        raise SettingsError(
            f"min_train_devices: found {cohort.min_train_devices}, expected {len(nodes)} or less, "
            'for so many nodes are there (more: --federation-config "num-supernodes=3")'
        )
    strategy = make_strategy(learning.strategy, learning.strategy_options, cohort)
    judge = judge_for(fleet)
    random.seed(fleet.seed)  # Flower samples with it
    _say(f"{fleet.name} in Flower's simulation: {len(nodes)} nodes, {learning.strategy}, {learning.task}")
    strategy.start(
        grid=grid,
        initial_arrays=ArrayRecord(initial_arrays(TASKS[learning.task], learning.model)),
        num_rounds=learning.rounds,
        evaluate_fn=lambda round_, arrays: _judged(judge, round_, arrays),
    )


def fleet_of(context: Context) -> Fleet:
    """Return the fleet that the run names, with the run's settings in place of its own."""
    run = dict(context.run_config)
    source = str(run.pop("fleet", "household"))
    return load_fleet(source, Overrides(sets=tuple(f"learning.{key}={value}" for key, value in run.items())))


def _judged(judge: Judge | None, round_: int, arrays: ArrayRecord) -> MetricRecord | None:
    if judge is None:
        _say(f"round {round_:>3}  (nobody is kept aside to judge it)")
        return None
    found = judge.score(arrays.to_numpy_ndarrays())
    known = {name: float(figure) for name, figure in found.items() if isinstance(figure, float | int)}
    _say(f"round {round_:>3}  " + "  ".join(f"{name} {figure:.3f}" for name, figure in known.items()))
    return MetricRecord({**known})


def _say(words: str) -> None:
    print(words, flush=True)  # noqa: T201  # what a ServerApp prints is what `flwr run --stream` shows
