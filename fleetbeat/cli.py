"""The commands. Each imports what it needs when it runs, so that ``--help`` answers at once."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fleetbeat.terminal import listen, print_json, say, show_page, show_result, show_versions

if TYPE_CHECKING:
    from devices.settings import Fleet as FleetSettings
    from fleetbeat.rehearsal import Ran

app = typer.Typer(
    name="fleetbeat",
    help="Does federated learning hold up on real wrists? Let a fleet of devices live, learn and fail, and find out.",
    epilog="Start with: fleetbeat run household",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

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


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=show_versions, help="Say which version this is")
    ] = False,
) -> None:
    """Take what belongs to no command."""


class Document(StrEnum):
    """What has a JSON Schema."""

    FLEET = "fleet"
    RECORDINGS = "recordings"


@app.command(epilog="Example: fleetbeat run household --rounds 2 --strategy fedmedian")
def run(
    fleet: Fleet,
    rounds: Annotated[int | None, typer.Option(help="How many rounds of learning")] = None,
    days: Days = None,
    seed: Seed = None,
    out: Out = None,
    broker: Annotated[
        str, typer.Option(metavar="WHERE", help="auto, mosquitto, memory, or mqtt://HOST:PORT, mqtts://HOST:PORT")
    ] = "auto",
    broker_credentials: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Users and passwords of your own broker: name:password a line")
    ] = None,
    broker_ca: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The CA certificate of your own broker")
    ] = None,
    strategy: Annotated[
        str | None, typer.Option(metavar="NAME", help="One of Flower's (fedavg, fedadam, krum …) or path.py:Class")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=0, help="Processes for the fits (0: none). Default: all cores but one, none for a few devices"
        ),
    ] = None,
    sets: Sets = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Let a fleet live and learn in virtual time; write a run folder; print the rounds and the account."""
    listen(verbose=verbose)
    loaded = _fleet(fleet, seed=seed, days=days, rounds=rounds, strategy=strategy, sets=sets)

    from fleetbeat import rehearsal
    from fleetbeat.brokers import BrokerChoice

    choice = BrokerChoice(broker, broker_credentials, broker_ca)
    _tell_the_end(rehearsal.run(loaded, out=out, broker=choice, workers=workers, quiet=quiet or json), json=json)


def _tell_the_end(ran: "Ran", *, json: bool) -> None:
    """Write the report of a run, print what came of it, and exit with what that means."""
    from fleetbeat.report import write_report
    from fleetbeat.saved_run import SavedRun
    from fleetbeat.summary import summary

    saved = SavedRun(ran.path)
    write_report(saved)
    show_result(json, lambda: saved.results | {"path": str(ran.path)}, lambda: summary(saved))
    if ran.cause == "stopped":
        raise typer.Exit(130)
    if not ran.aggregated:
        reason = saved.results["account"]["reason"] or f"ask `fleetbeat why {ran.path} DEVICE ROUND`"
        say(f"fleetbeat: no round was aggregated ({ran.cause.replace('_', ' ')}): {reason}")
        raise typer.Exit(1)


@app.command(epilog="Example: fleetbeat up household --speed 720")
def up(
    fleet: Fleet,
    speed: Annotated[
        float, typer.Option(min=0.001, max=1_000_000, help="Seconds of life in a second: 1 is real time")
    ] = 720.0,
    rounds: Annotated[int | None, typer.Option(help="How many rounds of learning")] = None,
    seed: Seed = None,
    out: Out = None,
    broker: Annotated[
        str, typer.Option(metavar="WHERE", help="mosquitto (a private one), mqtt://HOST:PORT or mqtts://HOST:PORT")
    ] = "mosquitto",
    broker_credentials: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Users and passwords of your own broker: name:password a line")
    ] = None,
    broker_ca: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The CA certificate of your own broker")
    ] = None,
    superlink: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="HOST:PORT of a SuperLink of your own; default: a private one")
    ] = None,
    superlink_ca: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The CA certificate of your own SuperLink")
    ] = None,
    strategy: Annotated[
        str | None, typer.Option(metavar="NAME", help="One of Flower's (fedavg, fedadam, krum …) or path.py:Class")
    ] = None,
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
    loaded = _fleet(fleet, seed=seed, rounds=rounds, strategy=strategy, sets=sets)

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
    _tell_the_end(live.up(loaded, wishes, speed=speed, submits=not wait, out=out, quiet=quiet or json), json=json)


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
    loaded = _fleet(fleet, seed=seed, sets=sets)

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
    rounds: Annotated[int | None, typer.Option(help="How many rounds of learning")] = None,
    seed: LiveSeed = None,
    sets: LiveSets = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Begin the life of a fleet whose devices live elsewhere (`fleetbeat host`), train it, write its run folder."""
    listen(verbose=verbose)
    loaded = _fleet(fleet, seed=seed, rounds=rounds, sets=sets)

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
    _tell_the_end(desk.aggregate(loaded, directions, said, speed=speed, out=out, quiet=quiet or json), json=json)


@app.command(epilog="Example: fleetbeat new my-fleet.toml --from household")
def new(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write; it must not exist yet")],
    source: Annotated[str | None, typer.Option("--from", metavar="FLEET", help="Start from this fleet")] = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Write a commented fleet file to start from."""
    listen(verbose=verbose)

    from fleetbeat.new import write_new

    path = write_new(file, source)
    show_result(
        json, lambda: {"path": str(path)}, lambda: "" if quiet else f"{path} written; next: fleetbeat check {path}"
    )


