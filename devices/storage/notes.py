"""The notes: few small facts that a device must know again when it wakes up: its battery, its task, its keys."""

from typing import Protocol

from devices.storage.database import Database

OF_A_LIFE = "life/"
"""What is noted under a key that begins so is forgotten when another life begins: battery and task, not the keys."""


class Notes(Protocol):
    """What both kinds of notes promise, to any thread."""

    def get(self, key: str) -> bytes | None:
        """Return what was put under *key* last; None if nothing was."""
        ...

    def put(self, key: str, value: bytes) -> None:
        """Write *value* down in place of what was there; StorageFull if there is no room, and the old one stays."""
        ...


class MemoryNotes:
    """Notes that live as long as this object."""

    def __init__(self) -> None:
        self._values: dict[str, bytes] = {}

    def get(self, key: str) -> bytes | None:
        """Return what was put under *key* last."""
        return self._values.get(key)

    def put(self, key: str, value: bytes) -> None:
        """Write *value* down."""
        self._values[key] = value


class SqliteNotes:
    """Notes in a device's file: once `put` returned, no ``kill -9`` takes them away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, key: str) -> bytes | None:
        """Return what was put under *key* last."""
        rows = self._database.read("SELECT value FROM note WHERE key = ?", (key,))
        return bytes(rows[0][0]) if rows else None

    def put(self, key: str, value: bytes) -> None:
        """Write *value* down."""
        with self._database.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO note VALUES (?, ?)", (key, value))
