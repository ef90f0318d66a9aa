"""User names and passwords: whose link logs in how. Nothing here ever prints a password.

A credentials file has one ``name:password`` a line, the password being all that follows the first
colon; empty lines and lines that begin with ``#`` do not count. A line ``*:user:password`` lets all
devices that have no line of their own log in as that one user.
"""

from collections.abc import Mapping
from pathlib import Path

from broker.errors import UsageError

EVERYBODY = "*"


class Credentials:
    """Device → user and password; without any, everybody comes as nobody (an open broker)."""

    def __init__(self, passwords: Mapping[str, str], shared: tuple[str, str] | None = None) -> None:
        self._passwords = dict(passwords)
        self._shared = shared

    def of(self, device: str) -> tuple[str, str] | None:
        """Return the user and password with which *device* logs in; None: without."""
        own = self._passwords.get(device)
        return (device, own) if own is not None else self._shared

    def __repr__(self) -> str:
        return f"<credentials of {len(self._passwords)} devices{' and everybody' if self._shared else ''}>"


OPEN = Credentials({})


def read_credentials(path: Path) -> Credentials:
    """Read a credentials file; raises UsageError naming file and line, never what stands there."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise UsageError(f"{path}: the broker's credentials cannot be read: {reason}") from None
    passwords: dict[str, str] = {}
    shared: tuple[str, str] | None = None
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, found, rest = line.partition(":")
        if name == EVERYBODY:
            name, found, rest = rest.partition(":")
            shared = name, rest
        else:
            passwords[name] = rest
        if not found or not name or not rest:
            raise UsageError(f"{path}, line {number}: expected name:password, or *:user:password for everybody")
    return Credentials(passwords, shared)