@app.command(epilog="Example: fleetbeat check ward")
def check(
    fleet: Fleet,
    seed: Seed = None,
    sets: Sets = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Validate a fleet; tell who lives there and what a day costs them."""
    listen(verbose=verbose)
    loaded = _fleet(fleet, seed=seed, sets=sets)

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
    loaded = _fleet(fleet, seed=seed, days=days, sets=sets)

    from fleetbeat import population
    from fleetbeat.run_folder import unused_folder

    folder = unused_folder(out) if out is not None else None
    lived = population.live_without_learning(loaded)
    if folder is not None:
        population.write_population(lived, folder)
    show_result(json, lived.as_json, lambda: "" if quiet else population.words(lived))


@app.command(epilog="Example: fleetbeat evaluate runs/recorded-nights-7 recordings/walch")
def evaluate(
    run: Run,
    recordings: Annotated[Path, typer.Argument(metavar="RECORDINGS", help="A folder of recordings")],
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Score a run's final model on recorded persons whom it never saw."""
    listen(verbose=verbose)

    from fleetbeat import evaluate as examination
    from fleetbeat.saved_run import SavedRun

    found = examination.evaluate(SavedRun(run), recordings)
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


@app.command(epilog="Example: fleetbeat broker household --out my-broker --host broker.example")
def broker(
    fleet: Fleet,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for all of it; it must be empty or absent")],
    host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A name or IP address by which the broker is reached; repeatable"),
    ] = None,
    house: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=DEVICES", help="A user for a process that hosts DEVICES (a,b,…); repeatable"),
    ] = None,
    days: Annotated[int, typer.Option(min=1, help="How long the certificates hold")] = 365,
    insecure: Annotated[bool, typer.Option("--insecure", help="No TLS")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the secrets that DIR holds; add what is missing")] = False,
    renew: Annotated[bool, typer.Option("--renew", help="Replace certificates, passwords and keys in DIR")] = False,
    sets: Sets = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Write all that a broker of your own needs: configuration, passwords, access rules, certificates, keys."""
    listen(verbose=verbose)
    loaded = _fleet(fleet, sets=sets)

    from fleetbeat import own_broker

    written = own_broker.write_for(
        loaded, out, host or (), house or (), days, insecure=insecure, keep=keep, renew=renew
    )
    asked = own_broker.in_words(fleet, sets or ())
    show_result(
        json, lambda: own_broker.as_json(written, asked), lambda: "" if quiet else own_broker.words(written, asked)
    )


@app.command("import", epilog="Example: fleetbeat import walch sleep-accel-1.0.0 my-walch")
def import_(
    format_: Annotated[str, typer.Argument(metavar="FORMAT", help="walch, mmash or fedscale")],
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="The data set's folder, or the trace's JSON file")],
    dest: Annotated[Path, typer.Argument(metavar="DEST", help="A recordings folder or life file to write")],
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Turn a public data set's own files into recordings, or another simulator's trace into a life file."""
    listen(verbose=verbose)

    from fleetbeat.importing import convert

    imported = convert(format_, source, dest)
    show_result(json, imported.as_json, lambda: "" if quiet else imported.words())


@app.command(epilog="Example: fleetbeat kinds smartwatch")
def kinds(
    kind: Annotated[
        str | None, typer.Argument(metavar="KIND", help="One kind, with the source of every figure")
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Show the kinds of device, with every figure and its source."""
    listen(verbose=verbose)

    from fleetbeat.kinds import catalogue, words

    show_result(json, lambda: catalogue(kind), lambda: "" if quiet else words(kind))


@app.command(epilog="Example: fleetbeat schema fleet > fleet.schema.json")
def schema(
    document: Annotated[Document, typer.Argument(help="fleet or recordings")] = Document.FLEET,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Print the JSON Schema of a fleet file, for editors and scripts."""
    listen(verbose=verbose)

    from fleetbeat.schema import schema as schema_of

    if json or not quiet:
        print_json(schema_of(document.value))


def _fleet(
    source: str,
    *,
    seed: int | None = None,
    days: float | None = None,
    rounds: int | None = None,
    strategy: str | None = None,
    sets: list[str] | None = None,
) -> "FleetSettings":
    from devices.fleet_file import Overrides, load_fleet

    return load_fleet(source, Overrides(seed=seed, days=days, rounds=rounds, strategy=strategy, sets=tuple(sets or ())))
