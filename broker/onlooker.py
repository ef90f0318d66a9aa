"""The onlooker: how somebody looks on with `mosquitto_sub`, without a password on any command line.

Mosquitto's clients read options, one a line, from a file of their own name in ``$XDG_CONFIG_HOME``.
"""

import shlex
from collections.abc import Sequence
from pathlib import Path

from broker.secret_files import write_secret

PROGRAM = "mosquitto_sub"


def options(host: str, port: int, ca: Path | str | None, login: tuple[str, str], topics: Sequence[str]) -> bytes:
    """Return the file's content: *host* and *port*, the authority (None: no TLS), user and password, and *topics*."""
    lines = [f"-h {host}", f"-p {port}", *([] if ca is None else [f"--cafile {ca}"])]
    lines += [f"-u {login[0]}", f"-P {login[1]}", "-v", *(f"-t {topic}" for topic in topics)]
    return "".join(f"{line}\n" for line in lines).encode()


def write_options(folder: Path, content: bytes) -> None:
    """Write *content* where `command` finds it, for its owner's eyes only; raises UsageError."""
    folder.mkdir(mode=0o700, exist_ok=True)
    write_secret(folder / PROGRAM, content)


def command(folder: Path) -> str:
    """Return the command that looks on with the options in *folder*."""
    return f"XDG_CONFIG_HOME={shlex.quote(str(folder))} {PROGRAM}"
