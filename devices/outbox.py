"""The outbox: batches of readings waiting for the near link. Bounded; the oldest leave first, and are counted."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Channels: TypeAlias = Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]]


@dataclass(frozen=True, slots=True)
class Batch:
    """Readings of one span: channel → (times in seconds of life, values), under one sequence number."""

    seq: int
    channels: Channels
    readings: int


class Outbox:
    """Store and forward for one sensing device; holds at most *capacity_readings*."""

    def __init__(self, capacity_readings: int) -> None:
        self._capacity = capacity_readings
        self._batches: deque[Batch] = deque()
        self._next_seq = 1
        self._leaving = False
        self.readings = 0

    def __len__(self) -> int:
        return len(self._batches)

    def put(self, channels: Channels) -> int:
        """Add the readings of one span as a batch; return how many old readings had to go."""
        readings = sum(len(times) for times, _ in channels.values())
        if not readings:
            return 0
        self._batches.append(Batch(self._next_seq, channels, readings))
        self._next_seq += 1
        self.readings += readings
        dropped = 0
        while self.readings > self._capacity and len(self._batches) > self._leaving:
            # a batch that is already on its way stays until it arrived, else it would count twice
            oldest = self._batches[self._leaving]
            del self._batches[self._leaving]
            self.readings -= oldest.readings
            dropped += oldest.readings
        return dropped

    def leave(self) -> Batch | None:
        """Return the batch that is next to go, and keep it until it is `sent` or comes `back`."""
        self._leaving = bool(self._batches)
        return self._batches[0] if self._batches else None

    def back(self) -> None:
        """The batch that was leaving did not make it: it is the oldest again."""
        self._leaving = False

    def sent(self) -> None:
        """Forget the batch that was leaving: it arrived."""
        self.readings -= self._batches.popleft().readings
        self._leaving = False
