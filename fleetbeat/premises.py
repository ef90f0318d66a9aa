"""The premises of a live run: a broker and a SuperLink, ours or anybody's, and the secrets to get in."""

import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from broker import onlooker
from broker.access import OBSERVER_USER, SERVER_USER
from broker.address import Address, read_address
from broker.certificates import Authority, new_authority, server_certificate
from broker.credentials import OPEN, Credentials, read_credentials
from broker.errors import UsageError
from broker.mosquitto import Door, PrivateMosquitto
from broker.seal import KEY_BYTES, wearer_key
from broker.secret_files import write_secret, write_whole
from broker.topics import ROOT
from devices.fleet_file import freeze
from devices.residents import Device
from devices.settings import Fleet
from fleetbeat import live_app
from fleetbeat.brokers import BrokerChoice, access_of
from fleetbeat.directions import Directions
from fleetbeat.house import Roads
from fleetbeat.keeper import Mortal
from fleetbeat.own_broker import HOUSE
from fleetbeat.submission import Connection, knock
from fleetbeat.superlink import Certificates, PrivateSuperLink

_DAYS = 30
"""A private authority and its certificates are good for so long: longer than any run."""
_HERE = ("127.0.0.1", "localhost")


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What was asked for: a broker and a SuperLink of one's own (None: private ones), and how much may be seen."""

    broker: BrokerChoice
    superlink: str | None = None
    superlink_ca: Path | None = None
    plain: bool = False
    """Readings travel unsealed."""
    insecure: bool = False
    """No TLS."""


@dataclass(frozen=True)
class Premises:
    """All that is there. *mosquitto* and *superlink* are the private ones, if any."""

    roads: Roads
    connection: Connection
    mosquitto: PrivateMosquitto | None
    superlink: PrivateSuperLink | None
    look_on: str | None = None
    """A command that shows what a dashboard may see; None for a broker of somebody else."""

    def knock(self) -> None:
        """See that a SuperLink of somebody else is one; raises SuperLinkRefused, in Flower's words."""
        if self.superlink is None:
            knock(self.connection)

    @property
    def ours(self) -> Mapping[str, Mortal]:
        """What has to be kept alive, by name."""
        mine: dict[str, Mortal | None] = {"the broker": self.mosquitto, "the SuperLink": self.superlink}
        return {name: charge for name, charge in mine.items() if charge is not None}


def check_wishes(wishes: Wishes) -> None:
    """Raise UsageError for *wishes* that cannot be, before anything is begun."""
    if wishes.broker.where == "memory":
        raise UsageError("--broker memory: live devices need a real broker; expected auto, mosquitto or mqtt(s)://…")
    if not _is_private(wishes):
        _own_broker(wishes)
    elif wishes.broker.credentials or wishes.broker.ca:
        raise UsageError(
            f"--broker {wishes.broker.where}: --broker-credentials and --broker-ca are for a broker of your own (mqtt://…)"
        )
    if wishes.superlink is not None:
        _own_superlink(wishes, wishes.superlink)


def _is_private(wishes: Wishes) -> bool:
    return wishes.broker.where in ("auto", "mosquitto")


