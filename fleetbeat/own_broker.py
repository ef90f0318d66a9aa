"""All that a broker of your own needs, in one folder: configuration, users, rules, certificates, keys for the seals."""

import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.markup import escape

from broker import onlooker
from broker.access import EVERYBODY_FILE, OBSERVER_USER, Access
from broker.address import PORTS
from broker.certificates import general_name
from broker.errors import UsageError
from broker.mosquitto import configuration as conf
from broker.mosquitto import find_mosquitto
from broker.secret_files import write_secret, write_whole
from broker.topics import ROOT
from devices.residents import Device, residents
from devices.settings import Fleet
from fleetbeat import strongbox
from fleetbeat.brokers import access_of
from fleetbeat.strongbox import CREDENTIALS, KEYS, YEAR_DAYS

HERE = ("localhost", "127.0.0.1")
HOUSE = "house"
"""The user for a process that hosts all of a fleet's devices."""
CONFIGURATION, LOOK = "mosquitto.conf", "look"


@dataclass(frozen=True, slots=True)
class OwnBroker:
    """What was written: *folder* for *fleet*, a broker that is reached under *hosts*."""

    folder: Path
    fleet: str
    hosts: tuple[str, ...]
    tls: bool
    users: tuple[str, ...]
    wearers: tuple[str, ...]

    @property
    def address(self) -> str:
        """The broker's address, by the first of its names."""
        scheme = "mqtts" if self.tls else "mqtt"
        host = f"[{self.hosts[0]}]" if ":" in self.hosts[0] else self.hosts[0]
        return f"{scheme}://{host}:{PORTS[scheme]}"

    def commands(self, fleet: str) -> tuple[str, str, str]:
        """Return how to start Mosquitto, to let *fleet* (the command line's word for it) use it, and to look on."""
        program = find_mosquitto() or "mosquitto"
        ca = self.folder / conf.CA
        credentials = self.folder / CREDENTIALS
        return (
            shlex.join([program, "-c", str(self.folder / CONFIGURATION)]),
            f"fleetbeat run {fleet} "
            + shlex.join(["--broker", self.address, *(("--broker-ca", str(ca)) if self.tls else ())])
            + " "
            + shlex.join(["--broker-credentials", str(credentials / EVERYBODY_FILE)]),
            onlooker.command(self.folder / LOOK),
        )


def write_everything(
    fleet: str,
    here: Sequence[Device],
    out: Path,
    hosts: Collection[str] = (),
    *,
    houses: Mapping[str, Collection[str]] | None = None,
    days: int = YEAR_DAYS,
    tls: bool = True,
    keep: bool = True,
) -> OwnBroker:
    """Write to *out* all that a broker for the devices *here* needs; without *hosts* it is for this machine alone.

    With *keep* the secrets in *out* stay as they are: passwords, wearers' keys, the authority, and certificates
    that are for the same hosts and good for a month (`RENEW_DAYS`); what is missing is added, and who is gone goes.
    So it may be run before every start. Raises UsageError for what cannot be.
    """
    names = [device.name for device in here]
    access = _access(fleet, here, {HOUSE: names} if houses is None else houses)
    reached = tuple(hosts) or HERE
    for host in reached:
        general_name(host)  # before anything is written
    wearers = tuple(dict.fromkeys(device.wearer for device in here))
    strongbox.make_folders(out)
    passwords = strongbox.passwords(access, out, keep=keep)
    strongbox.write_credentials(access, passwords, out)
    strongbox.write_keys(wearers, out / KEYS, keep=keep)
    if tls:
        strongbox.write_certificates(fleet, out, reached, days, keep=keep)
    for name, content in conf.access_files(access, passwords).items():
        write_secret(out / name, content.encode())
    port = PORTS["mqtts" if tls else "mqtt"]
    doorstep = conf.Doorstep(f"{port}" if hosts else f"{port} 127.0.0.1", tls)
    write_whole(out / CONFIGURATION, conf.lasting_configuration(out.resolve(), doorstep).encode())
    login, ca = (OBSERVER_USER, passwords[OBSERVER_USER]), (out / conf.CA).resolve() if tls else None
    look = onlooker.options(reached[0], port, ca, login, [f"{ROOT}/{fleet}/#"])
    onlooker.write_options(out / LOOK, look)
    return OwnBroker(out, fleet, reached, tls, access.users, wearers)


def houses_from(words: Sequence[str], here: Sequence[Device]) -> dict[str, list[str]] | None:
    """Understand ``NAME=DEVICE,DEVICE``; None without any. Raises UsageError."""
    known = {device.name for device in here}
    houses: dict[str, list[str]] = {}
    for word in words:
        name, found, devices = word.partition("=")
        if name in houses:
            raise UsageError(f"--house {word}: {name} was said before; expected each house once")
        houses[name] = [device.strip() for device in devices.split(",")]
        strangers = [device for device in houses[name] if device not in known]
        if not found or strangers:
            raise UsageError(
                f"--house {word}: expected NAME=DEVICE,DEVICE…"
                + (f"; {strangers[0]!r} is no device of this fleet ({', '.join(sorted(known)[:5])} …)" if found else "")
            )
    return houses or None


def write_for(
    fleet: Fleet,
    out: Path,
    hosts: Sequence[str],
    houses: Sequence[str],
    days: int,
    *,
    insecure: bool,
    keep: bool,
    renew: bool,
) -> OwnBroker:
    """Do what `fleetbeat broker` was asked; never overwrites unless told to *keep* or to *renew*."""
    if keep and renew:
        raise UsageError("--keep and --renew exclude each other")
    if not (keep or renew) and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(
            f"{out}: is there already, expected an empty folder or none; --keep adds what is missing, "
            "--renew makes all secrets anew"
        )
    here = residents(fleet)
    asked = houses_from(houses, here)
    return write_everything(fleet.name, here, out, hosts, houses=asked, days=days, tls=not insecure, keep=not renew)


def in_words(fleet: str, sets: Sequence[str]) -> str:
    """Return how the command line was told which fleet."""
    return shlex.join([fleet, *(word for pair in sets for word in ("--set", pair))])


def as_json(written: OwnBroker, fleet: str) -> dict[str, Any]:
    """Return what was written as one JSON document."""
    return {
        "path": str(written.folder),
        "address": written.address,
        "ca": str(written.folder / conf.CA) if written.tls else None,
        "credentials": str(written.folder / CREDENTIALS / EVERYBODY_FILE),
        "users": list(written.users),
        "wearers": list(written.wearers),
        "commands": list(written.commands(fleet)),
    }


def words(written: OwnBroker, fleet: str) -> str:
    """Return what was written, and how to use it, to be read."""
    start, use, look = written.commands(fleet)
    lines = [
        f"{written.folder}: a broker for {written.fleet}, reached as {', '.join(written.hosts)}"
        + ("" if written.tls else "; no TLS: whoever carries its messages reads passwords and all that is not sealed"),
        f"{len(written.users)} users, {len(written.wearers)} wearers' keys; all of it is secret but {conf.CA}",
        "",
        "Start it:",
        f"  {start}",
        "Let the fleet use it:",
        f"  {use}",
        "Look on, as one who may see how devices are, and no readings:",
        f"  {look}",
    ]
    return escape("\n".join(lines))


def _access(fleet: str, here: Sequence[Device], houses: Mapping[str, Collection[str]]) -> Access:
    try:
        return access_of(fleet, here, houses)
    except ValueError as error:
        raise UsageError(str(error)) from None
