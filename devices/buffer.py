"""The buffer: what a training device still remembers of its wearer: readings, and nights turned into examples.

Readings are bounded: when one more would be too many, the oldest leaves. Nights are few and stay. A buffer
is opened by its *reference*, a word that fits in a Flower ``node_config``; ``memory:`` buffers are found
again in the process that made them, for as long as somebody holds them; ``sqlite:`` buffers (`devices.storage`)
last, and are found in any process.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from weakref import WeakValueDictionary

import numpy as np
import numpy.typing as npt

from broker.errors import FleetbeatError
from broker.messages import Channels
from devices.storage.taken import Taken

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

Window = Callable[[str, float, float], tuple[FloatArray, FloatArray]]
"""Readings of one channel in ``[from_s, to_s)`` by time: a buffer's ``window``, or a body seen through a wear mask."""


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """What a model learns from: *features* (n, f), *labels* (n,), and when each example began, *start_s* (n,).

    A fleet keeps many: tasks give features as float16 (three digits) and labels as int8. Sums want more room.
    Nobody may write to them: runs of the same days share them.
    """

    features: npt.NDArray[np.floating]
    labels: npt.NDArray[np.integer]
    start_s: npt.NDArray[np.floating]

    def __post_init__(self) -> None:
        for array in (self.features, self.labels, self.start_s):
            array.setflags(write=False)

    def __len__(self) -> int:
        """How many there are."""
        return len(self.labels)

    def __getitem__(self, part: slice) -> "Examples":
        """Return a part of them, without copying."""
        return Examples(self.features[part], self.labels[part], self.start_s[part])


@dataclass(frozen=True, slots=True, eq=False)
class KeptNight:
    """One night's examples; *fresh*: arrived during the run; *readings* of the night when they were made."""

    index: int
    examples: Examples
    fresh: bool
    readings: int


@dataclass(frozen=True, slots=True)
class BufferCounts:
    """How full a buffer is, and how many readings have left it so far."""

    readings: int
    evicted: int
    nights: int
    examples: int


class Buffer(Protocol):
    """What every buffer promises (``tests/test_buffer_contract.py`` holds each kind to it)."""

    @property
    def reference(self) -> str:
        """The word that `open_buffer` opens this same buffer by."""
        ...

    def append(self, channel: str, times: npt.ArrayLike, values: npt.ArrayLike) -> int:
        """Take readings, in any order, and return how many left: of all channels the oldest first, never by arrival."""
        ...

    def accept(self, source: str, seq: int, channels: Channels) -> int | None:
        """Take batch *seq* of *source*, whole, and return how many readings left; None if it was taken before.

        Then nothing changes. Numbers may come in any order. Raises StorageFull if there is no room to write it
        down: it is not taken, and may come again.
        """
        ...

    def taken(self, source: str) -> int:
        """Return how many readings of *source* were ever accepted, whether or not they have left since."""
        ...

    def window(self, channel: str, from_s: float, to_s: float) -> tuple[FloatArray, FloatArray]:
        """Return times and values in ``[from_s, to_s)`` by time; values are remembered to seven digits."""
        ...

    def counts(self) -> BufferCounts:
        """Return how full the buffer is."""
        ...

    def keep_night(self, index: int, examples: Examples, fresh: bool, readings: int = 0) -> None:
        """Keep a night's examples, in place of what was kept of this night before."""
        ...

    def nights(self) -> list[KeptNight]:
        """Return the nights by index."""
        ...


OPEN: "WeakValueDictionary[str, Buffer]" = WeakValueDictionary()
"""The buffers that are open in this process."""

LASTING = "sqlite:"
"""References of buffers in files begin so; the file's absolute path follows."""

MERGE_CHUNKS = 32
"""So many chunks per channel are worth a merge: a chunk costs 350 bytes beside its readings."""