@contextmanager
def opened(fleet: Fleet, here: Sequence[Device], wishes: Wishes, folder: Path) -> Iterator[Premises]:
    """Give the premises; what is ours ends with the block. *folder* is for secrets, and for nobody else's eyes.

    Raises UsageError for wishes that cannot be, BrokerRefused and SuperLinkFailed for what does not start.
    """
    check_wishes(wishes)
    private = _is_private(wishes)
    authority = None if wishes.insecure else new_authority(f"Fleetbeat {fleet.name}", _DAYS)
    secret = secrets.token_bytes(KEY_BYTES)
    wearers = None if wishes.plain else {device.wearer: wearer_key(secret, device.wearer) for device in here}
    with ExitStack() as stack:
        mosquitto: PrivateMosquitto | None = None
        own_login: Path | None
        look_on: str | None
        if private:
            access = access_of(fleet.name, here, {HOUSE: [device.name for device in here]})
            mosquitto = stack.enter_context(PrivateMosquitto(access, Door(authority=authority)))
            address, credentials, ca = mosquitto.address, mosquitto.credentials, mosquitto.ca_file
            own_login = folder / "server.credentials"
            write_secret(own_login, mosquitto.credentials_file([SERVER_USER]).encode())
            look_on = _look_on(fleet.name, mosquitto, folder / "look")
        else:
            address, credentials = _own_broker(wishes)
            ca, own_login, look_on = wishes.broker.ca, wishes.broker.credentials, None
        superlink: PrivateSuperLink | None = None
        if wishes.superlink is None:
            frozen = folder / "fleet.toml"
            write_whole(frozen, freeze(fleet).encode())
            environment = _environment(frozen, address, ca, own_login)
            certificates = None if authority is None else _certificates(authority, folder)
            superlink = stack.enter_context(PrivateSuperLink(folder / "superlink", environment, certificates))
            connection = Connection(superlink.address, superlink.authority, insecure=wishes.insecure)
        else:
            connection = _own_superlink(wishes, wishes.superlink)
        scheme = "http" if connection.insecure else "https"
        roads = Roads(
            broker=address,
            credentials=credentials,
            superlink=f"{scheme}://{connection.address}",
            superlink_ca=connection.authority,
            wearers=wearers,
        )
        yield Premises(roads, connection, mosquitto, superlink, look_on)


def _look_on(fleet: str, mosquitto: PrivateMosquitto, folder: Path) -> str:
    login = mosquitto.credentials.of(OBSERVER_USER)
    assert login is not None
    address, topics = mosquitto.address, [f"{ROOT}/{fleet}/#"]
    onlooker.write_options(folder, onlooker.options(address.host, address.port, mosquitto.ca_file, login, topics))
    return onlooker.command(folder)


def _own_superlink(wishes: Wishes, address: str) -> Connection:
    if wishes.superlink_ca is not None and not wishes.superlink_ca.is_file():
        raise UsageError(f"--superlink-ca {wishes.superlink_ca}: no such file")
    asked = Directions(
        broker=wishes.broker.where, superlink=address, superlink_ca=wishes.superlink_ca, insecure=wishes.insecure
    )
    return asked.connection()


def _own_broker(wishes: Wishes) -> tuple[Address, Credentials]:
    choice = wishes.broker
    address = read_address(choice.where, choice.ca)
    return address, read_credentials(choice.credentials) if choice.credentials else OPEN


def _certificates(authority: Authority, folder: Path) -> Certificates:
    pair = server_certificate(authority, _HERE, _DAYS)
    files = Certificates(folder / "ca.crt", folder / "superlink.crt", folder / "superlink.key")
    write_whole(files.authority, authority.certificate)
    write_whole(files.certificate, pair.certificate)
    write_secret(files.key, pair.key)
    return files


def _environment(fleet: Path, broker: Address, ca: Path | None, credentials: Path | None) -> Mapping[str, str]:
    """Return the environment of a SuperLink whose ServerApp is to train the fleet of this process."""
    ours = str(Path(__file__).resolve().parents[1])
    paths = [ours, *filter(None, [os.environ.get("PYTHONPATH")])]  # the ServerApp must find this very Fleetbeat
    told = {live_app.FLEET: str(fleet), live_app.BROKER: str(broker), "PYTHONPATH": os.pathsep.join(paths)}
    if ca is not None:
        told[live_app.BROKER_CA] = str(ca.resolve())
    if credentials is not None:
        told[live_app.BROKER_CREDENTIALS] = str(credentials.resolve())
    ours_alone = (live_app.FLEET, live_app.BROKER, live_app.BROKER_CA, live_app.BROKER_CREDENTIALS)
    others = {name: value for name, value in os.environ.items() if name not in ours_alone}  # not somebody's old ones
    return {**others, **told}
