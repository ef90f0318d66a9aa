"""The stream of readings: from a wearer's body, through the outbox, over the near link, to the training device."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from broker import events as ev
from broker import topics
from broker.errors import StorageFull
from broker.link import Link, Message
from broker.messages import encode_batch
from broker.seal import Seal
from devices.body import Body
from devices.figures import Figures
from devices.hardware.radio import Near
from devices.outbox import Batch, Outbox


@dataclass(frozen=True, slots=True)
class Address:
    """Whose readings these are and where they go."""

    fleet: str
    device: str
    trainer: str
    t0_unix: float


@dataclass(frozen=True, slots=True)
class Parcel:
    """A batch on its way over the near link, until *due_s*."""

    batch: Batch
    payload: bytes
    started_s: float
    due_s: float


class Stream:
    """What one sensing device has measured and not yet delivered."""

    def __init__(
        self,
        address: Address,
        near: Near | None,
        senses: Mapping[str, float],
        body: Body,
        link: Link,
        outbox: Outbox,
        figures: Figures,
        record: ev.Record,
        seal: Seal | None = None,
        *,
        senses_in_session: Mapping[str, float] | None = None,
        lasting: bool = False,
    ) -> None:
        """*senses*: the channels measured and every how many seconds (0: as recorded); *near* None: no radio needed.

        *senses_in_session*: what is measured more often in a session, and how often then.
        *lasting*: a batch is kept until the broker acknowledged it. In virtual time nothing is lost once it was sent.
        """
        self._address = address
        self._senses = senses
        self._senses_in_session = {**senses, **(senses_in_session or {})}
        self._near = near
        self._body = body
        self._link = link
        self._figures = figures
        self._record = record
        self._outbox = outbox
        self._seal = seal
        self._lasting = lasting
        self._trouble: str | None = None
        self._topic = topics.biometrics(address.fleet, address.device)
        self._sensing_since_s: float | None = None
        self._in_session = False
        self._worn: list[tuple[float, float, bool]] = []
        self.parcel: Parcel | None = None

    @property
    def depth(self) -> int:
        """Readings that wait in the outbox."""
        return self._outbox.readings

    def sense(self, now_s: float, *, on_skin: bool, in_session: bool = False) -> None:
        """Note that up to *now_s* all was as it was, and is from here on as told: sensors on the skin, in a session."""
        if on_skin == (self._sensing_since_s is not None) and in_session == self._in_session:
            return
        self._close_span(now_s)
        self._sensing_since_s = now_s if on_skin else None
        self._in_session = in_session

    def _close_span(self, now_s: float) -> None:
        if self._sensing_since_s is not None and now_s > self._sensing_since_s:
            self._worn.append((self._sensing_since_s, now_s, self._in_session))
            self._sensing_since_s = now_s

    def gather(self, now_s: float) -> None:
        """Put everything measured since the last time into the outbox, as one batch."""
        self._close_span(now_s)
        spans, self._worn = self._worn, []
        channels = {}
        for channel, usual_s in self._senses.items():
            session_s = self._senses_in_session[channel]
            parts = [
                self._body.readings(channel, start, end, session_s if in_session else usual_s)
                for start, end, in_session in spans
            ]
            parts = [part for part in parts if len(part[0])]
            if len(parts) == 1:
                channels[channel] = parts[0]
            elif parts:
                channels[channel] = (
                    np.concatenate([times for times, _ in parts]),
                    np.concatenate([values for _, values in parts]),
                )
        self._figures.readings_sensed += sum(len(times) for times, _ in channels.values())
        dropped = self._outbox.put(channels)
        if self._outbox.trouble is not None and self._outbox.trouble != self._trouble:
            self._record(ev.StorageFull(now_s, self._address.device, self._outbox.trouble))
        self._trouble = self._outbox.trouble
        if dropped:
            self._figures.readings_dropped += dropped
            self._record(ev.ReadingsDropped(now_s, self._address.device, dropped, "outbox_full"))

    def pack(self, now_s: float) -> Parcel | None:
        """Start sending the oldest batch unless one is on its way; return what is, or None if there is nothing."""
        if self.parcel is None:
            batch = self._outbox.leave()
            if batch is None:
                return None
            address = self._address
            payload = encode_batch(address.fleet, address.device, batch.seq, address.t0_unix, batch.channels)
            takes_s = self._near.transfer_s(len(payload)) if self._near else 0.0
            self.parcel = Parcel(batch, payload, now_s, now_s + takes_s)
        return self.parcel

    def deliver(self, now_s: float) -> Parcel | None:
        """The parcel has crossed the near link: hand it to the broker, forget it here.

        Return it; None if a full disk keeps it here: it waits in the outbox again.
        """
        parcel = self.parcel
        assert parcel is not None
        self.parcel = None
        seq = parcel.batch.seq
        try:
            payload = parcel.payload if self._seal is None else self._seal.seal(parcel.payload)
        except StorageFull as error:  # a seal's number must be on disk before it is used
            self._outbox.back()
            self._record(ev.StorageFull(now_s, self._address.device, str(error)))
            return None
        self._outbox.sent()
        if self._lasting:
            self._link.publish(Message(self._topic, payload), lambda: self._outbox.confirmed(seq))
        else:
            self._link.publish(Message(self._topic, payload))
            self._outbox.confirmed(seq)
        self._figures.readings_sent += 0 if parcel.batch.again else parcel.batch.readings
        self._record(
            ev.BatchSent(
                now_s,
                self._address.device,
                self._address.trainer,
                seq,
                parcel.batch.readings,
                len(parcel.payload),
            )
        )
        return parcel

    def recall(self) -> None:
        """The broker is gone: what it may have lost waits in the outbox again."""
        self._outbox.recall()

    def tear(self, now_s: float) -> float:
        """The near link broke under a parcel: it stays in the outbox. Return the bytes that had crossed in vain."""
        parcel, self.parcel = self.parcel, None
        if parcel is None:
            return 0.0
        self._outbox.back()
        takes_s = parcel.due_s - parcel.started_s
        return len(parcel.payload) * (now_s - parcel.started_s) / takes_s if takes_s > 0 else 0.0
