"""A disk that is really full: a tiny file system in memory. Only root may make one; elsewhere SQLite's own limit of
pages stands for it (tests/storage/ground.py).
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from broker.errors import StorageFull
from devices.storage.outbox import SqliteOutbox
from devices.storage.store import SqliteStore
from tests.storage.ground import READINGS, span

NO_MOUNT = "a full disk can be made by root only"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    mount = shutil.which("mount")
    if mount is None or os.geteuid():
        pytest.skip(NO_MOUNT)
    command = [mount, "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(tmp_path)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip(NO_MOUNT)
    yield tmp_path
    subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


def fill(disk: Path) -> None:
    with (disk / "somebody's photos").open("ab", buffering=0) as file:
        for size in (4_096, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue


def test_a_full_disk_costs_nothing_that_was_written_and_is_got_over(disk: Path) -> None:
    with closing(SqliteStore(disk / "devices")) as store:
        outbox, buffer, notes = store.outbox("w", 50_000), store.buffer("w", 1_000), store.notes("w")
        for seq in range(1, 21):
            outbox.put(span(seq))
            buffer.accept("w", seq, span(seq))
        notes.put("battery", b"0.5")

        fill(disk)
        for seq in range(21, 61):
            outbox.put(span(seq))
        with pytest.raises(StorageFull, match=r"w\.sqlite: no room"):
            buffer.accept("w", 21, span(21))
        with pytest.raises(StorageFull):
            notes.put("battery", b"0.4")

        assert outbox.trouble is not None
        assert len(outbox) == 60
        assert notes.get("battery") == b"0.5"
        assert buffer.counts().readings + buffer.counts().evicted == buffer.taken("w") == 20 * READINGS

        (disk / "somebody's photos").unlink()
        assert buffer.accept("w", 21, span(21)) == READINGS
        outbox.leave()
        assert outbox.trouble is None

    with closing(SqliteStore(disk / "devices")) as store:
        assert len(store.outbox("w", 50_000)) == 60


def test_a_restart_on_a_full_disk_goes_on_or_says_why_not(disk: Path) -> None:
    with closing(SqliteStore(disk / "devices")) as store:
        store.outbox("w", 50_000).put(span(1))
    fill(disk)

    with closing(SqliteStore(disk / "devices")) as store:
        with pytest.raises(StorageFull, match=r"w\.sqlite: no room"):
            store.outbox("w", 50_000)  # after an orderly end the file is closed, and to open it takes 32 kB
        (disk / "somebody's photos").unlink()
        outbox = store.outbox("w", 50_000)
        outbox.put(span(2))
        fill(disk)
        outbox.put(span(3))

        again = SqliteOutbox(store._database("w"), 50_000)  # as after kill -9: the log is still there

        assert outbox.trouble is not None
        assert (len(again), again.trouble) == (2, None)
