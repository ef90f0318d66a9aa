"""What the outbox in a file promises beyond the contract of all outboxes (tests/test_outbox_contract.py)."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from devices.outbox import Batch, Tally
from devices.storage.database import Database
from devices.storage.outbox import KEPT_CONFIRMED, SqliteOutbox
from tests.storage.ground import clear, fill, full, span


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(Database(tmp_path / "band-1.sqlite", create=True)) as database:
        yield database


def send(outbox: SqliteOutbox, number: int = 1) -> list[Batch]:
    """Hand over the next batches; nothing is confirmed."""
    sent = []
    for _ in range(number):
        batch = outbox.leave()
        assert batch is not None
        outbox.sent()
        sent.append(batch)
    return sent


def drain(outbox: SqliteOutbox) -> list[int]:
    return [batch.seq for batch in send(outbox, len(outbox))]


def test_what_the_broker_did_not_confirm_waits_again_when_it_dies(database: Database) -> None:
    outbox = SqliteOutbox(database, 1_000)
    for seq in range(1, 6):
        outbox.put(span(seq, 10))
    send(outbox, 3)

    assert (outbox.readings, len(outbox)) == (50, 2)
    assert outbox.recall() == 3
    assert (outbox.readings, len(outbox)) == (50, 5)
    assert [(batch.seq, batch.again) for batch in send(outbox, 5)] == [
        (1, True),
        (2, True),
        (3, True),
        (4, False),
        (5, False),
    ]
    assert outbox.tally() == Tally(sensed=50, dropped=0, sent=50)


def test_the_last_confirmed_go_again_and_count_no_more(database: Database) -> None:
    outbox = SqliteOutbox(database, 1_000)
    for seq in range(1, 15):
        outbox.put(span(seq, 10))
    for batch in send(outbox, 12):
        outbox.confirmed(batch.seq)

    assert outbox.recall() == KEPT_CONFIRMED
    assert (outbox.readings, len(outbox)) == (20, KEPT_CONFIRMED + 2)
    assert drain(outbox) == list(range(5, 15))
    assert outbox.recall() == 10


def test_confirmations_may_come_late_and_in_any_order(database: Database) -> None:
    outbox = SqliteOutbox(database, 1_000)
    for seq in range(1, 5):
        outbox.put(span(seq, 10))
    send(outbox, 4)
    outbox.confirmed(3)
    outbox.recall()

    outbox.confirmed(2)  # the library sent it again by itself: it need not go once more

    assert outbox.readings == 20
    assert drain(outbox) == [1, 3, 4]


def test_a_recall_does_not_disturb_the_batch_that_is_leaving(database: Database) -> None:
    outbox = SqliteOutbox(database, 1_000)
    for seq in range(1, 4):
        outbox.put(span(seq, 10))
    send(outbox, 1)
    leaving = outbox.leave()

    outbox.recall()

    assert leaving is not None
    assert outbox.leave() is leaving
    outbox.sent()
    assert drain(outbox) == [1, 3]


def test_what_is_under_way_stays_and_copies_make_room(database: Database) -> None:
    outbox = SqliteOutbox(database, 30)
    for seq in range(1, 4):
        outbox.put(span(seq, 10))
    send(outbox, 2)
    outbox.confirmed(1)

    assert outbox.put(span(4, 10)) == 0  # the copy of 1 went; it counts as arrived
    assert outbox.put(span(5, 10)) == 10  # 3 was the oldest that waited
    assert outbox.recall() == 1
    assert drain(outbox) == [2, 4, 5]


def test_the_next_process_goes_on_where_this_one_ended(tmp_path: Path) -> None:
    with closing(Database(tmp_path / "band-1.sqlite", create=True)) as database:
        outbox = SqliteOutbox(database, 60)
        for seq in range(1, 9):
            outbox.put(span(seq, 10))
        send(outbox, 3)
        outbox.confirmed(3)

    with closing(Database(tmp_path / "band-1.sqlite", create=True)) as database:
        outbox = SqliteOutbox(database, 60)

        assert outbox.tally() == Tally(sensed=80, dropped=20, sent=30)
        assert (outbox.readings, len(outbox)) == (50, 6)
        outbox.put(span(9, 10))  # the copy goes first
        assert [(batch.seq, batch.again) for batch in send(outbox, 6)] == [
            (4, True),
            (5, True),
            (6, False),
            (7, False),
            (8, False),
            (9, False),
        ]
        assert outbox.tally() == Tally(sensed=90, dropped=20, sent=70)


def test_a_full_disk_is_said_once_and_readings_wait_in_memory(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    outbox = SqliteOutbox(database, 3_000)
    outbox.put(span(1))

    with full(database):
        for seq in range(2, 40):
            outbox.put(span(seq))
        assert outbox.trouble is not None
        assert outbox.readings == 39 * 60
        dropped = sum(outbox.put(span(seq)) for seq in range(40, 61))
        assert (outbox.readings, dropped) == (3_000, 600)
        for batch in send(outbox, 5):
            assert batch.channels["heart_rate"][1][0] == batch.seq
            outbox.confirmed(batch.seq)
        assert outbox.trouble is not None

    outbox.leave()
    assert outbox.trouble is None
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    again = SqliteOutbox(database, 3_000)
    assert again.tally() == outbox.tally() == Tally(sensed=3_600, dropped=600, sent=300)
    assert again.readings == outbox.readings == 2_700
    assert drain(again) == list(range(11, 61))


class Lifetimes(RuleBasedStateMachine):
    """Everything that can happen to an outbox, beside what must be true of it: its readings, told apart by batch."""

    def __init__(self) -> None:
        super().__init__()
        self.held = ExitStack()
        self.folder = Path(self.held.enter_context(TemporaryDirectory()))
        self.put: dict[int, int] = {}
        self.dropped = 0
        self.sent: set[int] = set()
        self.confirmed: set[int] = set()
        self.leaving: Batch | None = None
        self.under_way: list[int] = []
        self.full = False

    @initialize(capacity=st.integers(10, 120))
    def begin(self, capacity: int) -> None:
        self.capacity = capacity
        self.open()

    def open(self) -> None:
        self.database = Database(self.folder / "band-1.sqlite", create=True)
        self.held.callback(self.database.close)
        self.outbox = SqliteOutbox(self.database, self.capacity)

    @rule(readings=st.integers(1, 40))
    def measure(self, readings: int) -> None:
        seq = len(self.put) + 1
        self.put[seq] = readings
        self.dropped += self.outbox.put(span(seq, readings))

    @rule()
    def leave(self) -> None:
        before, self.leaving = self.leaving, self.outbox.leave()
        if before is not None:
            assert self.leaving is before
        if self.leaving is not None:
            assert self.leaving.channels["heart_rate"][1].tolist() == [self.leaving.seq] * self.put[self.leaving.seq]
            assert self.leaving.again == (self.leaving.seq in self.sent)

    @precondition(lambda self: self.leaving is not None)
    @rule()
    def back(self) -> None:
        self.outbox.back()
        self.leaving = None

    @precondition(lambda self: self.leaving is not None)
    @rule()
    def send(self) -> None:
        assert self.leaving is not None
        self.outbox.sent()
        self.sent.add(self.leaving.seq)
        self.under_way.append(self.leaving.seq)
        self.leaving = None

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def confirm(self, data: st.DataObject) -> None:
        seq = self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))
        self.outbox.confirmed(seq)
        self.confirmed.add(seq)

    @rule()
    def lose_the_broker(self) -> None:
        assert self.outbox.recall() >= len(self.under_way)
        self.under_way = []

    @rule()
    def fill_the_disk(self) -> None:
        fill(self.database)
        self.full = True

    @precondition(lambda self: self.full)
    @rule()
    def clear_the_disk(self) -> None:
        clear(self.database)
        self.full = False

    @precondition(lambda self: self.outbox.trouble is None)
    @rule(orderly=st.booleans())
    def restart(self, orderly: bool) -> None:
        if orderly:
            self.database.close()  # else it is as if killed: the file is as it stands
        self.open()
        self.leaving, self.under_way, self.full = None, [], False

    @invariant()
    def every_reading_is_accounted_for(self) -> None:
        if not self.put:
            return
        put = sum(self.put.values())
        confirmed = sum(self.put[seq] for seq in self.confirmed)
        assert self.outbox.tally() == Tally(put, self.dropped, sum(self.put[seq] for seq in self.sent))
        assert put == confirmed + self.dropped + self.outbox.readings
        assert self.outbox.readings <= self.capacity

    @invariant()
    def copies_do_not_break_the_bound(self) -> None:
        if self.put and self.outbox.trouble is None:
            ((on_disk,),) = self.database.read("SELECT total(readings) FROM outbox")
            going_again = sum(self.put[seq] for seq in {*self.under_way, *self.leaving_now()} & self.confirmed)
            assert on_disk <= self.capacity + going_again

    def leaving_now(self) -> list[int]:
        return [] if self.leaving is None else [self.leaving.seq]

    def teardown(self) -> None:
        if self.put:
            clear(self.database)
            if self.leaving is not None:
                self.outbox.back()
            self.outbox.recall()
            waiting = drain(self.outbox)
            assert waiting == sorted(set(waiting))
            assert sum(self.put[seq] for seq in waiting if seq not in self.confirmed) == self.outbox.readings
            ((rows, total),) = self.database.read("SELECT count(*), total(readings) FROM outbox")
            assert (rows, total) == (len(waiting), sum(self.put[seq] for seq in waiting))
        self.held.close()


TestLifetimes = Lifetimes.TestCase
TestLifetimes.settings = settings(deadline=None, max_examples=15, stateful_step_count=30)
