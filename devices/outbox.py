"""The outbox: batches of readings waiting for the near link. Bounded; the oldest leave first, and are counted."""

from collections import deque
from dataclasses import dataclass
from typing import Protocol

from broker.messages import Channels


@dataclass(frozen=True, slots=True)
class Batch:
    """Readings of one span: channel → (times in seconds of life, values), under one sequence number.

    *again*: it was handed over before, so it counts as sent already.
    """

    seq: int
    channels: Channels
    readings: int
    again: bool = False


@dataclass(frozen=True, slots=True)
class Tally:
    """Readings ever put into an outbox, those of them that had to go unsent, and those handed over, each once."""

    sensed: int
    dropped: int
    sent: int


class Outbox(Protocol):
    """Store and forward for one sensing device (``tests/test_outbox_contract.py`` holds each kind to it).

    A batch waits, *leaves*, and comes *back* or is *sent*: handed to the broker, which *confirms* it later.
    """

    @property
    def readings(self) -> int:
        """Readings that no broker has confirmed yet: never more than the outbox's capacity."""
        ...

    @property
    def trouble(self) -> str | None:
        """Why some batches lie only in memory, where a crash would lose them; None while all is well."""
        ...

    def __len__(self) -> int:
        """How many batches wait to be sent."""
        ...

    def put(self, channels: Channels) -> int:
        """Add the readings of one span as a batch; return how many readings had to go: the oldest that wait.

        What is on its way, or handed over and not yet confirmed, stays: else it would count twice.
        """
        ...

    def leave(self) -> Batch | None:
        """Return the batch that is next to go, and keep it until it is `sent` or comes `back`."""
        ...

    def back(self) -> None:
        """The batch that was leaving did not make it: it is the oldest again."""
        ...

    def sent(self) -> None:
        """The batch that was leaving is in the broker's hands."""
        ...

    def confirmed(self, seq: int) -> None:
        """The broker acknowledged batch *seq*. A number that is not under way is ignored."""
        ...

    def recall(self) -> int:
        """The broker went away: what it may have lost waits again, oldest first. Return how many batches that is."""
        ...

    def tally(self) -> Tally:
        """Return the counters of this outbox's whole life."""
        ...


class MemoryOutbox:
    """An outbox for virtual time: the clock waits for bytes, so what was `sent` has arrived and is forgotten."""

    trouble = None

    def __init__(self, capacity_readings: int) -> None:
        self._capacity = capacity_readings
        self._batches: deque[Batch] = deque()
        self._next_seq = 1
        self._leaving = False
        self._sensed = self._dropped = self._sent = 0
        self.readings = 0

    def __len__(self) -> int:
        return len(self._batches)

    def put(self, channels: Channels) -> int:
        """Add the readings of one span as a batch; return how many readings had to go."""
        readings = sum(len(times) for times, _ in channels.values())
        if not readings:
            return 0
        self._batches.append(Batch(self._next_seq, channels, readings))
        self._next_seq += 1
        self.readings += readings
        dropped = 0
        while self.readings > self._capacity and len(self._batches) > self._leaving:
            oldest = self._batches[self._leaving]
            del self._batches[self._leaving]
            self.readings -= oldest.readings
            dropped += oldest.readings
        self._sensed += readings
        self._dropped += dropped
        return dropped

    def leave(self) -> Batch | None:
        """Return the batch that is next to go."""
        self._leaving = bool(self._batches)
        return self._batches[0] if self._batches else None

    def back(self) -> None:
        """The batch that was leaving did not make it."""
        self._leaving = False

    def sent(self) -> None:
        """Forget the batch that was leaving: it arrived."""
        batch = self._batches.popleft()
        self.readings -= batch.readings
        self._sent += batch.readings
        self._leaving = False

    def confirmed(self, seq: int) -> None:
        """Do nothing: it is forgotten already."""

    def recall(self) -> int:
        """Return 0: nothing is under way."""
        return 0

    def tally(self) -> Tally:
        """Return the counters of this outbox's whole life."""
        return Tally(self._sensed, self._dropped, self._sent)
