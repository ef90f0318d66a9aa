"""The commands that look: at a fleet before it lives, and at a run afterwards."""

from pathlib import Path
from typing import Annotated

import typer

from fleetbeat.cli.app import app
from fleetbeat.cli.options import Days, Fleet, Json, Quiet, Run, Seed, Sets, Strategy, Verbose, fleet_from
from fleetbeat.terminal import listen, show_page, show_result


@app.command(epilog="Example: fleetbeat check ward")
def check(
    fleet: Fleet,
    seed: Seed = None,
    strategy: Strategy = None,
    sets: Sets = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Validate a fleet; tell who lives there and what a day costs them."""
    listen(verbose=verbose)
    loaded = fleet_from(fleet, seed=seed, strategy=strategy, sets=sets)

    from fleetbeat.check import check_up

    found = check_up(loaded)
    show_result(json, found.as_json, lambda: "" if quiet else found.words())


@app.command(epilog="Example: fleetbeat devices ward --days 7 --out ward-life")
def devices(
    fleet: Fleet,
    days: Days = None,
    seed: Seed = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Write life.csv and report.html there")] = None,
    sets: Sets = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Life without learning: power, reach, wear and readiness by hour of the day."""
    listen(verbose=verbose)
    loaded = fleet_from(fleet, seed=seed, days=days, sets=sets)

    from fleetbeat import population
    from fleetbeat.run_folder import unused_folder

    folder = unused_folder(out) if out is not None else None
    lived = population.live_without_learning(loaded)
    if folder is not None:
        population.write_population(lived, folder)
    show_result(json, lived.as_json, lambda: "" if quiet else population.words(lived))


@app.command(epilog="Example: fleetbeat evaluate runs/ward-7 walch-sample")
def evaluate(
    run: Run,
    recordings: Annotated[
        str,
        typer.Argument(metavar="RECORDINGS", help="A folder of recordings, or one that ships: walch-sample"),
    ],
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Score a run's final model on recorded persons whom it never saw."""
    listen(verbose=verbose)

    from devices.fleet_file import locate_recordings
    from fleetbeat import evaluate as examination
    from fleetbeat.saved_run import SavedRun

    found = examination.evaluate(SavedRun(run), locate_recordings(recordings))
    show_result(json, lambda: found, lambda: "" if quiet else examination.words(found))


@app.command(epilog="Example: fleetbeat report runs/household-7 --open")
def report(
    run: Run,
    show: Annotated[bool, typer.Option("--open", help="Show it in your browser")] = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Build report.html anew and print the summary."""
    listen(verbose=verbose)

    from fleetbeat.report import write_report
    from fleetbeat.saved_run import SavedRun
    from fleetbeat.summary import summary

    saved = SavedRun(run)
    path = write_report(saved)
    show_result(json, lambda: saved.results | {"report": str(path)}, lambda: "" if quiet else summary(saved))
    if show:
        show_page(path)


@app.command(epilog="Example: fleetbeat why runs/household-7 phone-1 2")
def why(
    run: Run,
    device: Annotated[str, typer.Argument(metavar="DEVICE", help="Its name, such as phone-1")],
    round_: Annotated[int, typer.Argument(metavar="ROUND", help="The number of the round")],
    evaluation: Annotated[
        bool, typer.Option("--evaluate", help="The evaluation of that round, not its training")
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Tell the chain behind one outcome: what the server asked, what the device was doing, and the cause."""
    listen(verbose=verbose)

    from fleetbeat import why as reasons
    from fleetbeat.saved_run import SavedRun

    chained = reasons.chain(SavedRun(run), device, round_, "evaluate" if evaluation else "train")
    show_result(json, lambda: chained, lambda: "" if quiet else reasons.story(chained))
