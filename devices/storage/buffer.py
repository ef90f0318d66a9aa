"""The buffer that lasts: readings and nights of one wearer in a device's file, for this process and later ones."""

import sqlite3
from pathlib import Path
from weakref import finalize

import numpy as np
import numpy.typing as npt
import orjson

from broker.errors import StorageError
from broker.messages import Channels
from devices.buffer import LASTING, OPEN, BufferCounts, Examples, FloatArray, KeptNight
from devices.storage.database import Database
from devices.storage.packing import packed, unpacked
from devices.storage.taken import Taken

_TIME, _AMOUNT = np.dtype("<f8"), np.dtype("<f4")


class SqliteBuffer:
    """A `Buffer` whose every answer comes from the file, so that a second process sees what the first one wrote.

    Readings lie there in chunks: what one batch brought of one channel, by time.
    """

    def __init__(self, database: Database, capacity_readings: int | None = None) -> None:
        """Use *database*, and bound the buffer anew if *capacity_readings* is given; what is too much leaves later."""
        self.reference = f"{LASTING}{database.path}"
        self._database = database
        self._kept: dict[int, tuple[int, KeptNight]] = {}
        self._foreign_changes: int | None = None
        found = database.read("SELECT capacity FROM buffer")
        if capacity_readings is None and not found:
            raise StorageError(f"{database.path}: this device keeps no buffer: it does not train")
        if capacity_readings is not None and found != [(capacity_readings,)]:  # else a full disk would bar the door
            with database.transaction() as connection:
                connection.execute(
                    "INSERT INTO buffer VALUES (1, :capacity, 0, 0) ON CONFLICT DO UPDATE SET capacity = :capacity",
                    {"capacity": capacity_readings},
                )
        OPEN[self.reference] = self

    def append(self, channel: str, times: npt.ArrayLike, values: npt.ArrayLike) -> int:
        """Take readings, in any order, and return how many left."""
        with self._database.transaction() as connection:
            return _take(connection, {channel: (np.asarray(times, np.float64), np.asarray(values, np.float64))})

    def accept(self, source: str, seq: int, channels: Channels) -> int | None:
        """Take a batch once, and return how many readings left; None if it was taken before."""
        readings = sum(len(times) for times, _ in channels.values())
        with self._database.transaction() as connection:
            row = connection.execute("SELECT runs, readings FROM source WHERE name = ?", (source,)).fetchone()
            taken = Taken() if row is None else Taken(map(tuple, orjson.loads(row[0])), row[1])
            if not taken.add(seq, readings):
                return None
            connection.execute(
                "INSERT OR REPLACE INTO source VALUES (?, ?, ?)", (source, taken.readings, orjson.dumps(taken.runs))
            )
            return _take(connection, channels)

    def taken(self, source: str) -> int:
        """Return how many readings of *source* were ever accepted."""
        return sum(row[0] for row in self._database.read("SELECT readings FROM source WHERE name = ?", (source,)))

    def window(self, channel: str, from_s: float, to_s: float) -> tuple[FloatArray, FloatArray]:
        """Return times and values in ``[from_s, to_s)`` by time."""
        chunks = self._database.read(
            "SELECT times, amounts FROM chunk WHERE channel = ? AND last_s >= ? AND first_s < ? ORDER BY id",
            (channel, from_s, to_s),
        )
        times = np.frombuffer(b"".join(chunk[0] for chunk in chunks), _TIME)
        values = np.frombuffer(b"".join(chunk[1] for chunk in chunks), _AMOUNT)
        order = np.argsort(times, kind="stable")
        start, end = np.searchsorted(times, (from_s, to_s), sorter=order)
        return times[order[start:end]], values[order[start:end]].astype(np.float64)

    def counts(self) -> BufferCounts:
        """Return how full the buffer is."""
        (row,) = self._database.read(
            "SELECT readings, evicted, (SELECT count(*) FROM night), (SELECT total(examples) FROM night) FROM buffer"
        )
        return BufferCounts(*map(int, row))

    def keep_night(self, index: int, examples: Examples, fresh: bool, readings: int = 0) -> None:
        """Keep a night's examples, in place of what was kept of this night before."""
        arrays = packed({"features": examples.features, "labels": examples.labels, "start_s": examples.start_s})
        with self._database.transaction() as connection:
            ((change,),) = connection.execute("SELECT coalesce(max(change), 0) + 1 FROM night").fetchall()
            connection.execute(
                "INSERT OR REPLACE INTO night VALUES (?, ?, ?, ?, ?, ?)",
                (index, change, fresh, readings, len(examples), arrays),
            )
        self._kept[index] = (change, KeptNight(index, examples, fresh, readings))

    def nights(self) -> list[KeptNight]:
        """Return the nights by index: a night that has not changed since is the same object as last time."""
        seen = self._database.foreign_changes()
        if seen != self._foreign_changes:
            for index, change in self._database.read("SELECT number, change FROM night"):
                if index not in self._kept or self._kept[index][0] != change:
                    self._kept[index] = self._night(index)
            self._foreign_changes = seen
        return [self._kept[index][1] for index in sorted(self._kept)]

    def _night(self, index: int) -> tuple[int, KeptNight]:
        ((change, fresh, readings, arrays),) = self._database.read(
            "SELECT change, fresh, readings, arrays FROM night WHERE number = ?", (index,)
        )
        return change, KeptNight(index, Examples(**unpacked(arrays)), bool(fresh), readings)


