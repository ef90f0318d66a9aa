"""The outbox is bounded, loses the oldest first, and never loses count."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.outbox import Channels, Outbox


def readings(number: int, first_s: float = 0.0) -> Channels:
    return {"heart_rate": (first_s + np.arange(float(number)) * 60.0, np.full(number, 60.0))}


def test_batches_leave_in_the_order_they_came() -> None:
    outbox = Outbox(100)
    for first_s in (0.0, 900.0):
        outbox.put(readings(3, first_s))

    left = []
    while (batch := outbox.leave()) is not None:
        left.append((batch.seq, batch.channels["heart_rate"][0][0]))
        outbox.sent()

    assert left == [(1, 0.0), (2, 900.0)]
    assert outbox.readings == len(outbox) == 0


def test_nothing_measured_is_no_batch() -> None:
    outbox = Outbox(100)

    assert outbox.put({}) == outbox.put(readings(0)) == 0
    assert outbox.leave() is None


def test_the_oldest_leave_a_full_outbox() -> None:
    outbox = Outbox(10)
    outbox.put(readings(6))
    outbox.put(readings(4))

    dropped = outbox.put(readings(3))

    batch = outbox.leave()
    assert dropped == 6
    assert (batch and batch.seq, outbox.readings) == (2, 7)


def test_a_batch_on_its_way_stays_until_it_arrived() -> None:
    outbox = Outbox(10)
    for number in (6, 3):
        outbox.put(readings(number))
    leaving = outbox.leave()

    dropped = outbox.put(readings(4))

    assert leaving is not None
    assert dropped == 3
    assert outbox.leave() is leaving
    outbox.sent()
    assert outbox.readings == 4


def test_a_batch_that_came_back_is_the_oldest_again_and_may_go() -> None:
    outbox = Outbox(10)
    outbox.put(readings(6))
    outbox.leave()
    outbox.back()

    assert outbox.put(readings(5)) == 6


def test_a_batch_larger_than_the_outbox_never_fits() -> None:
    assert Outbox(10).put(readings(11)) == 11


@given(st.lists(st.one_of(st.integers(0, 15), st.sampled_from(["leave", "back", "sent"])), max_size=60))
@settings(deadline=None)
def test_every_reading_is_sent_or_dropped_or_waits(story: list[int | str]) -> None:
    outbox = Outbox(20)
    put = dropped = sent = 0
    leaving = None

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
            outbox.sent()
            sent, leaving = sent + leaving.readings, None

        assert put == sent + dropped + outbox.readings
        assert outbox.readings <= 20 + (leaving.readings if leaving is not None else 0)
