"""The end of a run as its command tells it: the report, the words, the exit code."""

from typing import TYPE_CHECKING

import typer

from fleetbeat.terminal import say, show_result

if TYPE_CHECKING:
    from fleetbeat.rehearsal import Ran


def tell_the_end(ran: "Ran", *, json: bool) -> None:
    """Write the report of a run, print what came of it, and exit with what that means."""
    from fleetbeat.collector import seldom_collecting
    from fleetbeat.report import write_report
    from fleetbeat.saved_run import SavedRun
    from fleetbeat.summary import summary

    saved = SavedRun(ran.path)
    with seldom_collecting():
        write_report(saved)
    show_result(json, lambda: saved.results | {"path": str(ran.path)}, lambda: summary(saved))
    if ran.cause == "stopped":
        raise typer.Exit(130)
    if ran.cause == "failed" and saved.fleet.app is not None:
        say(f"fleetbeat: the app failed: {saved.results['account']['reason']}")
        raise typer.Exit(1)
    if not ran.aggregated:
        reason = saved.results["account"]["reason"] or f"ask `fleetbeat why {ran.path} DEVICE ROUND`"
        say(f"fleetbeat: no round was aggregated ({ran.cause.replace('_', ' ')}): {reason}")
        raise typer.Exit(1)
