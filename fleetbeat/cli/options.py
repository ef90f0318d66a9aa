"""What commands ask for alike, and the fleet that they mean by it."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from broker.errors import UsageError

if TYPE_CHECKING:
    from devices.settings import Fleet as FleetSettings

Fleet = Annotated[
    str, typer.Argument(metavar="FLEET", help="A fleet file, or the name of one that ships: household, ward, city …")
]
Run = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder, such as runs/household-7")]
Sets = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Set any key of the fleet file, such as learning.fraction_train=0.1; repeatable",
    ),
]
Seed = Annotated[int | None, typer.Option(help="Another life for everybody: overrides the fleet's seed")]
Days = Annotated[float | None, typer.Option(help="How many days of life")]
Rounds = Annotated[int | None, typer.Option(help="How many rounds of learning")]
Strategy = Annotated[
    str | None, typer.Option(metavar="NAME", help="One of Flower's (fedavg, fedadam, krum …) or path.py:Class")
]
OwnBrokerCredentials = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Users and passwords of your own broker: name:password a line")
]
OwnBrokerCa = Annotated[Path | None, typer.Option(metavar="FILE", help="The CA certificate of your own broker")]
GuestApp = Annotated[
    str | None, typer.Option("--app", metavar="DIR", help="Train the Flower App in DIR instead of the fleet's own task")
]
Out = Annotated[Path | None, typer.Option(metavar="DIR", help="Folder for the results; default runs/FLEET-SEED")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Log what happens inside, Flower included")]

LiveFleet = Annotated[
    str, typer.Argument(metavar="FLEET", envvar="FLEETBEAT_FLEET", help="A fleet file, or the name of one that ships")
]
LiveSeed = Annotated[
    int | None, typer.Option("--seed", envvar="FLEETBEAT_SEED", help="Overrides the fleet's seed: the same for all")
]
LiveSets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Set any key of the fleet file: the same for all its processes"),
]
BrokerAt = Annotated[
    str,
    typer.Option("--broker", metavar="URL", envvar="FLEETBEAT_BROKER", help="mqtts://HOST:PORT or mqtt://HOST:PORT"),
]
BrokerCa = Annotated[
    Path | None,
    typer.Option("--broker-ca", metavar="FILE", envvar="FLEETBEAT_BROKER_CA", help="The CA certificate of the broker"),
]
BrokerCredentials = Annotated[
    Path | None,
    typer.Option(
        "--broker-credentials",
        metavar="FILE",
        envvar="FLEETBEAT_BROKER_CREDENTIALS",
        help="Users and passwords for the broker: name:password a line",
    ),
]
SuperLinkAt = Annotated[
    str, typer.Option("--superlink", metavar="ADDRESS", envvar="FLEETBEAT_SUPERLINK", help="HOST:PORT of the SuperLink")
]
SuperLinkCa = Annotated[
    Path | None,
    typer.Option(
        "--superlink-ca", metavar="FILE", envvar="FLEETBEAT_SUPERLINK_CA", help="The CA certificate of the SuperLink"
    ),
]
Insecure = Annotated[bool, typer.Option("--insecure", envvar="FLEETBEAT_INSECURE", help="No TLS to the SuperLink")]


def running(speed: float) -> float:
    """Return *speed*, if life runs at it; raises UsageError (an option's range lets NaN pass)."""
    if not math.isfinite(speed):
        raise UsageError(f"--speed {speed}: expected a finite number of seconds of life in a second")
    return speed


def as_live(fleet: "FleetSettings") -> "FleetSettings":
    """Return *fleet*, if it can live; raises UsageError for one that trains a Flower App of somebody's own."""
    if fleet.app is not None:
        raise UsageError(
            f"app: {fleet.app.path}: only `fleetbeat run` trains a Flower App of your own; the nodes of a living "
            "fleet run Fleetbeat's: leave `app` out"
        )
    return fleet


def fleet_from(
    source: str,
    *,
    seed: int | None = None,
    days: float | None = None,
    rounds: int | None = None,
    strategy: str | None = None,
    sets: list[str] | None = None,
    app: str | None = None,
) -> "FleetSettings":
    """Return the fleet that was named, with what the options override; raises SettingsError."""
    from devices.fleet_file import Overrides, load_fleet

    return load_fleet(
        source,
        Overrides(seed=seed, days=days, rounds=rounds, strategy=strategy, sets=tuple(sets or ()), app=app),
    )
