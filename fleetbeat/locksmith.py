"""The locksmith of a fleet in containers: makes all its secrets once, and hands each service its own, and no other.

``python -m fleetbeat.locksmith NAME=DEVICES …`` is what the service ``keys`` of ``docker-compose.yml`` runs, before all
others and at every start. It is the one that sees everything, and is gone when they begin.
"""

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from broker import onlooker
from broker.access import HEALTH_USER, OBSERVER_USER, SERVER_USER
from broker.certificates import Authority
from broker.credentials import read_credentials
from broker.errors import SettingsError, UsageError
from broker.mosquitto import configuration as conf
from broker.secret_files import write_secret
from broker.topics import ROOT
from devices.fleet_file import Overrides, freeze, load_fleet
from devices.residents import Device, residents
from devices.settings import Fleet
from fleetbeat.lodging import lodgers
from fleetbeat.own_broker import write_everything
from fleetbeat.strongbox import AUTHORITY_KEY, CREDENTIALS, KEYS, RENEW_DAYS, YEAR_DAYS, keep_good

CABINET, HANDS, RUNS = Path("/cabinet"), Path("/hand"), Path("/runs")
"""Where everything is kept; where the volume of each service is mounted; where run folders go."""
SECRETS = Path("/secrets")
"""Where each service finds its own."""
BROKER, SUPERLINK, AGGREGATOR, OBSERVER = "broker", "superlink", "aggregator", "observer"
OURS, MOSQUITTOS = 1000, 1883
"""The user of our image, and that of Mosquitto's."""
TLS_PORT = 8883
OTHERS = "*"
"""In place of devices: all that live in no house before."""
FLEET = "fleet.toml"


@dataclass(frozen=True)
class Hand:
    """What one service gets: name of a file → its content, readable for the user *owner* alone."""

    owner: int = OURS
    files: dict[str, bytes] = field(default_factory=dict)


def houses(words: Sequence[str], everybody: Sequence[Device]) -> dict[str, list[Device]]:
    """Understand ``NAME=DEVICE,DEVICE`` and ``NAME=*``; a house may be empty.

    Raises UsageError.
    """
    found: dict[str, list[Device]] = {}
    for word in words:
        name, _, devices = word.partition("=")
        if devices == OTHERS:
            housed = {device.name for here in found.values() for device in here}
            here = [device for device in everybody if device.name not in housed]
        else:
            here = lodgers(everybody, devices)
        found[name] = here
    return found


def hands(fleet: Fleet, cabinet: Path, homes: Mapping[str, Sequence[Device]], *, keep: bool) -> dict[str, Hand]:
    """Make what is missing in *cabinet* (without *keep*: everything) and return what each service is to get."""
    everybody = residents(fleet)
    names = {name: [device.name for device in here] for name, here in homes.items() if here}
    write_everything(fleet.name, everybody, cabinet, (BROKER, "localhost"), houses=names, keep=keep)
    _write_superlink_certificate(cabinet, keep=keep)
    common = {conf.CA: (cabinet / conf.CA).read_bytes(), FLEET: freeze(fleet).encode()}
    found = {
        BROKER: Hand(MOSQUITTOS, _brokers(cabinet)),
        SUPERLINK: Hand(files=common | _superlinks(cabinet)),
        AGGREGATOR: Hand(files=common | {"credentials": (cabinet / CREDENTIALS / SERVER_USER).read_bytes()}),
        OBSERVER: Hand(MOSQUITTOS, _for_looking(cabinet, OBSERVER_USER, BROKER, f"{ROOT}/{fleet.name}/#")),
    }
    for name, here in homes.items():
        if not here:
            found[name] = Hand()  # what it had of an earlier fleet goes
            continue
        biometrics = f"{ROOT}/{fleet.name}/+/biometrics"
        look = _for_looking(cabinet, here[0].trainer or here[0].name, BROKER, biometrics)
        keys = {f"{KEYS}/{wearer}": (cabinet / KEYS / wearer).read_bytes() for wearer in {d.wearer for d in here}}
        found[name] = Hand(files=common | look | keys | {"credentials": (cabinet / CREDENTIALS / name).read_bytes()})
    return found


