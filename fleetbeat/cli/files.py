"""The commands that write something to start from, or show what can stand in it."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from fleetbeat.cli.app import app
from fleetbeat.cli.options import Fleet, Json, Quiet, Sets, Verbose, fleet_from
from fleetbeat.terminal import listen, print_json, show_result


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
    days: Annotated[int, typer.Option(min=1, max=36_500, help="How long the certificates hold")] = 365,
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
    loaded = fleet_from(fleet, sets=sets)

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


class Document(StrEnum):
    """What has a JSON Schema."""

    FLEET = "fleet"
    RECORDINGS = "recordings"
    STUDY = "study"
    LIFE = "life"


@app.command(epilog="Example: fleetbeat schema fleet > fleet.schema.json")
def schema(
    document: Annotated[Document, typer.Argument(help="fleet, study, recordings or life")] = Document.FLEET,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Print the JSON Schema of a fleet file or another of our files, for editors and scripts."""
    listen(verbose=verbose)

    from fleetbeat.schema import schema as schema_of

    if json or not quiet:
        print_json(schema_of(document.value))
