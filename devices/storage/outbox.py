"""The outbox that lasts: batches in a device's file, kept until a broker has had the time to pass them on."""

import logging
from dataclasses import replace

from broker.errors import StorageFull
from broker.messages import Channels
from devices.outbox import Batch, Tally
from devices.storage.database import Database
from devices.storage.packing import packed_channels, unpacked_channels

KEPT_CONFIRMED = 8
"""A broker that dies may take with it what it acknowledged and had not passed on: the last so many go again."""

_NEW, _SENT, _CONFIRMED = range(3)
"""How far a batch ever came: the stage in the file. After a restart whatever is there waits."""

_log = logging.getLogger(__name__)


class SqliteOutbox:
    """An `Outbox` that writes every change down before it returns.

    A new process begins where the old one ended, with everything recalled. While the disk is full, changes are
    kept in memory (within the same bound) and written with the next one that there is room for. The last batches
    that were confirmed are kept beside, as far as they fit; they count neither as `readings` nor as dropped. A
    batch that was handed over, recalled, and then had to go counts as dropped, though it may have arrived.
    All calls come from one thread.
    """

    def __init__(self, database: Database, capacity_readings: int) -> None:
        self.trouble: str | None = None
        self._database = database
        self._capacity = capacity_readings
        self._waiting: dict[int, int] = {}  # here and below: number of a batch → its readings, oldest first
        self._under_way: dict[int, int] = {}
        self._copies: dict[int, int] = {}
        self._stages: dict[int, int] = {}  # of those that are not new
        self._leaving: Batch | None = None
        self._unwritten: dict[int, Batch] = {}
        self._changed: set[int] = set()
        for seq, readings, stage in database.read("SELECT seq, readings, stage FROM outbox ORDER BY seq"):
            self._waiting[seq] = readings
            if stage != _NEW:
                self._stages[seq] = stage
        self._copied = sum(self._waiting[seq] for seq, stage in self._stages.items() if stage == _CONFIRMED)
        self.readings = sum(self._waiting.values()) - self._copied
        ((self._next_seq, self._sensed, self._dropped, self._sent),) = database.read(
            "SELECT next_seq, sensed, dropped, sent FROM tally"
        )

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, channels: Channels) -> int:
        """Add the readings of one span as a batch; return how many readings had to go."""
        readings = sum(len(times) for times, _ in channels.values())
        if not readings:
            return 0
        seq = self._next_seq
        self._next_seq += 1
        self._sensed += readings
        self.readings += readings
        self._waiting[seq] = readings
        self._unwritten[seq] = Batch(seq, channels, readings)
        self._changed.add(seq)
        dropped = self._make_room()
        self._write()
        return dropped

    def leave(self) -> Batch | None:
        """Return the batch that is next to go."""
        if self._changed:
            self._write()
        if self._leaving is None and self._waiting:
            self._leaving = self._batch(next(iter(self._waiting)))
        return self._leaving

    def back(self) -> None:
        """The batch that was leaving did not make it."""
        self._leaving = None

    def sent(self) -> None:
        """The batch that was leaving is in the broker's hands."""
        batch, self._leaving = self._leaving, None
        assert batch is not None
        self._under_way[batch.seq] = self._waiting.pop(batch.seq)
        if not batch.again:
            self._sent += batch.readings
            self._stages[batch.seq] = _SENT
            self._changed.add(batch.seq)
            self._write()

    def confirmed(self, seq: int) -> None:
        """The broker acknowledged batch *seq*: it is kept for a while, in case the broker dies."""
        if seq not in self._stages or (self._leaving is not None and self._leaving.seq == seq):
            return
        readings = self._under_way.pop(seq, None) or self._waiting.pop(seq, None)
        if readings is None:
            return
        self._copies[seq] = readings
        if self._stages[seq] != _CONFIRMED:
            self._stages[seq] = _CONFIRMED
            self._changed.add(seq)
            self.readings -= readings
            self._copied += readings
        while len(self._copies) > KEPT_CONFIRMED:
            self._forget(next(iter(self._copies)))
        self._make_room()
        self._write()

    def recall(self) -> int:
        """The broker went away: what is not confirmed, and the last that were, wait again."""
        called = self._copies | self._under_way
        self._waiting = dict(sorted((called | self._waiting).items()))
        self._copies, self._under_way = {}, {}
        return len(called)

    def tally(self) -> Tally:
        """Return the counters of this outbox's whole life."""
        return Tally(self._sensed, self._dropped, self._sent)

    def _make_room(self) -> int:
        """Forget copies, then drop the oldest that wait, until the rest fits; return how many readings were dropped."""
        excess = self.readings + self._copied - self._capacity
        if excess <= 0:
            return 0
        idle = [*self._copies, *(seq for seq in self._waiting if self._leaving is None or seq != self._leaving.seq)]
        for seq in idle:
            if self.readings + self._copied <= self._capacity:
                break
            if self._stages.get(seq) == _CONFIRMED:
                self._forget(seq)
        dropped = 0
        for seq in idle:
            if self.readings <= self._capacity:
                break
            if seq in self._waiting:
                dropped += self._forget(seq)
        self._dropped += dropped
        return dropped

    def _forget(self, seq: int) -> int:
        """Let a batch go that waits or is a copy; return its readings."""
        readings = self._copies.pop(seq, 0) or self._waiting.pop(seq)
        if self._stages.pop(seq, _NEW) == _CONFIRMED:
            self._copied -= readings
        else:
            self.readings -= readings
        if self._unwritten.pop(seq, None) is None:
            self._changed.add(seq)
        else:
            self._changed.discard(seq)  # the file never knew it
        return readings

    def _batch(self, seq: int) -> Batch:
        again = seq in self._stages
        if seq in self._unwritten:
            return replace(self._unwritten[seq], again=again)
        ((readings, channels),) = self._database.read("SELECT readings, channels FROM outbox WHERE seq = ?", (seq,))
        return Batch(seq, unpacked_channels(channels), readings, again)

    def _write(self) -> None:
        """Bring the file up to date; on a full disk remember what it lacks, and say so once."""
        try:
            self._write_all()
        except StorageFull as full:
            if self.trouble is None:
                _log.warning("%s; new readings wait in memory until there is room", full)
            self.trouble = str(full)
            return
        if self.trouble is not None:
            _log.info("%s: there is room again, everything is written", self._database.path)
            self.trouble = None
        self._changed.clear()
        self._unwritten.clear()

    def _write_all(self) -> None:
        with self._database.transaction() as connection:
            for seq in self._changed:
                stage = self._stages.get(seq, _NEW)
                if (batch := self._unwritten.get(seq)) is not None:
                    row = (seq, batch.readings, stage, packed_channels(batch.channels))
                    connection.execute("INSERT INTO outbox VALUES (?, ?, ?, ?)", row)
                elif seq in self._waiting or seq in self._stages:
                    connection.execute("UPDATE outbox SET stage = ? WHERE seq = ?", (stage, seq))
                else:
                    connection.execute("DELETE FROM outbox WHERE seq = ?", (seq,))
            connection.execute(
                "UPDATE tally SET next_seq = ?, sensed = ?, dropped = ?, sent = ?",
                (self._next_seq, self._sensed, self._dropped, self._sent),
            )