def hand_over(folder: Path, hand: Hand) -> None:
    """Put what a service gets into its own *folder*; what is not for it any more goes."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_file() and str(path.relative_to(folder)) not in hand.files and conf.STORE not in path.parts:
            path.unlink()
    for name, content in hand.files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        if not path.exists() or path.read_bytes() != content:  # else who runs already may be reading it
            write_secret(path, content)
    for path in (folder, *folder.rglob("*")):
        shutil.chown(path, hand.owner, hand.owner)
    folder.chmod(0o700)


def open_to_all(folder: Path) -> None:
    """Let every user add something to *folder*, and nobody remove what is another's."""
    try:
        folder.chmod(0o1777)
    except OSError as error:  # where the machine's own rules decide, as on some desktops, it is writable already
        print(f"keys: {folder}: {error.strerror}", file=sys.stderr)  # noqa: T201  # a service's log


def _brokers(cabinet: Path) -> dict[str, bytes]:
    written = conf.lasting_configuration(SECRETS, conf.Doorstep(str(TLS_PORT), tls=True))
    own = "".join(f"{line}\n" for line in written.splitlines() if not line.startswith("user "))  # compose says who
    files = (conf.PASSWORDS, conf.ACL, conf.CERTIFICATE, conf.KEY)
    found = {name: (cabinet / name).read_bytes() for name in files}
    return found | {"mosquitto.conf": own.encode()} | _for_looking(cabinet, HEALTH_USER, "localhost")


def _superlinks(cabinet: Path) -> dict[str, bytes]:
    files = {f"{SUPERLINK}.crt", f"{SUPERLINK}.key"}
    found = {name: (cabinet / name).read_bytes() for name in files}
    return found | {"credentials": (cabinet / CREDENTIALS / SERVER_USER).read_bytes()}


def _for_looking(cabinet: Path, user: str, host: str, *topics: str) -> dict[str, bytes]:
    """Return the CA, and the options with which `mosquitto_sub` comes in."""
    login = read_credentials(cabinet / CREDENTIALS / user).of(user)
    assert login is not None
    look = onlooker.options(host, TLS_PORT, SECRETS / conf.CA, login, topics)
    return {conf.CA: (cabinet / conf.CA).read_bytes(), onlooker.PROGRAM: look}


def _write_superlink_certificate(cabinet: Path, *, keep: bool) -> None:
    authority = Authority((cabinet / conf.CA).read_bytes(), (cabinet / AUTHORITY_KEY).read_bytes())
    certificate, key = cabinet / f"{SUPERLINK}.crt", cabinet / f"{SUPERLINK}.key"
    hosts = (SUPERLINK, "localhost", "127.0.0.1")
    if not keep:
        certificate.unlink(missing_ok=True)
    keep_good(certificate, key, authority, hosts, YEAR_DAYS, RENEW_DAYS)


def _whole(name: str, said: str | None) -> int | None:
    try:
        return int(said) if said else None
    except ValueError:
        raise SettingsError(f"{name}: found {said!r}, expected a whole number, or nothing") from None


def main(words: Sequence[str], environment: Mapping[str, str]) -> None:
    """Do all of it; *environment* says which fleet, and whether to renew."""
    seed, rounds = environment.get("FLEETBEAT_SEED"), environment.get("FLEETBEAT_ROUNDS")
    overrides = Overrides(
        seed=_whole("FLEETBEAT_SEED", seed),
        rounds=_whole("FLEETBEAT_ROUNDS", rounds),
        sets=tuple(environment.get("FLEETBEAT_SET", "").split()),
    )
    fleet = load_fleet(environment.get("FLEETBEAT_FLEET") or "household", overrides)
    homes = houses(words, residents(fleet))
    renew = bool(environment.get("FLEETBEAT_RENEW"))
    for name, hand in hands(fleet, CABINET, homes, keep=not renew).items():
        hand_over(HANDS / name, hand)
    open_to_all(RUNS)
    lived_in = ((name, len(here)) for name, here in homes.items() if here)
    told = "; ".join(f"{name}: {count} device{'' if count == 1 else 's'}" for name, count in lived_in)
    print(f"{fleet.name}: the secrets are {'renewed' if renew else 'in place'}; {told}")  # noqa: T201  # a service's log


if __name__ == "__main__":
    os.umask(0o077)
    try:
        main(sys.argv[1:], os.environ)
    except UsageError as problem:
        sys.exit(f"keys: {problem}")