def open_lasting(reference: str) -> SqliteBuffer:
    """Return the buffer in the file that *reference* names; the file is closed when nobody holds the buffer."""
    database = Database(Path(reference.removeprefix(LASTING)))
    try:
        buffer = SqliteBuffer(database)
    except BaseException:
        database.close()
        raise
    finalize(buffer, database.close)
    return buffer


def _take(connection: sqlite3.Connection, channels: Channels) -> int:
    """Write readings down, let the oldest go where they are too many, and return how many went."""
    came = 0
    for channel, (times, values) in channels.items():
        if not len(times):
            continue
        if (times[1:] < times[:-1]).any():
            order = np.argsort(times, kind="stable")
            times, values = times[order], values[order]
        connection.execute(
            "INSERT INTO chunk (channel, first_s, last_s, times, amounts) VALUES (?, ?, ?, ?, ?)",
            (
                channel,
                float(times[0]),
                float(times[-1]),
                times.astype(_TIME).tobytes(),
                values.astype(_AMOUNT).tobytes(),
            ),
        )
        came += len(times)
    ((excess,),) = connection.execute("SELECT readings - capacity FROM buffer").fetchall()
    leaving: int = max(excess + came, 0)
    if leaving:
        _let_go(connection, leaving)
    connection.execute("UPDATE buffer SET readings = readings + ?, evicted = evicted + ?", (came - leaving, leaving))
    return leaving


def _let_go(connection: sqlite3.Connection, leaving: int) -> None:
    """Delete the *leaving* oldest readings; of equally old ones those that came first."""
    chunks: dict[int, FloatArray] = {}
    latest_s, found = np.inf, 0
    for chunk, first_s, times in connection.execute("SELECT id, first_s, times FROM chunk ORDER BY first_s, id"):
        if first_s > latest_s:
            break
        chunks[chunk] = np.frombuffer(times, _TIME)
        found += len(chunks[chunk])
        if found >= leaving and latest_s == np.inf:  # what begins later than the last of so many can stay
            latest_s = float(np.partition(np.concatenate(list(chunks.values())), leaving - 1)[leaving - 1])
    ids = sorted(chunks)
    owners = np.repeat(np.arange(len(ids)), [len(chunks[chunk]) for chunk in ids])
    oldest = owners[np.argsort(np.concatenate([chunks[chunk] for chunk in ids]), kind="stable")[:leaving]]
    for chunk, count in zip(ids, np.bincount(oldest, minlength=len(ids)).tolist(), strict=True):
        times = chunks[chunk]
        if count == len(times):
            connection.execute("DELETE FROM chunk WHERE id = ?", (chunk,))
        elif count:
            connection.execute(
                "UPDATE chunk SET first_s = ?, times = substr(times, ?), amounts = substr(amounts, ?) WHERE id = ?",
                (float(times[count]), 1 + count * _TIME.itemsize, 1 + count * _AMOUNT.itemsize, chunk),
            )
