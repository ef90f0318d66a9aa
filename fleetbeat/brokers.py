"""Which broker: the word behind ``--broker`` becomes a wire."""

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from broker.access import SERVER_USER, Access
from broker.address import Address, read_address
from broker.credentials import OPEN, Credentials, read_credentials
from broker.errors import UsageError
from broker.link import Wire
from broker.memory import MemoryBroker, MemoryWire
from broker.mosquitto import PrivateMosquitto, find_mosquitto
from broker.mqtt import MqttWire
from devices.residents import Device

WHERE = ("auto", "mosquitto", "memory")


@dataclass(frozen=True, slots=True)
class BrokerChoice:
    """What was asked for: *where* is one of `WHERE` or an address; credentials and CA are for a broker of one's own."""

    where: str = "auto"
    credentials: Path | None = None
    ca: Path | None = None


def access_of(fleet: str, residents: Sequence[Device], houses: Mapping[str, Collection[str]] | None = None) -> Access:
    """Return the rules of a fleet's broker; *houses* is user → the devices that one process of many hosts."""
    heard: dict[str, list[str]] = {resident.name: [] for resident in residents}
    for resident in residents:
        if resident.trainer is not None:
            heard[resident.trainer].append(resident.name)
    return Access(fleet, heard, houses or {})


@contextmanager
def opened(choice: BrokerChoice, fleet: str, residents: Sequence[Device]) -> Iterator[tuple[Wire, str]]:
    """Give a wire to the chosen broker and a word for which it is; a broker of ours ends with the block.

    Raises UsageError for a word that means nothing, BrokerRefused for a broker that does not want us, BrokerLost for
    one that does not answer.
    """
    own = choice.where.startswith(("mqtt:", "mqtts:"))
    if not own and choice.where not in WHERE:
        raise UsageError(
            f"--broker {choice.where}: expected one of {', '.join(WHERE)}, mqtt://HOST:PORT or mqtts://HOST:PORT"
        )
    if not own and (choice.credentials or choice.ca):
        raise UsageError(
            f"--broker {choice.where}: --broker-credentials and --broker-ca are for a broker of your own (mqtt://…)"
        )
    access = access_of(fleet, residents)
    if own:
        credentials = read_credentials(choice.credentials) if choice.credentials else OPEN
        address = read_address(choice.where, choice.ca)
        asyncio.run(_knock(address, credentials, [SERVER_USER, *(resident.name for resident in residents)]))
        yield MqttWire(address, credentials), choice.where
    elif choice.where == "mosquitto" or (choice.where == "auto" and find_mosquitto() is not None):
        with PrivateMosquitto(access) as mosquitto:
            yield MqttWire(mosquitto.address, mosquitto.credentials), "mosquitto"
    else:
        yield MemoryWire(MemoryBroker(access)), "memory"


async def _knock(address: Address, credentials: Credentials, users: Sequence[str]) -> None:
    """Come in and leave again, once with each login that *users* have: whom the broker refuses is told now."""
    by_login: dict[tuple[str, str] | None, str] = {}
    for user in users:
        by_login.setdefault(credentials.of(user), user)
    wire = MqttWire(address, credentials)
    try:
        for user in by_login.values():
            link = wire.link(user)
            await link.connect()
            await link.close()
    finally:
        await wire.close()
