"""A submission: our app handed in to any SuperLink, with Flower's own command `flwr`, from an installed Fleetbeat.

What is handed in is small: an app whose two components are those of the Fleetbeat that is installed where it runs.
"""

import os
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeAlias

import orjson
import tomli_w

from broker.errors import UsageError
from fleetbeat.flower_programs import find_program, flower_environment

Settings: TypeAlias = Mapping[str, bool | float | int | str]

PUBLISHER = NAME = "fleetbeat"
"""Flower calls the app ``fleetbeat/fleetbeat``."""
_COMPONENTS = """\
from devices.learning import client_app
from fleetbeat import flower_app

server = flower_app.server_app
client = client_app.app
"""
_ANSWERS_WITHIN_S = 120.0
_NO_SUCH_RUN = "[code: 16]"
_ALREADY_FINISHED = "[code: 18]"
_RAISED = "ServerApp failed with exception: "
_UNREACHABLE = "Connection to the SuperLink is unavailable"


class SuperLinkRefused(UsageError):
    """There is no SuperLink, or it did not do what was asked; the message says what Flower says."""


class SuperLinkAway(SuperLinkRefused):
    """Nobody answers there, or not in time: it may be back later."""


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach a SuperLink: HOST:PORT, and the PEM file that vouches for it (None: whom this machine trusts)."""

    address: str
    authority: Path | None = None
    insecure: bool = False
    """Without TLS."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a run stands: *status* is Flower's (``running``, ``finished:completed`` …), *details* why it failed."""

    status: str
    details: str

    @property
    def finished(self) -> bool:
        """Whether it is over."""
        return self.status.startswith("finished")

    @property
    def told_by_the_app(self) -> bool:
        """Whether *details* are what the ServerApp raised; else its process died."""
        return self.details.startswith(_RAISED)


@dataclass(frozen=True, slots=True)
class Submission:
    """A run that was handed in."""

    connection: Connection
    run_id: int

    def status(self) -> Standing | None:
        """Ask how it stands, which takes Flower's command a second; None: this SuperLink knows no such run.

        Raises SuperLinkRefused, SuperLinkAway if nobody answers.
        """
        try:
            (run,) = _flwr(self.connection, "list", "here", "--run-id", str(self.run_id))["runs"]
        except SuperLinkRefused as error:
            if _NO_SUCH_RUN in str(error):
                return None
            raise
        details = str(run["status-details"])
        return Standing(str(run["status"]), "" if details == "N/A" else details)

    def stop(self) -> None:
        """End it, if it is not over; raises SuperLinkRefused."""
        try:
            _flwr(self.connection, "stop", str(self.run_id), "here")
        except SuperLinkRefused as error:
            if _ALREADY_FINISHED not in str(error):
                raise


def knock(connection: Connection) -> None:
    """Ask a SuperLink for its runs, to see that it is one; raises SuperLinkRefused, in Flower's words."""
    _flwr(connection, "list", "here")


def submit(connection: Connection, settings: Settings, said: Settings | None = None) -> Submission:
    """Hand in a run; *settings* are what ClientApps find in their run configuration, a stock SuperNode's too.

    *said* is what the run's user says in their place, and for the server; a server that has settings of its own
    takes nothing else. Raises SuperLinkRefused, in Flower's words.
    """
    said = said or {}
    with tempfile.TemporaryDirectory(prefix="fleetbeat-app-") as folder:
        app, overrides = Path(folder) / "app", Path(folder) / "said.toml"
        app.mkdir()
        (app / "pyproject.toml").write_text(tomli_w.dumps(_document({**settings, **said})), encoding="utf-8")
        (app / "fleetbeat_app.py").write_text(_COMPONENTS, encoding="utf-8")
        overrides.write_text(tomli_w.dumps(said), encoding="utf-8")  # of words it passes over those it cannot read
        return Submission(
            connection, int(_flwr(connection, "run", str(app), "here", "--run-config", str(overrides))["run-id"])
        )


def _document(settings: Settings) -> dict[str, Any]:
    components = {"serverapp": "fleetbeat_app:server", "clientapp": "fleetbeat_app:client"}
    return {
        "build-system": {"requires": ["hatchling"], "build-backend": "hatchling.build"},
        "project": {
            "name": NAME,
            "version": _version(),
            "description": "The apps of the Fleetbeat that is installed here",
            "license": "Apache-2.0",
        },
        "tool": {"flwr": {"app": {"publisher": PUBLISHER, "components": components, "config": dict(settings)}}},
    }


def _version() -> str:
    with suppress(PackageNotFoundError):
        return version(NAME)
    return "0.0.0"  # run from its sources, not installed


def _flwr(connection: Connection, *command: str) -> dict[str, Any]:
    """Return what `flwr` answers to *command*, in a home of its own."""
    with tempfile.TemporaryDirectory(prefix="fleetbeat-flwr-") as home:
        (Path(home) / "config.toml").write_text(tomli_w.dumps(_configuration(connection)), encoding="utf-8")
        try:
            ran = subprocess.run(
                [find_program("flwr"), *command, "--format", "json"],
                env=flower_environment(Path(home), os.environ),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_ANSWERS_WITHIN_S,
                start_new_session=True,  # Ctrl-C is for us to handle: then the run is stopped
            )
        except subprocess.TimeoutExpired:
            raise SuperLinkAway(
                f"the SuperLink at {connection.address} did not answer `flwr {command[0]}` "
                f"within {_ANSWERS_WITHIN_S:g} s"
            ) from None
    try:
        answer = orjson.loads(ran.stdout)
    except orjson.JSONDecodeError:
        raise SuperLinkRefused(f"`flwr {command[0]}` says: {(ran.stdout + ran.stderr).strip()[-500:]}") from None
    if not answer.get("success"):
        said = str(answer.get("error-message", ran.stderr))
        raise (SuperLinkAway if _UNREACHABLE in said else SuperLinkRefused)(_in_words(connection, said))
    found: dict[str, Any] = answer
    return found


def _configuration(connection: Connection) -> dict[str, Any]:
    """Return Flower's own configuration, which knows one SuperLink; it is the default."""
    here: dict[str, Any] = {"address": connection.address, "insecure": connection.insecure}
    if connection.authority is not None:
        here["root-certificates"] = str(connection.authority.resolve())
    return {"superlink": {"default": "here", "here": here}}


def _in_words(connection: Connection, said: str) -> str:
    """Return the last thing that Flower says; of a connection that fails, why it may."""
    if _UNREACHABLE in said:
        how = (
            "without TLS"
            if connection.insecure
            else f"with TLS, trusting {connection.authority or 'the authorities of this machine'}"
        )
        return f"no SuperLink at {connection.address} ({how}): nobody listens there, or it is the other way about TLS"
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return f"the SuperLink at {connection.address} says: {lines[-1] if lines else '(nothing)'}"
