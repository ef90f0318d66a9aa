"""Hosting: a ServerApp, unmodified, called as Flower calls it, in a thread and a time of its own."""

import asyncio

from flwr.serverapp import ServerApp

from aggregator import server_time
from aggregator.flower import copy_of_run, identify, server_context
from aggregator.grid import FleetGrid
from aggregator.turns import Turns


def serve(
    app: ServerApp, grid: FleetGrid, turns: Turns, run_config: dict[str, bool | float | int | str]
) -> "asyncio.Future[None]":
    """Call *app* on *grid*; the future is done when it returns, with its exception if it raises one.

    One run per process at a time: Flower keeps the identity of a run in a class. `Turns.end` ends it early.
    """
    run = copy_of_run(grid.run)
    identify(run.run_id)
    grid.set_run(run)
    context = server_context(run.run_id, run_config)

    def work() -> None:
        with server_time.lived_by(grid):
            app(grid, context)

    return turns.start(work)
