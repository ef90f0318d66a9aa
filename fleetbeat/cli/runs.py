"""The commands that let a fleet live and learn: in virtual time, and live."""

from pathlib import Path
from typing import Annotated

import typer

from fleetbeat.cli.app import app as commands
from fleetbeat.cli.ending import tell_the_end
from fleetbeat.cli.options import (
    Days,
    Fleet,
    GuestApp,
    Json,
    Out,
    OwnBrokerCa,
    OwnBrokerCredentials,
    Quiet,
    Rounds,
    Seed,
    Sets,
    Strategy,
    Verbose,
    as_live,
    fleet_from,
    running,
)
from fleetbeat.terminal import listen


@commands.command(epilog="Example: fleetbeat run household --rounds 2 --strategy fedmedian")
def run(
    fleet: Fleet,
    rounds: Rounds = None,
    days: Days = None,
    seed: Seed = None,
    out: Out = None,
    broker: Annotated[
        str, typer.Option(metavar="WHERE", help="auto, mosquitto, memory, or mqtt://HOST:PORT, mqtts://HOST:PORT")
    ] = "auto",
    broker_credentials: OwnBrokerCredentials = None,
    broker_ca: OwnBrokerCa = None,
    strategy: Strategy = None,
    app: GuestApp = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Processes for the fits, and for days ahead of time (0: none). "
            "Default: all cores but one, none for a few devices",
        ),
    ] = None,
    sets: Sets = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Let a fleet live and learn in virtual time; write a run folder; print the rounds and the account."""
    listen(verbose=verbose)
    loaded = fleet_from(fleet, seed=seed, days=days, rounds=rounds, strategy=strategy, sets=sets, app=app)

    from fleetbeat import rehearsal
    from fleetbeat.brokers import BrokerChoice

    choice = BrokerChoice(broker, broker_credentials, broker_ca)
    tell_the_end(rehearsal.run(loaded, out=out, broker=choice, workers=workers, quiet=quiet or json), json=json)


@commands.command(epilog="Example: fleetbeat up household --speed 720")
def up(
    fleet: Fleet,
    speed: Annotated[
        float, typer.Option(min=0.001, max=1_000_000, help="Seconds of life in a second: 1 is real time")
    ] = 720.0,
    rounds: Rounds = None,
    seed: Seed = None,
    out: Out = None,
    broker: Annotated[
        str, typer.Option(metavar="WHERE", help="mosquitto (a private one), mqtt://HOST:PORT or mqtts://HOST:PORT")
    ] = "mosquitto",
    broker_credentials: OwnBrokerCredentials = None,
    broker_ca: OwnBrokerCa = None,
    superlink: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="HOST:PORT of a SuperLink of your own; default: a private one")
    ] = None,
    superlink_ca: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The CA certificate of your own SuperLink")
    ] = None,
    strategy: Strategy = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Submit no run: wait for your own `flwr run . CONNECTION`")
    ] = False,
    plain: Annotated[bool, typer.Option("--plain", help="Do not seal readings: to look at them")] = False,
    insecure: Annotated[bool, typer.Option("--insecure", help="No TLS")] = False,
    sets: Sets = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Let a fleet live and learn for real: a broker, a Flower SuperLink, and a clock that runs SPEED times as fast.

    While it lives, type what happens to a device: `phone-1 unplug`.
    """
    listen(verbose=verbose)
    loaded = as_live(fleet_from(fleet, seed=seed, rounds=rounds, strategy=strategy, sets=sets))

    from fleetbeat import live
    from fleetbeat.brokers import BrokerChoice
    from fleetbeat.premises import Wishes

    wishes = Wishes(
        broker=BrokerChoice(broker, broker_credentials, broker_ca),
        superlink=superlink,
        superlink_ca=superlink_ca,
        plain=plain,
        insecure=insecure,
    )
    tell_the_end(
        live.up(loaded, wishes, speed=running(speed), submits=not wait, out=out, quiet=quiet or json), json=json
    )
