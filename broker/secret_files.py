"""Files that nobody else may read: mode 0600 from their first byte on, and whole or not there."""

import os
from pathlib import Path

from broker.errors import UsageError


def write_secret(path: Path, content: bytes) -> None:
    """Write *content* to *path* in one step, for its owner's eyes only; raises UsageError if that cannot be."""
    write_whole(path, content, 0o600)


def write_whole(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Write *content* to *path* in one step: readers see the old file or the new one, never half."""
    part = path.with_name(path.name + ".part")
    try:
        part.unlink(missing_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise UsageError(f"{path}: cannot be written: {os.strerror(error.errno or 0)}") from None
