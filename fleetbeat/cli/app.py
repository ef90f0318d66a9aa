"""The front door: the app that all commands belong to."""

from typing import Annotated

import typer

from fleetbeat.terminal import show_versions

app = typer.Typer(
    name="fleetbeat",
    help="Does federated learning hold up on real wrists? Let a fleet of devices live, learn and fail, and find out.",
    epilog="Start with: fleetbeat run household",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=show_versions, help="Say which version this is")
    ] = False,
) -> None:
    """Take what belongs to no command."""
