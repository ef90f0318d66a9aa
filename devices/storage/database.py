"""The database: one SQLite file per device, in which its buffer, its outbox and its notes last."""

import errno
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

from broker.errors import StorageError, StorageFull

APPLICATION_ID = int.from_bytes(b"FLBT")
"""Marks a file as ours, in SQLite's header."""

SCHEMA_VERSION = 1
"""Goes up when `SCHEMA` changes; a file of a later version is left alone."""

SCHEMA = """
CREATE TABLE buffer (only INTEGER PRIMARY KEY CHECK (only = 1), capacity INTEGER, readings INTEGER, evicted INTEGER);
CREATE TABLE chunk (id INTEGER PRIMARY KEY, channel TEXT, first_s REAL, last_s REAL, times BLOB, amounts BLOB);
CREATE INDEX chunk_by_age ON chunk (first_s);
CREATE INDEX chunk_by_channel ON chunk (channel, last_s);
CREATE TABLE source (name TEXT PRIMARY KEY, readings INTEGER, runs TEXT) WITHOUT ROWID;
CREATE TABLE night (number INTEGER PRIMARY KEY, change INTEGER, fresh INTEGER, readings INTEGER, examples INTEGER,
    arrays BLOB);
CREATE TABLE outbox (seq INTEGER PRIMARY KEY, readings INTEGER, stage INTEGER, channels BLOB);
CREATE TABLE tally (only INTEGER PRIMARY KEY CHECK (only = 1), next_seq INTEGER, sensed INTEGER, dropped INTEGER,
    sent INTEGER);
INSERT INTO tally VALUES (1, 1, 0, 0, 0);
CREATE TABLE note (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;
"""

PAGE_BYTES = 1_024
CACHE_KIB = 16
CHECKPOINT_PAGES = 400
STATEMENTS = 8
"""Small pages, a small cache, few prepared statements: a device costs about 100 kB of memory, not 200. Its log is
written back into the file at 400 kB: each time costs a disk's flush or two, so not more often."""

PATIENCE_S = 10.0
"""Another process writes for milliseconds; who holds the file longer than this is in trouble."""

_NO_ROOM = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE)


class Database:
    """A device's file, open in this process. One process writes; others may read at any time.

    Durability: a transaction that ended is in the operating system's hands (write-ahead log, ``synchronous=NORMAL``).
    Whatever happens to this process then, ``kill -9`` too, it is there, whole. A power cut or a crash of the
    system itself may take back the last transactions, at most those since the log was last written back (some
    dozens of batches), newest first and whole: the file stays sound. A device may then repeat numbers of batches
    that its trainer has taken already. ``FULL`` would prevent that by one flush of the disk per transaction.
    """

    def __init__(self, path: Path, *, create: bool = False) -> None:
        """Open the file at *path*; where there is none, *create* it, readable for this user alone.

        Raises StorageError if it is missing, not ours, or from the future, and StorageFull if there is no room.
        """
        self.path = path.absolute()
        self._lock = RLock()
        if create:
            _touch(self.path)
        elif not self.path.is_file():
            raise StorageError(f"{self.path}: no such file; a device's storage is made by the process that hosts it")
        try:
            self._connection = sqlite3.connect(
                f"{self.path.as_uri()}?mode=rw",
                uri=True,
                timeout=PATIENCE_S,
                isolation_level=None,  # transactions begin and end where we say
                check_same_thread=False,  # a device is built in one thread and lives in another; see _lock
                cached_statements=STATEMENTS,
            )
        except sqlite3.Error as error:
            raise self._told(error) from error
        try:
            self._prepare(create)
        except BaseException:
            self._connection.close()
            raise

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Write all that is written within, or nothing: if there is no room for it, StorageFull says so."""
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    yield self._connection
                    self._connection.execute("COMMIT")
                finally:
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
            except sqlite3.Error as error:
                raise self._told(error) from error

    def read(self, question: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return the rows that answer *question*."""
        with self._lock:
            try:
                return self._connection.execute(question, values).fetchall()
            except sqlite3.Error as error:
                raise self._told(error) from error

    def foreign_changes(self) -> int:
        """Return a number that is another one after a different connection changed the file."""
        return int(self.read("PRAGMA data_version")[0][0])

    def close(self) -> None:
        """Close the file; the last one to do so writes the log back into it."""
        with self._lock:
            self._connection.close()

    def _prepare(self, create: bool) -> None:
        if self._version() is None:
            if not create:
                raise StorageError(f"{self.path}: the file is empty, no device has stored anything in it")
            self.read(f"PRAGMA page_size={PAGE_BYTES}")
            mode = self.read("PRAGMA journal_mode=WAL")[0][0]
            if mode != "wal":
                raise StorageError(f"{self.path}: a write-ahead log cannot be kept here; choose a local disk")
            with self.transaction() as connection:
                if self._version() is None:  # nobody else was quicker
                    for statement in SCHEMA.split(";\n"):
                        connection.execute(statement)
                    connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
                    connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        for setting in ("synchronous=NORMAL", f"cache_size=-{CACHE_KIB}", f"wal_autocheckpoint={CHECKPOINT_PAGES}"):
            self.read(f"PRAGMA {setting}")

    def _version(self) -> int | None:
        """Return the version of the file's schema; None if it is still empty."""
        ((owner, version, tables),) = self.read(
            "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_master)"
            " FROM pragma_application_id, pragma_user_version"
        )
        if owner == version == tables == 0:
            return None
        if owner != APPLICATION_ID:
            raise StorageError(f"{self.path}: an SQLite file, but not a device's storage; it was left alone")
        if version != SCHEMA_VERSION:
            raise StorageError(
                f"{self.path}: written by another Fleetbeat (schema {version}, this one knows {SCHEMA_VERSION}); "
                f"it was left alone: update Fleetbeat, or name another folder"
            )
        return int(version)

    def _told(self, error: sqlite3.Error) -> StorageError:
        if getattr(error, "sqlite_errorcode", None) in _NO_ROOM:
            return StorageFull(f"{self.path}: no room to write ({error})")
        return StorageError(f"{self.path}: {error}")


def _touch(path: Path) -> None:
    """Make an empty file for this user's eyes only, unless there is one: heartbeats and keys will be in it."""
    if path.exists():
        return  # closing a file takes away all locks that this process has on it, SQLite's too
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        kind = StorageFull if error.errno in (errno.ENOSPC, errno.EDQUOT) else StorageError
        raise kind(f"{path}: {error.strerror}") from error
