"""What every outbox promises, whichever kind it is: bounded, loses the oldest first, and never loses count."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.messages import Channels
from devices.outbox import Batch, Outbox, Tally
from devices.storage.store import MemoryStore, SqliteStore, Store

MakeOutbox = Callable[[int], Outbox]

OUTBOXES: dict[str, Callable[[Path], Store]] = {
    "memory": lambda folder: MemoryStore(folder.name),
    "lasting": SqliteStore,
}


@pytest.fixture(params=sorted(OUTBOXES))
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeOutbox]:
    with closing(OUTBOXES[request.param](tmp_path)) as store:
        yield lambda capacity_readings: store.outbox("band-1", capacity_readings)


def readings(number: int, first_s: float = 0.0) -> Channels:
    return {"heart_rate": (first_s + np.arange(float(number)) * 60.0, np.full(number, 60.0))}


def arrive(outbox: Outbox, batch: Batch) -> None:
    outbox.sent()
    outbox.confirmed(batch.seq)


def test_batches_leave_in_the_order_they_came(make: MakeOutbox) -> None:
    outbox = make(100)
    for first_s in (0.0, 900.0):
        outbox.put(readings(3, first_s))

    left = []
    while (batch := outbox.leave()) is not None:
        left.append((batch.seq, batch.channels["heart_rate"][0][0]))
        arrive(outbox, batch)

    assert left == [(1, 0.0), (2, 900.0)]
    assert outbox.readings == len(outbox) == 0


def test_a_batch_leaves_as_it_came(make: MakeOutbox) -> None:
    outbox = make(100)
    came = {"heart_rate": (np.array([1 / 3]), np.array([61.7])), "rmssd": (np.arange(2.0), np.array([0.1, 1e-300]))}
    outbox.put(came)

    batch = outbox.leave()

    assert batch is not None
    assert (batch.seq, batch.readings, batch.again, list(batch.channels)) == (1, 3, False, list(came))
    for channel, (times, values) in came.items():
        assert batch.channels[channel][0].tolist() == times.tolist()
        assert batch.channels[channel][1].tolist() == values.tolist()


def test_nothing_measured_is_no_batch(make: MakeOutbox) -> None:
    outbox = make(100)

    assert outbox.put({}) == outbox.put(readings(0)) == 0
    assert outbox.leave() is None


def test_the_oldest_leave_a_full_outbox(make: MakeOutbox) -> None:
    outbox = make(10)
    outbox.put(readings(6))
    outbox.put(readings(4))

    dropped = outbox.put(readings(3))

    batch = outbox.leave()
    assert dropped == 6
    assert (batch and batch.seq, outbox.readings) == (2, 7)
    assert outbox.tally() == Tally(sensed=13, dropped=6, sent=0)


def test_a_batch_on_its_way_stays_until_it_arrived(make: MakeOutbox) -> None:
    outbox = make(10)
    for number in (6, 3):
        outbox.put(readings(number))
    leaving = outbox.leave()

    dropped = outbox.put(readings(4))

    assert leaving is not None
    assert dropped == 3
    assert outbox.leave() is leaving
    arrive(outbox, leaving)
    assert outbox.readings == 4
    assert outbox.tally() == Tally(sensed=13, dropped=3, sent=6)


def test_a_batch_that_came_back_is_the_oldest_again_and_may_go(make: MakeOutbox) -> None:
    outbox = make(10)
    outbox.put(readings(6))
    outbox.leave()
    outbox.back()

    assert outbox.put(readings(5)) == 6


def test_a_batch_larger_than_the_outbox_never_fits(make: MakeOutbox) -> None:
    assert make(10).put(readings(11)) == 11


def test_a_broker_may_repeat_itself_or_make_up_a_number(make: MakeOutbox) -> None:
    outbox = make(10)
    outbox.put(readings(2))
    outbox.put(readings(3))
    batch = outbox.leave()
    assert batch is not None
    arrive(outbox, batch)

    for seq in (1, 1, 2, 99):
        outbox.confirmed(seq)

    assert (outbox.readings, len(outbox)) == (3, 1)


@pytest.mark.parametrize("kind", sorted(OUTBOXES))
@given(story=st.lists(st.one_of(st.integers(0, 15), st.sampled_from(["leave", "back", "sent"])), max_size=60))
@settings(deadline=None, max_examples=30)
def test_every_reading_is_sent_or_dropped_or_waits(
    tmp_path_factory: pytest.TempPathFactory, kind: str, story: list[int | str]
) -> None:
    put = dropped = sent = 0
    leaving = None

    with closing(OUTBOXES[kind](tmp_path_factory.mktemp("outbox"))) as store:
        outbox = store.outbox("band-1", 20)
        for step in story:
            if isinstance(step, int):
                put += step
                dropped += outbox.put(readings(step))
            elif step == "leave":
                leaving = outbox.leave()
            elif leaving is not None and step == "back":
                outbox.back()
                leaving = None
            elif leaving is not None:
                arrive(outbox, leaving)
                sent, leaving = sent + leaving.readings, None

            assert put == sent + dropped + outbox.readings
            assert outbox.readings <= 20
            assert outbox.tally() == Tally(put, dropped, sent)
