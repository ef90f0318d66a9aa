"""Stores hand out what devices must not forget; the folder of a lasting one is one process's own."""

import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from broker.errors import StorageError, StorageFull
from devices.outbox import Tally
from devices.storage.database import Database
from devices.storage.notes import OF_A_LIFE, SqliteNotes
from devices.storage.store import MemoryStore, SqliteStore, Store
from tests.storage.ground import full, span

STORES: dict[str, Callable[[Path], Store]] = {"memory": lambda folder: MemoryStore(folder.name), "lasting": SqliteStore}


@pytest.fixture(params=sorted(STORES))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with closing(STORES[request.param](tmp_path)) as store:
        yield store


def test_who_asks_twice_gets_the_same(store: Store) -> None:
    assert store.buffer("phone-1", 10) is store.buffer("phone-1", 10)
    assert store.outbox("phone-1", 10) is store.outbox("phone-1", 10)

    store.notes("phone-1").put("battery", b"0.5")

    assert store.notes("phone-1").get("battery") == b"0.5"


def test_devices_do_not_mix(store: Store) -> None:
    store.notes("phone-1").put("battery", b"0.5")
    store.buffer("phone-1", 100).accept("band-1", 1, span(1))
    store.outbox("phone-1", 100).put(span(1))

    assert store.notes("phone-2").get("battery") is None
    assert store.buffer("phone-2", 100).taken("band-1") == 0
    assert len(store.outbox("phone-2", 100)) == 0


@pytest.mark.parametrize("value", [b"", b"a key", bytes(range(256))])
def test_notes_keep_any_bytes(store: Store, value: bytes) -> None:
    notes = store.notes("phone-1")
    notes.put("note", b"old")

    notes.put("note", value)

    assert notes.get("note") == value


def test_a_lasting_store_remembers_everything(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path)) as store:
        store.notes("phone-1").put("battery", b"0.5")
        store.outbox("phone-1", 100).put(span(1))
        store.buffer("phone-1", 100).accept("band-1", 1, span(1))

    with closing(SqliteStore(tmp_path)) as store:
        assert store.notes("phone-1").get("battery") == b"0.5"
        assert len(store.outbox("phone-1", 100)) == 1
        assert store.buffer("phone-1", 100).accept("band-1", 1, span(1)) is None


def test_another_life_knows_no_reading_of_the_one_before_but_keeps_keys_and_numbers(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path, "first")) as store:
        store.notes("phone-1").put("key", b"kept")
        store.notes("phone-1").put(f"{OF_A_LIFE}memoir", b"forgotten")
        store.outbox("phone-1", 100).put(span(1))
        store.buffer("phone-1", 100).accept("band-1", 1, span(1))
        assert store.forgot

    with closing(SqliteStore(tmp_path, "first")) as store:
        assert len(store.outbox("phone-1", 100)) == 1
        assert not store.forgot

    with closing(SqliteStore(tmp_path, "second")) as store:
        outbox, buffer, notes = store.outbox("phone-1", 100), store.buffer("phone-1", 100), store.notes("phone-1")
        assert store.forgot
        assert (notes.get("key"), notes.get(f"{OF_A_LIFE}memoir")) == (b"kept", None)
        assert (len(outbox), outbox.tally(), buffer.counts().readings) == (0, Tally(0, 0, 0), 0)
        assert buffer.accept("band-1", 1, span(1)) == 0
        outbox.put(span(2))
        batch = outbox.leave()
        assert batch is not None
        assert batch.seq == 2


def test_two_processes_cannot_host_from_one_folder(tmp_path: Path) -> None:
    first = SqliteStore(tmp_path)

    with pytest.raises(StorageError, match="another process"):
        SqliteStore(tmp_path)

    first.close()
    SqliteStore(tmp_path).close()


def test_heartbeats_and_keys_are_for_their_owner_only(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "devices")) as store:
        store.notes("phone-1").put("key", b"secret")

        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "devices").iterdir()}

    assert stat.S_IMODE((tmp_path / "devices").stat().st_mode) == 0o700
    assert modes == dict.fromkeys(("phone-1.sqlite", "phone-1.sqlite-wal", "phone-1.sqlite-shm"), 0o600)


def test_a_folder_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StorageError, match=str(tmp_path / "file")):
        SqliteStore(tmp_path / "file")


def test_a_note_for_which_there_is_no_room_leaves_the_old_one(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "phone-1.sqlite", create=True)) as database:
        notes = SqliteNotes(database)
        notes.put("task", b"old")

        with full(database), pytest.raises(StorageFull, match="no room"):
            notes.put("task", b"long" * 5_000)

        assert notes.get("task") == b"old"
