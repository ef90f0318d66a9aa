"""What every buffer promises, whichever kind it is. A new kind joins by a row in `BUFFERS`."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.errors import FleetbeatError
from broker.messages import Channels
from devices.buffer import Buffer, BufferCounts, Examples, MemoryBuffer, open_buffer
from devices.storage.store import MemoryStore, SqliteStore, Store

MakeBuffer = Callable[[int], Buffer]

BUFFERS: dict[str, Callable[[Path], Store]] = {
    "memory": lambda folder: MemoryStore(folder.name),
    "lasting": SqliteStore,
}


@pytest.fixture(params=sorted(BUFFERS))
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MakeBuffer]:
    with closing(BUFFERS[request.param](tmp_path)) as store:
        yield lambda capacity_readings: store.buffer("phone-1", capacity_readings)


def batch(*times: float) -> Channels:
    return {"heart_rate": (np.array(times), np.full(len(times), 60.0))}


def night(size: int, label: int = 1) -> Examples:
    return Examples(np.full((size, 2), 0.5), np.full(size, label), np.arange(size) * 30.0)


def test_what_was_appended_is_seen_through_a_window(make: MakeBuffer) -> None:
    buffer = make(100)

    buffer.append("heart_rate", [0.0, 30.0, 60.0, 90.0], [60, 61, 62, 63])

    times, values = buffer.window("heart_rate", 30.0, 90.0)
    assert times.tolist() == [30.0, 60.0]
    assert values.tolist() == [61.0, 62.0]
    assert times.dtype == values.dtype == np.float64


def test_channels_do_not_mix(make: MakeBuffer) -> None:
    buffer = make(100)

    buffer.append("heart_rate", [0.0], [60])
    buffer.append("movement", [0.0], [5])

    assert buffer.window("movement", -1.0, 1.0)[1].tolist() == [5.0]
    assert buffer.window("light", -1.0, 1.0)[0].tolist() == []


def test_readings_that_come_late_stand_in_their_place(make: MakeBuffer) -> None:
    buffer = make(100)

    buffer.append("heart_rate", [60.0, 90.0], [62, 63])
    buffer.append("heart_rate", [0.0, 75.25], [60, 99])

    times, values = buffer.window("heart_rate", 0.0, 100.0)
    assert times.tolist() == [0.0, 60.0, 75.25, 90.0]
    assert values.tolist() == [60.0, 62.0, 99.0, 63.0]


def test_a_full_buffer_forgets_the_oldest_of_all_channels(make: MakeBuffer) -> None:
    buffer = make(4)

    assert buffer.append("heart_rate", [0.0, 60.0], [60, 61]) == 0
    assert buffer.append("movement", [30.0, 90.0, 120.0], [1, 2, 3]) == 1
    assert buffer.append("heart_rate", [150.0], [62]) == 1

    assert buffer.window("heart_rate", 0.0, 999.0)[0].tolist() == [60.0, 150.0]
    assert buffer.window("movement", 0.0, 999.0)[0].tolist() == [90.0, 120.0]
    assert buffer.counts() == BufferCounts(readings=4, evicted=2, nights=0, examples=0)


def test_a_reading_older_than_a_full_buffer_leaves_at_once(make: MakeBuffer) -> None:
    buffer = make(2)
    buffer.append("heart_rate", [100.0, 200.0], [60, 61])

    evicted = buffer.append("heart_rate", [50.0], [59])

    assert evicted == 1
    assert buffer.window("heart_rate", 0.0, 999.0)[0].tolist() == [100.0, 200.0]


def test_appending_nothing_changes_nothing(make: MakeBuffer) -> None:
    buffer = make(2)

    assert buffer.append("heart_rate", [], []) == 0
    assert buffer.counts() == BufferCounts(readings=0, evicted=0, nights=0, examples=0)
    assert buffer.window("heart_rate", 0.0, 1.0)[0].tolist() == []


def test_nights_stay_in_order_and_a_newer_account_of_one_replaces_the_older(make: MakeBuffer) -> None:
    buffer = make(2)

    buffer.keep_night(1, night(3), fresh=True, readings=10)
    buffer.keep_night(-1, night(2), fresh=False)
    buffer.keep_night(1, night(5), fresh=True, readings=12)

    kept = buffer.nights()
    assert [(one.index, len(one.examples), one.fresh, one.readings) for one in kept] == [
        (-1, 2, False, 0),
        (1, 5, True, 12),
    ]
    assert buffer.counts() == BufferCounts(readings=0, evicted=0, nights=2, examples=7)
    assert np.array_equal(kept[1].examples.features, night(5).features)


def test_a_buffer_is_opened_by_its_reference(make: MakeBuffer) -> None:
    buffer = make(10)
    buffer.append("heart_rate", [0.0], [60])

    opened = open_buffer(buffer.reference)

    assert opened.window("heart_rate", 0.0, 1.0)[1].tolist() == [60.0]


def test_a_reference_to_nothing_says_what_is_open(make: MakeBuffer) -> None:
    buffer = make(10)

    with pytest.raises(FleetbeatError, match=f"nobody.*{re.escape(buffer.reference)}"):
        open_buffer("memory:nobody")


def test_a_batch_is_taken_once(make: MakeBuffer) -> None:
    buffer = make(3)

    assert buffer.accept("band-1", 1, batch(0.0, 60.0)) == 0
    assert buffer.accept("band-1", 2, batch(120.0, 180.0)) == 1
    assert buffer.accept("band-1", 1, batch(0.0, 60.0)) is None

    assert buffer.window("heart_rate", 0.0, 999.0)[0].tolist() == [60.0, 120.0, 180.0]
    assert buffer.counts() == BufferCounts(readings=3, evicted=1, nights=0, examples=0)


def test_a_lost_batch_may_come_later(make: MakeBuffer) -> None:
    buffer = make(100)

    arrivals = [buffer.accept("band-1", seq, batch(seq * 60.0)) for seq in (1, 4, 2, 4, 2, 3, 3, 5)]

    assert arrivals == [0, 0, 0, None, None, 0, None, 0]
    assert buffer.window("heart_rate", 0.0, 999.0)[0].tolist() == [60.0, 120.0, 180.0, 240.0, 300.0]


def test_every_source_has_numbers_and_a_count_of_its_own(make: MakeBuffer) -> None:
    buffer = make(2)

    assert buffer.accept("band-1", 7, batch(0.0, 60.0)) == 0
    assert buffer.accept("ring-1", 7, batch(0.0, 60.0, 120.0)) == 3
    buffer.append("heart_rate", [999.0], [60])

    assert (buffer.taken("band-1"), buffer.taken("ring-1"), buffer.taken("watch-1")) == (2, 3, 0)


def test_a_night_stays_the_same_object_until_it_changes(make: MakeBuffer) -> None:
    buffer = make(2)
    buffer.keep_night(1, night(3), fresh=True)
    buffer.keep_night(2, night(3), fresh=True)
    first, second = buffer.nights()

    buffer.append("heart_rate", [0.0], [60])
    buffer.keep_night(2, night(4), fresh=True)

    assert buffer.nights()[0] is first
    assert buffer.nights()[1] is not second


batches = st.lists(
    st.tuples(
        st.sampled_from(["heart_rate", "movement", "light"]),
        st.lists(st.integers(-500, 5_000).map(lambda tenths: tenths / 10), max_size=40),
    ),
    max_size=90,
)


@pytest.mark.parametrize("kind", sorted(BUFFERS))
@given(batches=batches, capacity=st.integers(0, 300), look_every=st.integers(1, 50))
@settings(deadline=None, max_examples=25)
def test_the_newest_readings_remain_whatever_comes_in_whatever_order(
    tmp_path_factory: pytest.TempPathFactory,
    kind: str,
    batches: list[tuple[str, list[float]]],
    capacity: int,
    look_every: int,
) -> None:
    everything: list[float] = []
    evicted = 0

    with closing(BUFFERS[kind](tmp_path_factory.mktemp("buffer"))) as store:
        buffer = store.buffer("phone-1", capacity)
        for number, (channel, times) in enumerate(batches):
            evicted += buffer.append(channel, times, times)
            everything += times
            if number % look_every == 0:
                buffer.window(channel, 0.0, 10.0)
        remaining = [buffer.window(channel, -1e9, 1e9) for channel in ("heart_rate", "movement", "light")]
        counts = buffer.counts()

    assert (
        sorted(np.concatenate([times for times, _ in remaining]))
        == sorted(everything)[max(len(everything) - capacity, 0) :]
    )
    assert all(np.array_equal(values, times.astype(np.float32)) for times, values in remaining)
    assert evicted == max(len(everything) - capacity, 0)
    assert counts.readings == min(len(everything), capacity)


arrivals = st.lists(
    st.tuples(st.sampled_from(["band-1", "ring-1"]), st.integers(0, 12), st.integers(0, 30)), max_size=40
)


@given(arrivals=arrivals, capacity=st.integers(0, 100))
@settings(deadline=None, max_examples=25)
def test_both_kinds_take_the_same_and_count_the_same(
    tmp_path_factory: pytest.TempPathFactory, arrivals: list[tuple[str, int, int]], capacity: int
) -> None:
    taken: dict[tuple[str, int], int] = {}

    with ExitStack() as open_stores:
        folder = tmp_path_factory.mktemp("both")
        stores = [open_stores.enter_context(closing(BUFFERS[kind](folder))) for kind in sorted(BUFFERS)]
        first, second = (store.buffer("phone-1", capacity) for store in stores)
        for source, seq, readings in arrivals:
            news = batch(*(seq * 100.0 + np.arange(float(readings))))
            evicted = first.accept(source, seq, news)

            assert second.accept(source, seq, news) == evicted
            assert (evicted is None) == ((source, seq) in taken)
            taken.setdefault((source, seq), readings)

        for source in ("band-1", "ring-1"):
            expected = sum(readings for (name, _), readings in taken.items() if name == source)
            assert first.taken(source) == second.taken(source) == expected
        assert first.counts() == second.counts()
        assert first.counts().readings + first.counts().evicted == sum(taken.values())
        for ours, theirs in zip(first.window("heart_rate", 0, 1e9), second.window("heart_rate", 0, 1e9), strict=True):
            assert ours.tolist() == theirs.tolist()


def test_memory_buffers_want_a_name_of_their_own_kind() -> None:
    with pytest.raises(FleetbeatError, match="memory:<name>"):
        MemoryBuffer("phone-1", 10)


def test_a_memory_buffer_is_forgotten_with_its_owner() -> None:
    reference = MemoryBuffer("memory:gone", 10).reference

    with pytest.raises(FleetbeatError, match="gone"):
        open_buffer(reference)
