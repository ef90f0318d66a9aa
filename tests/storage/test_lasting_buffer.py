"""What the buffer in a file promises beyond the contract of all buffers (tests/test_buffer_contract.py)."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from broker.errors import StorageFull
from devices.buffer import BufferCounts, Examples, open_buffer
from devices.storage.buffer import SqliteBuffer, open_lasting
from devices.storage.database import Database
from devices.storage.store import SqliteStore
from tests.storage.ground import READINGS, full, span


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(Database(tmp_path / "phone-1.sqlite", create=True)) as database:
        yield database


def night(size: int, label: int = 1) -> Examples:
    return Examples(
        np.linspace(0, 1, size * 3).reshape(size, 3).astype(np.float16),
        np.full(size, label, np.int8),
        np.arange(size) * 30.0,
    )


def test_the_next_process_finds_everything(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path)) as store:
        buffer = store.buffer("phone-1", 200)
        for seq in (1, 2, 3, 4, 6):
            buffer.accept("band-1", seq, span(seq))
        buffer.keep_night(-3, night(5), fresh=False)
        buffer.keep_night(4, night(7), fresh=True, readings=99)

    with closing(SqliteStore(tmp_path)) as store:
        buffer = store.buffer("phone-1", 200)
        kept = buffer.nights()

        assert buffer.counts() == BufferCounts(200, 100, 2, 12)
        assert buffer.taken("band-1") == 300
        assert [buffer.accept("band-1", seq, span(seq)) for seq in (1, 6, 5)] == [None, None, 60]
        assert set(buffer.window("heart_rate", 0.0, 1e9)[1].tolist()) == {3.0, 4.0, 5.0, 6.0}
        assert [(one.index, one.fresh, one.readings) for one in kept] == [(-3, False, 0), (4, True, 99)]
        for ours, theirs in ((kept[0].examples, night(5)), (kept[1].examples, night(7))):
            for part in ("features", "labels", "start_s"):
                assert getattr(ours, part).dtype == getattr(theirs, part).dtype
                assert np.array_equal(getattr(ours, part), getattr(theirs, part))


def test_a_smaller_bound_is_kept_from_the_next_batch_on(database: Database) -> None:
    SqliteBuffer(database, 300).accept("band-1", 1, span(1))

    buffer = SqliteBuffer(database, 70)
    evicted = buffer.accept("band-1", 2, span(2))

    assert evicted == 50
    assert buffer.counts() == BufferCounts(70, 50, 0, 0)


def test_a_night_kept_elsewhere_is_noticed_and_the_others_stay_the_same(database: Database) -> None:
    here = SqliteBuffer(database, 100)
    here.keep_night(1, night(3), fresh=True)
    here.keep_night(2, night(3), fresh=True)
    first, second = here.nights()

    with closing(Database(database.path)) as elsewhere:
        there = SqliteBuffer(elsewhere)
        there.keep_night(2, night(8), fresh=True)
        there.keep_night(3, night(9), fresh=True)

        assert (
            [len(one.examples) for one in here.nights()] == [len(one.examples) for one in there.nights()] == [3, 8, 9]
        )
    assert here.nights()[0] is first
    assert here.nights()[1] is not second
    assert here.nights() == here.nights()


def test_one_process_opens_a_buffer_once(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path)) as store:
        buffer = store.buffer("phone-1", 100)

        assert open_buffer(buffer.reference) is buffer

    reopened = open_buffer(buffer.reference)  # the store is closed: from the file
    assert reopened is not buffer
    assert open_buffer(buffer.reference) is reopened


def test_a_reader_lets_go_of_the_file_with_the_buffer(database: Database) -> None:
    SqliteBuffer(database, 100)
    reader = open_lasting(f"sqlite:{database.path}")
    inner = reader._database  # what a garbage collector would find
    del reader

    with pytest.raises(Exception, match="closed"):
        inner.read("SELECT 1")


def test_on_a_full_disk_nothing_is_half_taken(database: Database) -> None:
    buffer = SqliteBuffer(database, 100_000)
    buffer.accept("band-1", 1, span(1))
    before = buffer.counts()
    large = {"heart_rate": (np.arange(5_000.0), np.ones(5_000)), "movement": (np.arange(5_000.0), np.ones(5_000))}

    with full(database):
        with pytest.raises(StorageFull, match=r"phone-1\.sqlite: no room"):
            buffer.accept("band-1", 2, large)
        with pytest.raises(StorageFull):
            buffer.append("heart_rate", *large["heart_rate"])
        with pytest.raises(StorageFull):
            buffer.keep_night(1, night(1_000), fresh=True)

        assert buffer.counts() == before
        assert (buffer.taken("band-1"), buffer.nights()) == (READINGS, [])
        assert buffer.window("movement", 0.0, 1e9)[0].tolist() == []

    assert buffer.accept("band-1", 2, large) == 0
    assert buffer.counts().readings == READINGS + 10_000


def test_a_full_buffer_goes_on_in_the_room_it_has(database: Database) -> None:
    buffer = SqliteBuffer(database, 50 * READINGS)
    for seq in range(60):
        buffer.accept("band-1", seq, span(seq))

    with full(database):
        evicted = [buffer.accept("band-1", seq, span(seq)) for seq in range(60, 120)]

    assert evicted == [READINGS] * 60
