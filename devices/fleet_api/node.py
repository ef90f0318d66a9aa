"""One device's node: what the device asks of the road to the server, kept by the Fleet API of a real SuperLink.

Tasks are pulled by the node's own polling and lie ready here; replies move at once when they are delivered. What
happens on the wire happens on the door's loop (`Attendance`); this is the side of the device's own loop.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial

from flwr.app import Message

from broker import events as ev
from broker.events.live import ServerFound, ServerLost
from broker.pace import Pace
from broker.waiting import finished
from devices.fleet_api.attendance import Attendance
from devices.fleet_api.contact import Contact
from devices.fleet_api.correspondence import Correspondence
from devices.fleet_api.door import FleetDoor
from devices.fleet_api.identity import Identity
from devices.fleet_api.rhythm import Rhythm
from devices.storage.notes import Notes


class FleetNode:
    """Keeps `devices.uplink.Uplink` for one device. Moments are seconds of life."""

    def __init__(
        self, door: FleetDoor, device: str, notes: Notes, pace: Pace, rhythm: Rhythm, record: ev.Record
    ) -> None:
        """The node is the one that *notes* tell of, or a new one; *record* hears of outages, on the device's loop."""
        self._door = door
        self._device = device
        self._pace = pace
        self._record = record
        self._identity = Identity(notes)
        self._contact = Contact()
        self._correspondence = Correspondence(door, self._identity, self._contact, rhythm.linger_s, self._came)
        self._attendance = Attendance(door, device, self._identity, self._contact, self._correspondence, rhythm, self)
        self._ready: deque[Message] = deque()
        self._numbers: dict[str, int] = {}
        self._came_so_far = 0
        self._ring: Callable[[], None] = lambda: None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lost_s: float | None = None
        door.post(lambda: door.outage.listeners.append(self))

    @property
    def node_id(self) -> int | None:
        """The node's id at the server; None before the server gave it one."""
        return self._identity.node_id

    @property
    def public_key(self) -> bytes:
        """The public key (PEM) by which the server knows the node."""
        return self._identity.public_pem

    @property
    def openssh_key(self) -> str:
        """The public key, as ``flwr supernode register`` wants it in a file."""
        return self._identity.openssh

    def on_task(self, ring: Callable[[], None]) -> None:
        """Have *ring* called, on the device's loop, whenever a task has come."""
        self._ring = ring

    def reachable(self, now_s: float) -> None:
        """Enrol if need be; heartbeats and polls go out from now on."""
        self._loop = asyncio.get_running_loop()
        self._door.post(self._turn_on)

    def silent(self, now_s: float) -> None:
        """Power or link is gone without a word: heartbeats and polls cease."""
        self._lost_s = None
        self._door.post(self._attendance.turn_off)

    def signed_off(self, now_s: float) -> None:
        """Heartbeats and polls cease; the server is told as soon as it has taken the last reply (or soon after)."""
        self._lost_s = None
        self._door.post(self._attendance.sign_off)

    def waiting(self, now_s: float) -> bool:
        """Whether a task lies ready."""
        while self._ready and not self.wanted(self._ready[0], now_s):
            self._door.post(partial(self._correspondence.void, self._ready.popleft().metadata.message_id))
        return bool(self._ready)

    def fetch(self, now_s: float) -> Message | None:
        """Take the oldest task. One that was taken before and has no answer counts as lost: the server is told."""
        if not self.waiting(now_s):
            return None
        message = self._ready.popleft()
        kept = (message, *self._ready)
        self._numbers = {other.metadata.message_id: self._numbers[other.metadata.message_id] for other in kept}
        self._door.post(partial(self._correspondence.fetched, message.metadata.message_id))
        return message

    def label(self, message: Message) -> tuple[int, str]:
        """Return its ``server-round``, else which of this node's tasks it is, and its phase (train or evaluate)."""
        phase = message.metadata.message_type.split(".")[0]
        told = _server_round(message)
        return (self._numbers.get(message.metadata.message_id, self._came_so_far) if told is None else told), phase

    def waited_s(self, message: Message, now_s: float) -> float:
        """Return how long the task lay at the server, and here, before it was fetched."""
        return max(0.0, now_s - self._pace.life_s(message.metadata.created_at))

    def wanted(self, message: Message, now_s: float) -> bool:
        """Whether the server still waits for the answer, as far as a node can know: it is told of no single task."""
        sent = message.metadata
        expired = sent.created_at + sent.ttl <= self._pace.unix_s(now_s)
        return not expired and sent.dst_node_id == self.node_id and not self._door.is_over(sent.run_id)

    def begin_upload(self, message: Message, now_s: float) -> bool:
        """Say whether the reply is worth sending; nothing moves before `deliver`, so that no upload is ever torn."""
        return self.wanted(message, now_s)

    def abandon(self, message: Message, now_s: float) -> None:
        """There will be no reply, not even one that still waits for the server: which gets an error instead."""
        self._door.post(partial(self._correspondence.abandon, message.metadata.message_id))

    async def deliver(self, now_s: float, reply: Message) -> bool:
        """Hand in *reply*, however long the server is away, while the device is reachable.

        Return whether the server took it. An error reply is not waited for: True says that it is on its way.
        """
        if reply.has_error():
            self._door.post(lambda: self._send(reply))
            return True
        handed_in = self._door.ask_for(lambda: self._correspondence.answer(reply))
        return await finished(handed_in, f"the reply of {self._device}")

    # --- called on the door's loop

    def server_lost(self, reason: str) -> None:
        """The SuperLink does not answer, or takes nothing from this node."""
        if self._contact.on:
            self._tell(lambda: self._note_lost(reason))

    def server_found(self) -> None:
        """The SuperLink is there again."""
        self._tell(self._note_found)

    def _turn_on(self) -> None:
        self._attendance.turn_on()
        if (reason := self._door.outage.reason) is not None:
            self.server_lost(reason)

    def _send(self, reply: Message) -> None:
        async def send() -> None:
            await self._correspondence.answer(reply, leaving_too=True)

        self._door.begin(send())

    def _came(self, message: Message) -> None:
        self._tell(lambda: self._lay_ready(message))

    def _tell(self, what: Callable[[], None]) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(what)

    # --- called on the device's loop

    def _lay_ready(self, message: Message) -> None:
        self._came_so_far += 1
        self._numbers[message.metadata.message_id] = self._came_so_far
        self._ready.append(message)
        self._ring()

    def _note_lost(self, reason: str) -> None:
        if self._lost_s is None:
            self._lost_s = asyncio.get_running_loop().time()
            self._record(ServerLost(self._lost_s, self._device, reason))

    def _note_found(self) -> None:
        if self._lost_s is not None:
            now_s = asyncio.get_running_loop().time()
            self._record(ServerFound(now_s, self._device, now_s - self._lost_s))
            self._lost_s = None


def _server_round(message: Message) -> int | None:
    for config in message.content.config_records.values():
        number = config.get("server-round")
        if isinstance(number, int):
            return number
    return None
