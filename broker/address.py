"""Where a broker listens, and how to reach it: ``mqtt://HOST:PORT``, ``mqtts://…``, or a socket of this machine."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from broker.errors import UsageError

PORTS = {"mqtt": 1883, "mqtts": 8883}
"""Scheme → the port registered for it (IANA: mqtt, secure-mqtt)."""


@dataclass(frozen=True, slots=True)
class Address:
    """One broker: *socket* is a path of this machine, else *host* and *port*, with TLS if there is a *tls* context."""

    host: str = ""
    port: int = 0
    tls: ssl.SSLContext | None = None
    socket: Path | None = None

    def __str__(self) -> str:
        if self.socket is not None:
            return str(self.socket)
        return f"{'mqtts' if self.tls else 'mqtt'}://{self.host}:{self.port}"


def read_address(text: str, ca: Path | None = None) -> Address:
    """Understand what stands behind ``--broker`` and ``--broker-ca``; raises UsageError if it makes no sense.

    Without *ca*, ``mqtts://`` trusts the authorities that this machine trusts.
    """
    expected = "expected mqtt://HOST:PORT or mqtts://HOST:PORT"
    parts = urlsplit(text)
    try:
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"broker address: {error}, {expected}") from None
    if parts.username is not None or parts.password is not None:
        raise UsageError("broker address: user and password do not belong here; give --broker-credentials FILE")
    if parts.scheme not in PORTS or not host or parts.path.strip("/") or parts.query or parts.fragment:
        raise UsageError(f"broker address {text!r}: {expected}")
    if ca is not None and parts.scheme != "mqtts":
        raise UsageError(f"broker address {text!r} knows no certificates: with --broker-ca it must be mqtts://…")
    tls = _trusting(ca) if parts.scheme == "mqtts" else None
    return Address(host, PORTS[parts.scheme] if port is None else port, tls)


def _trusting(ca: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca)
    except ssl.SSLError:
        raise UsageError(f"{ca}: not a certificate authority in PEM") from None
    except OSError as error:
        raise UsageError(f"{ca}: the certificate authority cannot be read: {error.strerror}") from None
