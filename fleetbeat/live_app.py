"""The live app: from a SuperLink's environment to a server that trains a living fleet.

Flower calls a ServerApp in a process of the SuperLink's, with no arguments of ours: where the fleet and its broker are
stands in environment variables that the SuperLink was started with.
"""

import os
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from flwr.app import Context
from flwr.superlink.grid import HttpGrid

from aggregator.patient import PatientRoad
from aggregator.selection import LiveSelection
from aggregator.wall import Wall
from broker import events as ev
from broker import topics
from broker.access import SERVER_USER
from broker.address import Address, read_address
from broker.credentials import OPEN, Credentials, read_credentials
from broker.errors import SettingsError
from broker.narration import Narrator
from broker.pace import await_clock
from devices.fleet_file import Overrides, load_fleet
from devices.settings import Fleet
from fleetbeat.judge import judge_for
from fleetbeat.live_server import LiveServer
from fleetbeat.standing import keep, recall

FLEET, BROKER = "FLEETBEAT_FLEET", "FLEETBEAT_BROKER"
BROKER_CA, BROKER_CREDENTIALS = "FLEETBEAT_BROKER_CA", "FLEETBEAT_BROKER_CREDENTIALS"

RESUMES = "resumes"
"""The key of a run's configuration that says: go on where an earlier server of this life died."""

_CONNECTS_WITHIN_S = 30.0
_CLOCK_WITHIN_S = 20.0
_LAST_WORDS_WITHIN_S = 3.0
"""Flower ends a process 5 s after it was told to end …"""
_STAYS_FOR_S = 600.0
"""… but one that is done may wait for a broker that is away: nobody else knows how the run ended."""


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where the fleet is written down, and where its broker is."""

    fleet: str
    address: Address
    credentials: Credentials


def whereabouts(environment: Mapping[str, str]) -> Whereabouts | None:
    """Read *environment*: ``FLEETBEAT_BROKER`` (mqtt://… or mqtts://…), ``FLEETBEAT_FLEET`` (a file or a name).

    ``FLEETBEAT_BROKER_CA`` is a certificate authority in PEM, ``FLEETBEAT_BROKER_CREDENTIALS`` a credentials file with
    a line for the user ``server``. None without a broker: then nothing is live. Raises UsageError for nonsense.
    """
    broker = environment.get(BROKER)
    if not broker:
        return None
    if not environment.get(FLEET):
        raise SettingsError(
            f"{FLEET}: found nothing, expected the file or the name of the fleet that lives at {broker}"
        )
    ca, credentials = environment.get(BROKER_CA), environment.get(BROKER_CREDENTIALS)
    return Whereabouts(
        environment[FLEET],
        read_address(broker, Path(ca) if ca else None),
        read_credentials(Path(credentials)) if credentials else OPEN,
    )


def live_fleet(source: str, said: Mapping[str, Any]) -> Fleet:
    """Return the fleet that lives, with what ``flwr run --run-config`` *said* in place of its ``[learning]``.

    The defaults of the app that was submitted do not count: this fleet has settings of its own.
    """
    if "fleet" in said:
        raise SettingsError(
            f"fleet: found {said['fleet']!r} in the run's settings, but the fleet that lives is {source}"
        )
    return load_fleet(source, Overrides(sets=tuple(f"learning.{key}={value}" for key, value in said.items())))


def serve(grid: HttpGrid, context: Context, where: Whereabouts, say: Callable[[str], None]) -> None:
    """Train the fleet at *where* through the SuperLink behind *grid*, and tell everything over the broker.

    Raises BrokerRefused, ClockMissing or SettingsError if it cannot begin, RunFailed if the strategy cannot go on.
    """
    fleet = live_fleet(where.fleet, grid.run.override_config)
    judge = judge_for(fleet)
    me = f"{SERVER_USER}-{os.getpid()}-{secrets.token_hex(4)}"
    narrator = Narrator(where.address, where.credentials, SERVER_USER, fleet.name, me)
    patience_s = _LAST_WORDS_WITHIN_S
    try:
        narrator.connect(_CONNECTS_WITHIN_S)
        pace = await_clock(narrator.client, fleet.name, _CLOCK_WITHIN_S)
        narrator.life, patience_s = pace.t0_unix, _STAYS_FOR_S
        narrator.client.publish(topics.server_state(fleet.name), b"ready", retain=True)
        wall = Wall(pace, time.time())  # noqa: TID251  # asked once: from here on a monotonic clock counts
        say(f"{fleet.name}, live at {pace.speed:g} times the wall's speed: {fleet.learning.strategy}")
        selection = LiveSelection(narrator.client, fleet.name)
        before = None
        if context.run_config.get(RESUMES):
            before = recall(narrator.client, fleet.name, pace)
            narrator.record(ev.ServerResumed(wall.now_s(), None, before.round if before is not None else 0))
        LiveServer(
            fleet,
            PatientRoad(grid),
            selection,
            wall,
            judge,
            narrator.record,
            say,
            before=before,
            leave=partial(keep, narrator.client, fleet.name, pace),
        ).run(context)
    except (SystemExit, KeyboardInterrupt):  # what becomes of signals in Flower's processes
        patience_s = _LAST_WORDS_WITHIN_S
        raise
    finally:
        narrator.client.publish(topics.server_state(fleet.name), b"disconnected", retain=True)
        missing = narrator.close(patience_s)
        if missing:
            say(f"the broker did not take the last {missing} events of this server")
