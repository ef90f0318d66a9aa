"""The intake of a training device: readings of its wearer's devices into its buffer, nights into examples."""

import math
from collections.abc import Mapping

from broker import events as ev
from broker import topics
from broker.link import Link
from broker.messages import MalformedBatch, decode_batch
from devices.body import Body, Night
from devices.buffer import Buffer
from devices.figures import Figures
from devices.learning.diary import Diary
from devices.learning.history import learn_night
from devices.learning.holdout import sizes
from devices.learning.task import Task

LOOK_AHEAD_S = 2 * 86_400.0
REMEMBER_S = 2 * 86_400.0
"""Readings that come later than this after a night change its examples no more."""


class Intake:
    """Everything between the near link and the examples that a fit can use."""

    def __init__(
        self,
        device: str,
        fleet: str,
        t0_unix: float,
        link: Link,
        buffer: Buffer,
        sources: Mapping[str, Figures],
        record: ev.Record,
        body: Body,
        task: Task,
        epochs: str,
        diary: Diary | None,
    ) -> None:
        """Read the topics of *sources* (the wearer's sensing devices) and learn from the nights of their *body*."""
        self._device = device
        self._fleet = fleet
        self._t0_unix = t0_unix
        self._link = link
        self.buffer = buffer
        self._sources = sources
        self._record = record
        self._body = body
        self._task = task
        self._epochs = epochs
        self._diary = diary
        self._seen: dict[str, int] = dict.fromkeys(sources, 0)
        self._known_until_s = 0.0
        self._upcoming: list[Night] = body.nights(0.0, LOOK_AHEAD_S)
        self._recent: list[Night] = []
        self._counts = buffer.counts()
        self.malformed = 0

    @property
    def examples(self) -> int:
        """Labelled examples that a fit could use now."""
        return self._counts.examples

    def examples_for(self, phase: str, *, holds_out: bool) -> tuple[int, int]:
        """Return how many examples a task of that phase is about, and how many of them arrived during the run."""
        training, held = sizes(self.buffer.nights(), holds_out=holds_out)
        return training if phase == "train" or not held[0] else held

    @property
    def depth(self) -> int:
        """Readings in the buffer."""
        return self._counts.readings

    @property
    def next_morning_s(self) -> float:
        """When the next night's labels become known; when to look for further nights, if none is in sight."""
        return self._upcoming[0].known_s if self._upcoming else self._known_until_s + LOOK_AHEAD_S

    async def subscribe(self) -> None:
        """Ask the broker for the readings of every device of the wearer."""
        for source in self._sources:
            await self._link.subscribe(topics.biometrics(self._fleet, source))

    async def empty_inbox(self, now_s: float) -> None:
        """Read what arrived; a duplicate batch is not stored twice, nonsense is counted and dropped.

        Nights whose readings came late are learnt again.
        """
        await self._link.settled()
        oldest_s = math.inf
        for message in self._link.take():
            try:
                batch = decode_batch(message.payload, self._t0_unix)
                source = batch.device
                expected = topics.biometrics(self._fleet, source) if source in self._sources else None
                if batch.fleet != self._fleet or message.topic != expected:
                    raise MalformedBatch(f"a batch of {batch.fleet}'s {batch.device} on {message.topic}")
            except MalformedBatch as error:
                self.malformed += 1
                self._record(ev.MessageMalformed(now_s, self._device, message.topic, str(error)))
                continue
            if batch.seq <= self._seen[source]:
                continue
            self._seen[source] = batch.seq
            evicted = 0
            for channel, (times, values) in batch.channels.items():
                oldest_s = min(oldest_s, float(times.min()))
                evicted += self.buffer.append(channel, times, values)
                self._sources[source].readings_buffered += len(times)
            if evicted:
                self._record(ev.ReadingsEvicted(now_s, self._device, evicted))
        if oldest_s < math.inf:
            self._recent = [night for night in self._recent if night.known_s > now_s - REMEMBER_S]
            for night in self._recent:
                if oldest_s < night.rise_s:
                    self._learn(night, now_s)
            self._counts = self.buffer.counts()

    async def wake_up(self, now_s: float) -> None:
        """It is morning: the labels of the night are known, its examples can be made."""
        await self.empty_inbox(now_s)
        while self._upcoming and self._upcoming[0].known_s <= now_s:
            night = self._upcoming.pop(0)
            self._known_until_s = night.known_s
            self._recent.append(night)
            self._learn(night, now_s)
        if not self._upcoming:
            after_s = math.nextafter(self._known_until_s, math.inf)
            self._known_until_s = max(self._known_until_s, now_s)
            self._upcoming = self._body.nights(after_s, now_s + LOOK_AHEAD_S)
        self._counts = self.buffer.counts()

    def _learn(self, night: Night, now_s: float) -> None:
        kept = learn_night(self.buffer, self._task, night, self._epochs, self._diary, self._body.truth)
        if kept is not None:
            self._record(ev.NightKnown(now_s, self._device, kept.index, len(kept.examples)))
