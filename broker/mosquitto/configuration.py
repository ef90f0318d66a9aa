"""What Mosquitto reads at its start: configuration, passwords, access rules."""

import base64
import hashlib
import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from broker.access import Access
from broker.link import PAYLOAD_LIMIT_BYTES

PASSWORDS, ACL, CA, CERTIFICATE, KEY, STORE = "passwords", "acl", "ca.crt", "server.crt", "server.key", "data"
"""The names of the files in Mosquitto's folder, and of the folder in which it keeps what must outlive it."""

LIVE_LIMIT_BYTES = 4 * 1024 * 1024
"""A longer payload ends its sender's connection where strangers may come: a batch has some 10 kB."""

_SALT_BYTES = 12
_ROUNDS = 101
"""What mosquitto_passwd takes; the secrets are random, so that more rounds would only slow down connecting."""
_UNLIMITED = 1_000_000_000
"""Not 0, which means the same: with it 2.0.11 ends the connection of whoever publishes where it must not."""
_HEADER_BYTES = 1024
"""Room for topic and header beside the payload."""
_QUEUE_BYTES = 16 * 1024 * 1024
"""So much may wait for one client, and as much be on its way to it: months of a wearer's readings, or 50,000 events.

Beyond it the newest are dropped, for that client alone; without a bound one device that floods could fill the
broker's memory.
"""


@dataclass(frozen=True, slots=True)
class Doorstep:
    """Where Mosquitto listens: the rest of its line ``listener``, and whether it speaks TLS there."""

    listener: str
    tls: bool = False


def new_secrets(users: Iterable[str]) -> dict[str, str]:
    """Return a fresh password of 192 random bits for each of *users*."""
    return {user: secrets.token_urlsafe(24) for user in users}


def password_file(passwords: Mapping[str, str]) -> str:
    """Return Mosquitto's password_file: ``user:$7$rounds$salt$hash``, PBKDF2 with HMAC-SHA-512."""
    return "".join(f"{user}:{_hashed(password)}\n" for user, password in passwords.items())


def passing_configuration(folder: Path, socket: Path) -> str:
    """Return a configuration (options of 2.0 on) for one process and one run: it keeps nothing on disk."""
    lines = [
        *_common(folder, Doorstep(f"0 {socket}")),
        f"max_packet_size {PAYLOAD_LIMIT_BYTES + _HEADER_BYTES}",
        "persistence false",
    ]
    return "\n".join(lines) + "\n"


def lasting_configuration(folder: Path, doorstep: Doorstep) -> str:
    """Return a configuration for many processes: sessions outlive the broker, and nobody can fill it up.

    It saves every other second: a SIGKILL takes with it what it acknowledged since then and had not passed on,
    which is why outboxes and narrators tell the last of it again. Saving at every change would leave less to tell
    again, but let one client for which much waits slow down all others.
    """
    tls = [f"certfile {folder / CERTIFICATE}", f"keyfile {folder / KEY}"] if doorstep.tls else []
    lines = [
        *_common(folder, doorstep, tls),
        f"max_packet_size {LIVE_LIMIT_BYTES + _HEADER_BYTES}",
        f"max_inflight_bytes {_QUEUE_BYTES}",
        f"max_queued_bytes {_QUEUE_BYTES}",
        "persistence true",
        f"persistence_location {folder / STORE}/",
        "autosave_interval 1",
    ]
    return "\n".join(lines) + "\n"


def _common(folder: Path, doorstep: Doorstep, tls: Iterable[str] = ()) -> list[str]:
    """Return what never drops what was acknowledged, and lets nobody in without a password."""
    return [
        *(["user root"] if os.geteuid() == 0 else []),  # else it becomes a user that cannot read the folder
        f"listener {doorstep.listener}",
        *tls,
        "allow_anonymous false",
        f"password_file {folder / PASSWORDS}",
        f"acl_file {folder / ACL}",
        f"max_queued_messages {_UNLIMITED}",
        "max_inflight_messages 0",
        "log_dest stderr",
        "log_type error",
        "log_type warning",
    ]


def _hashed(password: str) -> str:
    salt = secrets.token_bytes(_SALT_BYTES)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ROUNDS, 64)
    return f"$7${_ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def access_files(access: Access, passwords: Mapping[str, str]) -> dict[str, str]:
    """Return the files that say who may come in and what they may do: name → content."""
    return {PASSWORDS: password_file(passwords), ACL: access.acl()}
