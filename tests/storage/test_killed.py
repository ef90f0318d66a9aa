"""Real processes killed with SIGKILL at any instant: what they told to be written is there, exactly once."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from broker.errors import StorageError
from devices.buffer import open_buffer
from devices.storage.database import Database
from devices.storage.store import SqliteStore
from tests.storage.ground import READINGS
from tests.storage.writer import BUFFER_READINGS, OUTBOX_READINGS, night

ROOT = Path(__file__).parents[2]


@dataclass
class Told:
    """What the writers said to be written, over all their lives."""

    put: set[int] = field(default_factory=set)
    dropped: int = 0
    accepted: set[int] = field(default_factory=set)
    confirmed: set[int] = field(default_factory=set)
    noted: int = 0

    def hear(self, line: str) -> None:
        match line.split():
            case ["put", seq, dropped]:
                self.put.add(int(seq))
                self.dropped += int(dropped)
            case ["accepted", seq]:
                self.accepted.add(int(seq))
            case ["confirmed", seq]:
                self.confirmed.add(int(seq))
            case ["noted", number]:
                self.noted = int(number)


class Writers:
    """One writer after another in one folder."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._orders, self._news = process.stdin, process.stdout
        self._alive: int | None = None

    def start(self) -> None:
        print(file=self._orders, flush=True)
        self._alive = int(self._news.readline())

    def listen(self, lines: int, told: Told) -> None:
        for _ in range(lines):
            told.hear(self._line())

    def kill(self, told: Told) -> None:
        """Kill, and hear what was said before death."""
        if self._alive is None:
            return
        with suppress(ProcessLookupError):  # it failed: that will be the next line
            os.kill(self._alive, signal.SIGKILL)
        while (line := self._line()) != "dead\n":
            told.hear(line)
        self._alive = None

    def _line(self) -> str:
        line = self._news.readline()
        if line in ("", "failed\n"):
            self._alive = None
            pytest.fail("a writer failed by itself; what it raised is on stderr")
        return line


@contextmanager
def writers(folder: Path) -> Iterator[Writers]:
    command = [sys.executable, "-m", "tests.storage.writer", str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        line = Writers(process)
        try:
            yield line
        finally:
            line.kill(Told())
            assert process.stdin is not None
            process.stdin.close()


def check(folder: Path, told: Told) -> None:
    """Open what the dead left, and compare it with what they said. The last write may have gone unsaid."""
    for path in folder.glob("*.sqlite"):
        with closing(Database(path)) as database:
            assert database.read("PRAGMA integrity_check") == [("ok",)]
    with closing(SqliteStore(folder)) as store:
        outbox, buffer = store.outbox("band-1", OUTBOX_READINGS), store.buffer("phone-1", BUFFER_READINGS)
        tally = outbox.tally()
        put = tally.sensed // READINGS
        assert told.put == set(range(1, max(told.put) + 1))
        assert put - len(told.put) in (0, 1)
        assert 0 <= tally.dropped - told.dropped <= 2 * READINGS
        assert outbox.readings <= OUTBOX_READINGS
        with closing(Database(folder / "band-1.sqlite")) as file:
            stages = dict(file.read("SELECT seq, stage FROM outbox"))
            assert sum(row[0] for row in file.read("SELECT readings FROM outbox")) <= OUTBOX_READINGS
        unconfirmed = {seq for seq, stage in stages.items() if stage != 2}
        assert outbox.readings == READINGS * len(unconfirmed)
        assert not unconfirmed & told.confirmed
        arrived = (tally.sensed - tally.dropped - outbox.readings) // READINGS
        assert arrived - len(told.confirmed) in (0, 1)

        ((runs,),) = store._database("phone-1").read("SELECT runs FROM source")  # no one else need know
        accepted = {seq for first, last in json.loads(runs) for seq in range(first, last + 1)}
        assert told.accepted <= accepted
        assert len(accepted - told.accepted) <= 1
        assert buffer.taken("band-1") == READINGS * len(accepted)
        counts = buffer.counts()
        assert counts.readings == min(BUFFER_READINGS, READINGS * len(accepted))
        assert counts.readings + counts.evicted == READINGS * len(accepted)
        times, values = buffer.window("heart_rate", 0.0, 1e12)
        held = Counter(values.astype(int).tolist())
        newest = sorted(accepted)[-BUFFER_READINGS // READINGS :]
        assert held == dict.fromkeys(newest, READINGS)
        assert len(np.unique(times)) == len(times)

        noted = int(store.notes("phone-1").get("number") or 0)
        assert noted - told.noted in (0, 1)
        for kept in buffer.nights():
            number = int(kept.examples.start_s[0])
            assert noted - 10 < number <= noted + 1
            assert number % 10 == kept.index
            assert np.array_equal(kept.examples.features, night(number).features)
        # nothing that was measured is gone: it arrived, waits, or was dropped and counted
        lost = put - len(accepted | set(stages))
        assert lost <= tally.dropped // READINGS
        told.put, told.dropped, told.noted = set(range(1, put + 1)), tally.dropped, noted
        told.accepted, told.confirmed = accepted, told.confirmed | {seq for seq, stage in stages.items() if stage == 2}


def kill_and_look(folder: Path, rounds: int) -> None:
    dice, told = random.Random(), Told()
    with writers(folder) as line:
        for _ in range(rounds):
            line.start()
            line.listen(dice.randrange(1, 120), told)
            threading.Event().wait(dice.random() / 200)
            line.kill(told)
            check(folder, told)


def test_what_was_acknowledged_survives_every_kill_exactly_once(tmp_path: Path) -> None:
    kill_and_look(tmp_path, rounds=12)


@pytest.mark.slow
def test_what_was_acknowledged_survives_very_many_kills(tmp_path: Path) -> None:
    kill_and_look(tmp_path, rounds=300)


def test_a_process_killed_at_birth_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    with writers(tmp_path) as line:
        for pause_ms in range(12):
            line.start()
            threading.Event().wait(pause_ms / 1_000)
            line.kill(Told())

    SqliteStore(tmp_path).buffer("phone-1", BUFFER_READINGS)


def test_another_process_reads_the_nights_while_the_device_writes(tmp_path: Path) -> None:
    told = Told()
    with writers(tmp_path) as line:
        line.start()
        line.listen(100, told)
        buffer = open_buffer(f"sqlite:{tmp_path}/phone-1.sqlite")
        most_recent = 0
        for _ in range(60):
            for kept in buffer.nights():
                number = int(kept.examples.start_s[0])
                assert np.array_equal(kept.examples.features, night(number).features)
                most_recent = max(most_recent, number)
            line.listen(5, told)
        with pytest.raises(StorageError, match="another process"):
            SqliteStore(tmp_path)
        line.kill(told)

    assert most_recent >= 20
    assert buffer.counts().nights == 10
