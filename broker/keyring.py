"""The keyring: the keys of wearers as files, one key a file, 64 hexadecimal digits."""

from pathlib import Path

from broker.errors import UsageError
from broker.seal import KEY_BYTES


def key_line(key: bytes) -> bytes:
    """Return what stands in a key's file."""
    return key.hex().encode() + b"\n"


def read_key(path: Path) -> bytes:
    """Read one wearer's key; raises UsageError naming the file, never what stands there."""
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except OSError as error:
        raise UsageError(f"{path}: the wearer's key cannot be read: {error.strerror}") from None
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise UsageError(f"{path}: expected a wearer's key, {2 * KEY_BYTES} hexadecimal digits")
    return key


def read_keys(folder: Path) -> dict[str, bytes]:
    """Read a folder of keys: wearer → key, by the files' names; raises UsageError."""
    try:
        files = sorted(folder.iterdir())
    except OSError as error:
        raise UsageError(f"{folder}: the wearers' keys cannot be read: {error.strerror}") from None
    return {path.name: read_key(path) for path in files if not path.name.endswith(".part")}
