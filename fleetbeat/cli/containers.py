"""The commands of containers: one hosts devices, one is the office."""

from pathlib import Path
from typing import Annotated

import typer

from fleetbeat.cli.app import app
from fleetbeat.cli.ending import tell_the_end
from fleetbeat.cli.options import (
    BrokerAt,
    BrokerCa,
    BrokerCredentials,
    Insecure,
    Json,
    LiveFleet,
    LiveSeed,
    LiveSets,
    Out,
    Quiet,
    Rounds,
    SuperLinkAt,
    SuperLinkCa,
    Verbose,
    as_live,
    fleet_from,
    running,
)
from fleetbeat.terminal import listen, say


@app.command(epilog="Example: fleetbeat host household --devices phone-1 --broker mqtts://broker:8883")
def host(
    fleet: LiveFleet,
    devices: Annotated[
        str,
        typer.Option(metavar="A,B", envvar="FLEETBEAT_DEVICES", help="Who lives here; who streams to them does too"),
    ] = "",
    all_but: Annotated[
        str, typer.Option(metavar="A,B", envvar="FLEETBEAT_ALL_BUT", help="Everybody lives here but these")
    ] = "",
    house: Annotated[
        str, typer.Option(metavar="USER", envvar="FLEETBEAT_HOUSE", help="This process's user at the broker")
    ] = "house",
    broker: BrokerAt = "mqtts://localhost:8883",
    broker_ca: BrokerCa = None,
    broker_credentials: BrokerCredentials = None,
    keys: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", envvar="FLEETBEAT_KEYS", help="The wearers' keys; without, readings are not sealed"
        ),
    ] = None,
    plain: Annotated[
        bool, typer.Option("--plain", envvar="FLEETBEAT_PLAIN", help="Do not seal readings, whatever --keys says")
    ] = False,
    superlink: SuperLinkAt = "localhost:8000",
    superlink_ca: SuperLinkCa = None,
    insecure: Insecure = False,
    data: Annotated[
        Path, typer.Option(metavar="DIR", envvar="FLEETBEAT_DATA", help="Where buffers and outboxes are kept")
    ] = Path("fleetbeat-data"),
    seed: LiveSeed = None,
    sets: LiveSets = None,
    verbose: Verbose = False,
) -> None:
    """Let some devices of a fleet live in this process, from the moment that `fleetbeat aggregate` tells the time."""
    listen(verbose=verbose)
    loaded = as_live(fleet_from(fleet, seed=seed, sets=sets))

    from devices.residents import residents
    from fleetbeat.directions import Directions
    from fleetbeat.landlord import Landlord
    from fleetbeat.lodging import lodgers

    here = lodgers(residents(loaded), devices, all_but)
    roads = Directions(
        broker=broker,
        broker_ca=broker_ca,
        broker_credentials=broker_credentials,
        superlink=superlink,
        superlink_ca=superlink_ca,
        insecure=insecure,
        keys=None if plain else keys,
    ).roads()
    named = ", ".join(device.name for device in here[:8])
    say(f"{loaded.name}: here live {named}" + (f" and {len(here) - 8} more" if len(here) > 8 else ""))
    if roads.wearers is None:
        say("readings travel unsealed: the broker's operator can read heartbeats")
    if roads.broker.tls is None or insecure:
        say("no TLS on one of the roads: whoever carries the messages can read them")
    if Landlord(loaded, here, roads, house, data, say).keep() == "stopped":
        raise typer.Exit(130)


@app.command(epilog="Example: fleetbeat aggregate household --broker mqtts://broker:8883 --superlink superlink:8000")
def aggregate(
    fleet: LiveFleet,
    speed: Annotated[
        float,
        typer.Option(
            min=0.001, max=1_000_000, envvar="FLEETBEAT_SPEED", help="Seconds of life in a second: 1 is real time"
        ),
    ] = 720.0,
    broker: BrokerAt = "mqtts://localhost:8883",
    broker_ca: BrokerCa = None,
    broker_credentials: BrokerCredentials = None,
    superlink: SuperLinkAt = "localhost:8000",
    superlink_ca: SuperLinkCa = None,
    insecure: Insecure = False,
    out: Out = None,
    rounds: Rounds = None,
    seed: LiveSeed = None,
    sets: LiveSets = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Begin the life of a fleet whose devices live elsewhere (`fleetbeat host`), train it, write its run folder."""
    listen(verbose=verbose)
    loaded = as_live(fleet_from(fleet, seed=seed, rounds=rounds, sets=sets))

    from fleetbeat import desk
    from fleetbeat.directions import Directions

    directions = Directions(
        broker=broker,
        broker_ca=broker_ca,
        broker_credentials=broker_credentials,
        superlink=superlink,
        superlink_ca=superlink_ca,
        insecure=insecure,
    )
    said = desk.said_to_the_server(loaded, rounds, sets or ())
    ran = desk.aggregate(loaded, directions, said, speed=running(speed), out=out, quiet=quiet or json)
    tell_the_end(ran, json=json)
