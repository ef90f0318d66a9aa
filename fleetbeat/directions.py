"""Directions: how a process of its own is told where its broker and its SuperLink are, and who it is there."""

from dataclasses import dataclass
from pathlib import Path

from broker.address import read_address
from broker.credentials import OPEN, read_credentials
from broker.errors import UsageError
from broker.keyring import read_keys
from fleetbeat.house import Roads
from fleetbeat.submission import Connection


@dataclass(frozen=True, kw_only=True)
class Directions:
    """What was given as ``--broker``, ``--superlink`` and kin."""

    broker: str
    broker_ca: Path | None = None
    broker_credentials: Path | None = None
    superlink: str
    superlink_ca: Path | None = None
    insecure: bool = False
    """No TLS to the SuperLink; to the broker there is none if its address is mqtt://…"""
    keys: Path | None = None
    """A folder with one file for each wearer; None: readings travel unsealed."""

    def connection(self) -> Connection:
        """Return how to reach the SuperLink; raises UsageError."""
        if "://" in self.superlink or ":" not in self.superlink:
            raise UsageError(f"--superlink {self.superlink}: expected HOST:PORT")
        if self.insecure and self.superlink_ca is not None:
            raise UsageError("--superlink-ca and --insecure exclude each other: without TLS nobody has a certificate")
        return Connection(self.superlink, self.superlink_ca, insecure=self.insecure)

    def roads(self) -> Roads:
        """Return the ways to both; raises UsageError for what cannot be read or understood."""
        connection = self.connection()
        return Roads(
            broker=read_address(self.broker, self.broker_ca),
            credentials=read_credentials(self.broker_credentials) if self.broker_credentials is not None else OPEN,
            superlink=f"{'http' if self.insecure else 'https'}://{connection.address}",
            superlink_ca=self.superlink_ca,
            wearers=read_keys(self.keys) if self.keys is not None else None,
        )
