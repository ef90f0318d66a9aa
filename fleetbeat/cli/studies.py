"""The command of studies: arms and seeds in, a verdict out."""

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fleetbeat.cli.app import app
from fleetbeat.cli.options import Json, Quiet, Verbose
from fleetbeat.terminal import listen, print_json, say

if TYPE_CHECKING:
    from fleetbeat.study.engines import Engine

PROCESSES = "processes"
ENGINES = f"{PROCESSES}, ray, ray://HOST:PORT"


@app.command(epilog="Example: fleetbeat study does-it-hold-up --seeds 3")
def study(
    study: Annotated[
        str, typer.Argument(metavar="STUDY", help="A study file, or the name of one that ships: does-it-hold-up …")
    ],
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Its folder; one that holds this study goes on. Default runs/study-NAME"),
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Seeds lived at once. Default: one for each core")] = None,
    seeds: Annotated[
        int | None, typer.Option(min=1, help="How many seeds: the first of the study's. Default: all, or 10")
    ] = None,
    engine: Annotated[
        str, typer.Option(metavar="WHERE", help="processes (of this machine), ray, or ray://HOST:PORT")
    ] = PROCESSES,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Does it hold up? Let the arms of a study live the same days, seed by seed, and give a verdict with intervals.

    A study names a fleet, the arms that change it, and what holding up means; reference arms come with it (all data
    in one place, each device alone, no learning at all, devices that are always on). Each arm and seed leaves a run
    folder in DIR/ARM/SEED; tables, verdict.json and report.html lie in DIR. Interrupted, the same command goes on.
    """
    listen(verbose=verbose)

    from fleetbeat.study.study_file import load_study

    plan = load_study(study)
    chosen = plan.seeds(seeds)

    from fleetbeat.study import run as studies
    from fleetbeat.study.folder import default_folder

    place = engine_of(engine, min(workers or os.cpu_count() or 1, len(chosen)), verbose=verbose)
    path = out or default_folder(plan)
    studied = studies.run(plan, path, place, seeds=chosen, quiet=quiet or json)

    from rich.console import Console

    from fleetbeat.study.study_tables import document
    from fleetbeat.study.summary import show

    if json:
        print_json(document(studied.study, studied.verdict) | {"path": str(path)})
    else:
        console = Console(highlight=False)
        console = console if console.is_terminal else Console(highlight=False, width=140)
        show(console, studied.study, studied.cells, studied.verdict, path)
    for cell in studied.crashed:
        say(f"fleetbeat: {cell.arm}, seed {cell.seed}, crashed: {cell.error}")
    if studied.stopped:
        again = ["fleetbeat", "study", study, "--out", str(path), *(["--seeds", str(seeds)] if seeds else [])]
        again += ["--engine", engine] if engine != PROCESSES else []
        say(f"fleetbeat: stopped; this goes on with what is missing: {shlex.join(again)}")
        raise typer.Exit(130)
    if studied.verdict.verdict != "held up" or studied.crashed:
        raise typer.Exit(1)


def engine_of(where: str, count: int, *, verbose: bool) -> "Engine":
    """Return the engine that ``--engine`` means; raises UsageError for a word that means none."""
    from broker.errors import UsageError

    if where == "ray" or where.startswith("ray://"):
        from fleetbeat.study.engines.on_ray import OnRay

        return OnRay(None if where == "ray" else where, count, verbose=verbose)
    if where != PROCESSES:
        from devices.complaints import did_you_mean

        raise UsageError(f"--engine {where}: expected one of {ENGINES}{did_you_mean(where, [PROCESSES, 'ray'])}")

    from fleetbeat.study.engines.processes import Processes

    return Processes(count, verbose=verbose)
