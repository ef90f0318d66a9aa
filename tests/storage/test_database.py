"""A device's file is ours, of our time, and made by whoever hosts the device; everything else is refused."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from broker.errors import StorageError
from devices.buffer import open_buffer
from devices.storage.database import SCHEMA_VERSION, Database


def test_a_file_that_is_missing_is_not_made_by_a_reader(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"gone\.sqlite.*no such file"):
        open_buffer(f"sqlite:{tmp_path}/gone.sqlite")

    assert not list(tmp_path.iterdir())


def test_a_file_from_the_future_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "phone-1.sqlite"
    Database(path, create=True).close()
    with closing(sqlite3.connect(path)) as later:
        later.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
    before = path.read_bytes()

    with pytest.raises(StorageError, match=f"schema {SCHEMA_VERSION + 1}, this one knows {SCHEMA_VERSION}"):
        Database(path, create=True)

    assert path.read_bytes() == before


def test_somebody_elses_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "phone-1.sqlite"
    with closing(sqlite3.connect(path)) as theirs:
        theirs.execute("CREATE TABLE photos (name TEXT)")
    before = path.read_bytes()

    with pytest.raises(StorageError, match="not a device's storage"):
        Database(path, create=True)

    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "phone-1.sqlite"
    path.write_text("a letter to a friend" * 100)

    with pytest.raises(StorageError, match=r"phone-1\.sqlite: file is not a database"):
        Database(path, create=True)

    assert path.read_text() == "a letter to a friend" * 100


def test_a_death_at_birth_leaves_an_empty_file_that_the_next_process_fills(tmp_path: Path) -> None:
    path = tmp_path / "phone-1.sqlite"
    path.touch()

    with pytest.raises(StorageError, match="empty"):
        Database(path)

    with closing(Database(path, create=True)) as database:
        assert database.read("SELECT next_seq FROM tally") == [(1,)]


def test_a_device_that_does_not_train_keeps_no_buffer(tmp_path: Path) -> None:
    path = tmp_path / "band-1.sqlite"
    Database(path, create=True).close()

    with pytest.raises(StorageError, match="does not train"):
        open_buffer(f"sqlite:{path}")


def test_whoever_uses_a_closed_file_is_told(tmp_path: Path) -> None:
    database = Database(tmp_path / "phone-1.sqlite", create=True)
    database.close()

    with pytest.raises(StorageError, match="closed"):
        database.read("SELECT 1")
    with pytest.raises(StorageError, match="closed"), database.transaction():
        pass
