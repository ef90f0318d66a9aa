"""What Mosquitto reads at its start: configuration, passwords, access rules."""

import base64
import hashlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from broker.access import Access
from broker.link import PAYLOAD_LIMIT_BYTES

_SALT_BYTES = 12
_ROUNDS = 101
"""What mosquitto_passwd takes; the secrets are random, so that more rounds would only slow down connecting."""
_UNLIMITED = 1_000_000_000
"""Not 0, which means the same: with it 2.0.11 ends the connection of whoever publishes where it must not."""
_HEADER_BYTES = 1024
"""Room for topic and header beside the payload."""


def new_secrets(access: Access) -> dict[str, str]:
    """Return a fresh password of 192 random bits for everybody."""
    return {user: secrets.token_urlsafe(24) for user in access.users}


def password_file(passwords: Mapping[str, str]) -> str:
    """Return Mosquitto's password_file: ``user:$7$rounds$salt$hash``, PBKDF2 with HMAC-SHA-512."""
    return "".join(f"{user}:{_hashed(password)}\n" for user, password in passwords.items())


def configuration(folder: Path, socket: Path) -> str:
    """Return a configuration (options of 2.0 on) that never drops what it acknowledged and keeps nothing on disk."""
    lines = [
        f"listener 0 {socket}",
        "allow_anonymous false",
        f"password_file {folder / 'passwords'}",
        f"acl_file {folder / 'acl'}",
        f"max_queued_messages {_UNLIMITED}",
        "max_inflight_messages 0",
        f"max_packet_size {PAYLOAD_LIMIT_BYTES + _HEADER_BYTES}",
        "persistence false",
        "log_dest stderr",
        "log_type error",
        "log_type warning",
    ]
    if os.geteuid() == 0:
        lines.insert(0, "user root")  # else it becomes a user that cannot read the folder
    return "\n".join(lines) + "\n"


def _hashed(password: str) -> str:
    salt = secrets.token_bytes(_SALT_BYTES)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ROUNDS, 64)
    return f"$7${_ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"