class MemoryBuffer:
    """A buffer in memory: one block per channel and what came since, so that appending is cheap."""

    def __init__(self, reference: str, capacity_readings: int) -> None:
        """Make an empty buffer that `open_buffer` finds by *reference* (``memory:<anything>``)."""
        if not reference.startswith("memory:"):
            raise FleetbeatError(f"a buffer in memory is called memory:<name>, not {reference!r}")
        self.reference = reference
        self.capacity_readings = capacity_readings
        self._channels: dict[str, _Channel] = {}
        self._held = 0
        self._overdue = 0  # counted as gone, still lying here
        self._evicted = 0
        self._nights: dict[int, KeptNight] = {}
        self._taken: dict[str, Taken] = {}
        OPEN[reference] = self

    def append(self, channel: str, times: npt.ArrayLike, values: npt.ArrayLike) -> int:
        """Take readings, in any order, and return how many left."""
        kept = self._channels.get(channel)
        if kept is None:
            kept = self._channels[channel] = _Channel()
        self._held += kept.append(np.asarray(times, np.float64), np.asarray(values, np.float32))
        leaving = self._held - self._overdue - self.capacity_readings
        if leaving <= 0:
            return 0
        # The newest of (the newest and some more) are the newest of all: so they may go later, many at once.
        self._overdue += leaving
        self._evicted += leaving
        if self._overdue > max(64, self.capacity_readings // 8):
            self._evict()
        return leaving

    def accept(self, source: str, seq: int, channels: Channels) -> int | None:
        """Take a batch once, and return how many readings left; None if it was taken before."""
        readings = sum(len(times) for times, _ in channels.values())
        if not self._taken.setdefault(source, Taken()).add(seq, readings):
            return None
        return sum(self.append(channel, times, values) for channel, (times, values) in channels.items())

    def taken(self, source: str) -> int:
        """Return how many readings of *source* were ever accepted."""
        return self._taken[source].readings if source in self._taken else 0

    def window(self, channel: str, from_s: float, to_s: float) -> tuple[FloatArray, FloatArray]:
        """Return times and values in ``[from_s, to_s)`` by time."""
        self._evict()
        kept = self._channels.get(channel)
        return (np.empty(0), np.empty(0)) if kept is None else kept.window(from_s, to_s)

    def counts(self) -> BufferCounts:
        """Return how full the buffer is."""
        examples = sum(len(night.examples) for night in self._nights.values())
        return BufferCounts(self._held - self._overdue, self._evicted, len(self._nights), examples)

    def keep_night(self, index: int, examples: Examples, fresh: bool, readings: int = 0) -> None:
        """Keep a night's examples, in place of what was kept of this night before."""
        self._nights[index] = KeptNight(index, examples, fresh, readings)

    def nights(self) -> list[KeptNight]:
        """Return the nights by index."""
        return [self._nights[index] for index in sorted(self._nights)]

    def _evict(self) -> None:
        """Let go of the overdue: the oldest of all channels; at the same time, of the channel known longest."""
        if not self._overdue:
            return
        channels = list(self._channels.values())
        oldest = [channel.times()[: self._overdue] for channel in channels]
        owner = np.repeat(np.arange(len(channels)), [len(times) for times in oldest])
        leaving = owner[np.argsort(np.concatenate(oldest), kind="stable")[: self._overdue]]
        for channel, count in zip(channels, np.bincount(leaving, minlength=len(channels)).tolist(), strict=True):
            channel.drop(count)
        self._held -= self._overdue
        self._overdue = 0


class _Channel:
    """The readings of one channel: a block in order of time, and the chunks that came since."""

    def __init__(self) -> None:
        self._since_s = 0.0
        self._offsets: npt.NDArray[np.floating] = np.empty(0, np.float32)
        self._values: npt.NDArray[np.float32] = np.empty(0, np.float32)
        self._chunks: list[tuple[FloatArray, npt.NDArray[np.float32]]] = []

    def append(self, times: FloatArray, values: npt.NDArray[np.float32]) -> int:
        """Take one chunk; return its size."""
        self._chunks.append((times, values))
        if len(self._chunks) == MERGE_CHUNKS:
            self._merge()
        return len(times)

    def times(self) -> FloatArray:
        """Return all times in order."""
        self._merge()
        return self._since_s + self._offsets.astype(np.float64)

    def window(self, from_s: float, to_s: float) -> tuple[FloatArray, FloatArray]:
        """Return the readings in ``[from_s, to_s)``."""
        times = self.times()
        start, end = np.searchsorted(times, (from_s, to_s))
        return times[start:end], self._values[start:end].astype(np.float64)

    def drop(self, count: int) -> None:
        """Forget the *count* oldest."""
        self._offsets, self._values = self._offsets[count:].copy(), self._values[count:].copy()

    def _merge(self) -> None:
        """Make one block of all, in order of time; times on a grid need half the room."""
        if not self._chunks:
            return
        times = np.concatenate(
            [self._since_s + self._offsets.astype(np.float64), *(times for times, _ in self._chunks)]
        )
        values = np.concatenate([self._values, *(values for _, values in self._chunks)])
        self._chunks = []
        if len(times) and (times[1:] < times[:-1]).any():
            order = np.argsort(times, kind="stable")
            times, values = times[order], values[order]
        self._values = values
        since_s = float(times[0]) if len(times) else 0.0
        narrow = (times - since_s).astype(np.float32)
        if bool((since_s + narrow.astype(np.float64) == times).all()):
            self._since_s, self._offsets = since_s, narrow
        else:
            self._since_s, self._offsets = 0.0, times


def open_buffer(reference: str) -> Buffer:
    """Return the buffer called *reference*; a FleetbeatError tells what is wrong when there is none."""
    found = OPEN.get(reference)
    if found is not None:
        return found
    if reference.startswith(LASTING):
        # Virtual time and Flower's own simulation never need it.
        from devices.storage.buffer import open_lasting

        return open_lasting(reference)
    raise FleetbeatError(f"no buffer {reference!r} is open here (open: {', '.join(sorted(OPEN)) or 'none'})")
