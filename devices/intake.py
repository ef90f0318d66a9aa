"""The intake of a training device: readings of its wearer's devices into its buffer, nights into examples."""

import math
from collections.abc import Mapping
from contextlib import suppress

from broker import events as ev
from broker import topics
from broker.errors import StorageFull
from broker.link import Link, Message
from broker.messages import Batch, MalformedBatch, decode_batch
from broker.seal import Doubled, Refused, Unsealer
from devices.body import Body, Night
from devices.buffer import Buffer
from devices.figures import Figures
from devices.learning.diary import Diary
from devices.learning.history import learn_night
from devices.learning.holdout import sizes
from devices.learning.task import Task

LOOK_AHEAD_S = 2 * 86_400.0
WAITING_BATCHES = 96
"""While the disk is full so many batches wait in memory: a day of them, at one a quarter of an hour."""
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
        unsealer: Unsealer | None = None,
    ) -> None:
        """Read the topics of *sources* (the wearer's sensing devices) and learn from the nights of their *body*."""
        self._device = device
        self._fleet = fleet
        self._t0_unix = t0_unix
        self._link = link
        self.buffer = buffer
        self._sources = sources
        self._topics = {source: topics.biometrics(fleet, source) for source in sources}
        self._record = record
        self._body = body
        self._task = task
        self._epochs = epochs
        self._diary = diary
        self._unsealer = unsealer
        self._waiting: list[Batch] = []
        self._odd: dict[tuple[type[ev.MessageRefused | ev.MessageMalformed], str], list[str]] = {}
        self._known_until_s = 0.0
        self._upcoming: list[Night] = body.nights(0.0, LOOK_AHEAD_S)
        self._recent: list[Night] = []
        self._counts = buffer.counts()
        self.malformed = 0
        self.refused = 0
        """Sealed payloads that somebody altered, replayed, or put in another order."""

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
        for topic in self._topics.values():
            await self._link.subscribe(topic)

    async def empty_inbox(self, now_s: float) -> None:
        """Read what arrived; a duplicate batch is not stored twice, nonsense is counted and dropped.

        Nights whose readings came late are learnt again.
        """
        await self._link.settled()
        oldest_s = math.inf
        waiting, self._waiting = self._waiting, []
        arrived = (self._read(message) for message in self._link.take())
        for batch in (*waiting, *(batch for batch in arrived if batch is not None)):
            try:
                evicted = self.buffer.accept(batch.device, batch.seq, batch.channels)
            except StorageFull as error:
                self._put_off(batch, str(error), now_s)
                continue
            if evicted is None:
                continue
            self._sources[batch.device].readings_buffered += batch.readings
            oldest_s = min(oldest_s, *(float(times.min()) for times, _ in batch.channels.values()))
            if evicted:
                self._record(ev.ReadingsEvicted(now_s, self._device, evicted))
        self._tell_of_oddities(now_s)
        if self._unsealer is not None:
            with suppress(StorageFull):  # after a crash an old payload may pass the seal then: the buffer knows it
                self._unsealer.save()
        if oldest_s < math.inf:
            self._recent = [night for night in self._recent if night.known_s > now_s - REMEMBER_S]
            for night in self._recent:
                if oldest_s < night.rise_s:
                    self._learn(night, now_s)
            self._counts = self.buffer.counts()

    def _put_off(self, batch: Batch, error: str, now_s: float) -> None:
        """There is no room to write a batch down: it waits here for the next time, the newest of so many."""
        if not self._waiting:
            self._record(ev.StorageFull(now_s, self._device, error))
        self._waiting = [*self._waiting, batch][-WAITING_BATCHES:]

    def _read(self, message: Message) -> Batch | None:
        """Return the batch in *message*; None, and counted, if it is nobody's, makes no sense, or was tampered with."""
        try:
            payload = (
                message.payload
                if self._unsealer is None
                else self._unsealer.open(message.topic, message.payload, dup=message.again)
            )
            batch = decode_batch(payload, self._t0_unix)
            if batch.fleet != self._fleet or message.topic != self._topics.get(batch.device):
                raise MalformedBatch(f"a batch of {batch.fleet}'s {batch.device} on {message.topic}")
        except Doubled:
            return None  # the broker sent the very same bytes again, as QoS 1 allows
        except Refused as error:
            self.refused += 1
            self._odd.setdefault((ev.MessageRefused, message.topic), []).append(str(error))
        except MalformedBatch as error:
            self.malformed += 1
            self._odd.setdefault((ev.MessageMalformed, message.topic), []).append(str(error))
        else:
            return batch
        return None

    def _tell_of_oddities(self, now_s: float) -> None:
        """One event for each topic on which nonsense came, however much: somebody who floods fills no journal."""
        odd, self._odd = self._odd, {}
        for (kind, topic), (error, *others) in odd.items():
            words = f"{error} (and {len(others)} more like it)" if others else error
            self._record(kind(now_s, self._device, topic, words))

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
        try:
            kept = learn_night(self.buffer, self._task, night, self._epochs, self._diary, self._body.truth)
        except StorageFull as error:
            self._record(ev.StorageFull(now_s, self._device, str(error)))
            return
        if kept is not None:
            self._record(ev.NightKnown(now_s, self._device, kept.index, len(kept.examples)))
