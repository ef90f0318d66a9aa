"""The commands. Each imports what it needs when it runs, so that ``--help`` answers at once."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="fleetbeat",
    help="Does federated learning hold up on real wrists? Let a fleet of devices live, learn and fail, and find out.",
    epilog="Start with: fleetbeat run household",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)

Fleet = Annotated[str, typer.Argument(metavar="FLEET", help="A fleet file, or the name of one that ships: household, ward …")]
Run = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, such as runs/household-7")]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Set any key of the fleet file, such as learning.fraction_train=0.1; repeatable"),
]
Seed = Annotated[int | None, typer.Option(help="Another life for everybody: overrides the fleet's seed")]
Days = Annotated[int | None, typer.Option(help="How many days of life")]
Out = Annotated[Path | None, typer.Option(metavar="DIR", help="Folder for the results; default runs/FLEET-SEED")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Log what happens inside, Flower included")]


@app.command(epilog="Example: fleetbeat run household --rounds 2 --set learning.strategy=fedmedian")
def run(
    fleet: Fleet,
    rounds: Annotated[int | None, typer.Option(help="How many rounds of learning")] = None,
    days: Days = None,
    seed: Seed = None,
    out: Out = None,
    broker: Annotated[
        str, typer.Option(metavar="WHERE", help="auto, mosquitto, memory, or mqtt://HOST:PORT, mqtts://HOST:PORT")
    ] = "auto",
    broker_credentials: Annotated[Path | None, typer.Option(metavar="FILE", help="Users and passwords of your own broker")] = None,
    broker_ca: Annotated[Path | None, typer.Option(metavar="FILE", help="The CA certificate of your own broker")] = None,
    strategy: Annotated[
        str | None, typer.Option(metavar="NAME", help="One of Flower's (fedavg, fedadam, krum …) or path.py:Class")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Processes for the fits; 0: none. Default: one a core, none for a small fleet")] = None,
    app_folder: Annotated[Path | None, typer.Option("--app", metavar="DIR", help="Any other Flower App to run on this fleet")] = None,
    sets: Sets = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Let a fleet live and learn in virtual time; write a run folder; print the rounds and the account."""
    from fleetbeat import commands

    commands.run(
        commands.RunOptions(
            fleet=fleet,
            rounds=rounds,
            days=days,
            seed=seed,
            out=out,
            broker=broker,
            broker_credentials=broker_credentials,
            broker_ca=broker_ca,
            strategy=strategy,
            workers=workers,
            app=app_folder,
            sets=tuple(sets or ()),
        ),
        commands.Voice(json=json, quiet=quiet, verbose=verbose),
    )
