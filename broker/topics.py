"""Where everything is said: all topics of a fleet, built and taken apart in one place.

``fleetbeat/v1/<fleet>/<device>/<leaf>``, where fleet and device are names of 1 to 64 letters,
digits, dots, dashes and underscores: none of the signs that mean something in a topic or an ACL.
"""

import re
from dataclasses import dataclass

ROOT = "fleetbeat/v1"
SERVER = "$server"
"""Stands where a device's name stands, for what the server itself says."""

BIOMETRICS = "biometrics"
STATE = "$state"
TELEMETRY = "telemetry"
EVENTS = "events"
LEAVES = (BIOMETRICS, STATE, TELEMETRY, EVENTS)
CLOCK = "$clock"
"""Stands where a device's name stands, alone: what all processes of a live fleet agree on."""

NAME = r"[A-Za-z0-9._-]{1,64}"
_NAME = re.compile(NAME)
_TOPIC = re.compile(rf"{ROOT}/({NAME})/({NAME}|\$server)/(biometrics|\$state|telemetry|events)")


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic taken apart; *device* is ``$server`` for the server's own."""

    fleet: str
    device: str
    leaf: str


def check_name(name: str) -> str:
    """Return *name* if it may stand in a topic; raise ValueError if not."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot be a name: 1 to 64 of A-Z a-z 0-9 . _ - are allowed")
    return name


def of_device(fleet: str, device: str, leaf: str) -> str:
    """Return one of *device*'s topics; *leaf* is one of `LEAVES`."""
    return f"{ROOT}/{check_name(fleet)}/{check_name(device)}/{leaf}"


def biometrics(fleet: str, device: str) -> str:
    """Return where *device* sends its readings."""
    return of_device(fleet, device, BIOMETRICS)


def state(fleet: str, device: str) -> str:
    """Return where *device* says, retained, in what state it is."""
    return of_device(fleet, device, STATE)


def telemetry(fleet: str, device: str) -> str:
    """Return where *device* says, retained, how it is."""
    return of_device(fleet, device, TELEMETRY)


def events(fleet: str, device: str) -> str:
    """Return where *device* tells its journal to a live observer."""
    return of_device(fleet, device, EVENTS)


def server_events(fleet: str) -> str:
    """Return where the server tells its journal to a live observer."""
    return f"{ROOT}/{check_name(fleet)}/{SERVER}/{EVENTS}"


def server_state(fleet: str) -> str:
    """Return where the server says, retained, whether it is there: ``ready``, or ``disconnected`` when it is done."""
    return f"{ROOT}/{check_name(fleet)}/{SERVER}/{STATE}"


def server_standing(fleet: str) -> str:
    """Return where the server leaves, retained, how far it has come; nobody else may read there."""
    return f"{ROOT}/{check_name(fleet)}/{SERVER}/standing"


def servers_all(fleet: str) -> str:
    """Return the filter for all that the server says for itself."""
    return f"{ROOT}/{check_name(fleet)}/{SERVER}/#"


def clock(fleet: str) -> str:
    """Return where all processes of a live fleet read the time they agree on."""
    return f"{ROOT}/{check_name(fleet)}/{CLOCK}"


def everyones(fleet: str, leaf: str) -> str:
    """Return the filter for one leaf of all devices of a fleet."""
    return f"{ROOT}/{check_name(fleet)}/+/{leaf}"


def parse(topic: str) -> Topic | None:
    """Take a topic apart; None if it is not one of ours."""
    match = _TOPIC.fullmatch(topic)
    return Topic(*match.groups()) if match else None


def device_of(topic: str) -> str | None:
    """Return whose topic it is; None if it is not one of ours."""
    parts = parse(topic)
    return parts.device if parts else None
