"""The store: hands each device its buffer, its outbox and its notes; in memory, or in files that outlive processes."""

import fcntl
import os
from pathlib import Path
from typing import Protocol

from broker.errors import StorageError
from broker.topics import check_name
from devices.buffer import OPEN, Buffer, MemoryBuffer
from devices.outbox import MemoryOutbox, Outbox
from devices.storage.buffer import SqliteBuffer
from devices.storage.database import Database
from devices.storage.notes import OF_A_LIFE, MemoryNotes, Notes, SqliteNotes
from devices.storage.outbox import SqliteOutbox

LIFE = "life"
"""The note of which life a file is of."""


class Store(Protocol):
    """Where the devices of one process keep what they must not forget. Asked twice, it gives the same thing."""

    def buffer(self, device: str, capacity_readings: int) -> Buffer:
        """Return the buffer of *device*, bounded to *capacity_readings*."""
        ...

    def outbox(self, device: str, capacity_readings: int) -> Outbox:
        """Return the outbox of *device*, bounded to *capacity_readings*."""
        ...

    def notes(self, device: str) -> Notes:
        """Return the notes of *device*."""
        ...

    def close(self) -> None:
        """Let go of all files; nothing that came from here may be used afterwards."""
        ...


class MemoryStore:
    """A store that forgets everything with the process: for virtual time."""

    def __init__(self, fleet: str) -> None:
        self._fleet = fleet
        self._buffers: dict[str, Buffer] = {}
        self._outboxes: dict[str, Outbox] = {}
        self._notes: dict[str, Notes] = {}

    def buffer(self, device: str, capacity_readings: int) -> Buffer:
        """Return the buffer ``memory:<fleet>/<device>``."""
        if device not in self._buffers:
            self._buffers[device] = MemoryBuffer(f"memory:{self._fleet}/{device}", capacity_readings)
        return self._buffers[device]

    def outbox(self, device: str, capacity_readings: int) -> Outbox:
        """Return the outbox of *device*."""
        return self._outboxes.setdefault(device, MemoryOutbox(capacity_readings))

    def notes(self, device: str) -> Notes:
        """Return the notes of *device*."""
        return self._notes.setdefault(device, MemoryNotes())

    def close(self) -> None:
        """Nothing to let go of."""


class SqliteStore:
    """A folder with one file per device, ``<device>.sqlite``, of which one process at a time is the master.

    Each device that is asked for costs three open files and about 100 kB. Raises StorageError if another process
    has the folder, and whatever opening a `Database` raises.
    """

    def __init__(self, folder: Path, life: str | None = None) -> None:
        """*life* names the life that begins or goes on (None: whichever): readings of another one are forgotten.

        Notes that are `OF_A_LIFE` go with them. Other notes stay, and the numbers of batches go on: what is sealed
        must never look like something heard before.
        """
        self.folder = folder.absolute()
        self._life = life
        self.forgot = False
        """Whether there was another life, or none."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(self.folder, os.O_RDONLY)
        except OSError as error:
            raise StorageError(f"{self.folder}: {error.strerror}") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            raise StorageError(
                f"{self.folder}: another process hosts devices here; give it a folder of its own"
            ) from error
        self._databases: dict[str, Database] = {}
        self._buffers: dict[str, SqliteBuffer] = {}
        self._outboxes: dict[str, SqliteOutbox] = {}

    def buffer(self, device: str, capacity_readings: int) -> Buffer:
        """Return the buffer ``sqlite:<folder>/<device>.sqlite``, which other processes can open too."""
        if device not in self._buffers:
            self._buffers[device] = SqliteBuffer(self._database(device), capacity_readings)
        return self._buffers[device]

    def outbox(self, device: str, capacity_readings: int) -> Outbox:
        """Return the outbox of *device*, as its last process left it."""
        if device not in self._outboxes:
            self._outboxes[device] = SqliteOutbox(self._database(device), capacity_readings)
        return self._outboxes[device]

    def notes(self, device: str) -> Notes:
        """Return the notes of *device*."""
        return SqliteNotes(self._database(device))

    def close(self) -> None:
        """Close all files; the next process may have the folder."""
        for buffer in self._buffers.values():
            OPEN.pop(buffer.reference, None)
        for database in self._databases.values():
            database.close()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _database(self, device: str) -> Database:
        if device not in self._databases:
            database = Database(self.folder / f"{check_name(device)}.sqlite", create=True)
            if self._life is not None:
                self.forgot |= _begin(self._life.encode(), database)
            self._databases[device] = database
        return self._databases[device]


def _begin(life: bytes, database: Database) -> bool:
    """Have *database* forget what is of another life than *life*; return whether it was."""
    if SqliteNotes(database).get(LIFE) == life:
        return False
    with database.transaction() as connection:
        for table in ("chunk", "source", "night", "outbox"):
            connection.execute(f"DELETE FROM {table}")
        connection.execute("UPDATE buffer SET readings = 0, evicted = 0")
        connection.execute("UPDATE tally SET sensed = 0, dropped = 0, sent = 0")  # numbers of batches go on
        connection.execute("DELETE FROM note WHERE key LIKE ? || '%'", (OF_A_LIFE,))
        connection.execute("INSERT OR REPLACE INTO note VALUES (?, ?)", (LIFE, life))
    return True
