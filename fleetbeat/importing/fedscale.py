"""FedScale's availability traces (``client_behave_trace``), as JSON: who was available when becomes a life file.

A client has ``active`` and ``inactive``, the seconds at which it became available and ceased to be, and
``finish_time``, after which its life begins again. Available means charging and on Wi-Fi; otherwise it is off its
charger. One period is written, of the shortest client, so that all lives end together.
"""

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from broker.errors import SettingsError
from devices.circumstances import Circumstances
from devices.complaints import shown
from devices.life_file import write_life_file
from fleetbeat.importing.folder import Converted

PICKLED = b"\x80"


def import_fedscale(source: Path, dest: Path) -> Converted:
    """Write the lives of ``phone-1`` and on, one a client, to *dest*; return how many there are (none is left out)."""
    clients = _clients(source)
    until_s = min(float(trace["finish_time"]) for trace in clients.values())
    lives = {
        f"phone-{number}": list(_life(f"{source}: {client}", trace, until_s))
        for number, (client, trace) in enumerate(clients.items(), start=1)
    }
    write_life_file(dest, lives)
    return Converted(len(lives))


def _clients(source: Path) -> dict[str, dict[str, Any]]:
    try:
        content = source.read_bytes()
    except OSError as error:
        raise SettingsError(f"{source}: cannot be read: {error.strerror}") from None
    if content.startswith(PICKLED):
        raise SettingsError(
            f"{source}: is a pickle, which can hold programs; expected JSON (convert it where you trust it)"
        )
    try:
        clients = json.loads(content)
    except ValueError as error:
        raise SettingsError(f"{source}: is not JSON: {error}") from None
    if isinstance(clients, list):
        clients = dict(enumerate(clients, start=1))
    if not isinstance(clients, dict) or not clients:
        raise SettingsError(f"{source}: found {shown(clients)}, expected an object with a trace for each client")
    return {f"client {name}": _checked(f"{source}: client {name}", trace) for name, trace in clients.items()}


def _checked(where: str, trace: Any) -> dict[str, Any]:
    if not isinstance(trace, dict):
        raise SettingsError(f"{where}: found {shown(trace)}, expected an object with active, inactive and finish_time")
    for key in ("active", "inactive"):
        values = trace.get(key)
        if not isinstance(values, list) or not all(_is_moment(value) for value in values):
            raise SettingsError(f"{where}: {key}: found {shown(values)}, expected a list of seconds")
    if not _is_moment(trace.get("finish_time")) or not trace["finish_time"]:
        raise SettingsError(f"{where}: finish_time: found {shown(trace.get('finish_time'))}, expected seconds above 0")
    if len(trace["active"]) != len(trace["inactive"]):
        counts = f"{len(trace['active'])} and {len(trace['inactive'])}"
        raise SettingsError(f"{where}: found {counts} moments in active and inactive, expected as many of both")
    return trace


def _is_moment(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < float("inf")


def _life(where: str, trace: dict[str, Any], until_s: float) -> Iterator[Circumstances]:
    """Yield a life that is at home: on charger and Wi-Fi while available."""
    turns = [float(moment) for pair in zip(trace["active"], trace["inactive"], strict=True) for moment in pair]
    for before, after in pairwise(turns):
        if after < before:
            raise SettingsError(
                f"{where}: found {after:g} after {before:g}, expected active and inactive to take turns"
            )
    edges = [0.0, *turns, float("inf")]
    for number, (from_s, to_s) in enumerate(pairwise(edges)):
        if from_s < min(to_s, until_s):
            yield Circumstances(from_s, min(to_s, until_s), charging=number % 2 == 1, far_link="wifi")
