"""One node's correspondence: tasks that come, replies that go, and what is owed meanwhile. On the door's loop."""

import asyncio
from collections.abc import Callable

from flwr.app import Error, Message, RecordDict

from devices.fleet_api import flower
from devices.fleet_api.contact import Contact
from devices.fleet_api.door import UNKNOWN, FleetDoor, Refused
from devices.fleet_api.flower import ErrorCode, Letter
from devices.fleet_api.handing_in import hand_in, put_date_right
from devices.fleet_api.identity import Identity, Owed
from devices.fleet_api.outage import NoLonger
from devices.memoir import KILLED

OUR_APP = "/fleetbeat"
"""How the id of our app's runs ends (``publisher/name`` as in pyproject.toml)."""
NOT_OURS = "this fleet's devices run Fleetbeat's own app"
RESTARTED = f"{KILLED}: the device's process ended while the task was its own"
LOST = "TaskLost: the device gave the task up without an answer"
OBJECTS_AGAIN_S = 0.5
TAKEN_AGAIN_S = 1.0


class Correspondence:
    """Letters in, parcels out. The server hands a task out once: whoever took it answers, whatever happens."""

    def __init__(
        self, door: FleetDoor, identity: Identity, contact: Contact, linger_s: float, taken: Callable[[Message], None]
    ) -> None:
        """*taken* is called for each task that came whole; a reply older than *linger_s* is taken, or never will be."""
        self._door = door
        self._identity = identity
        self._contact = contact
        self._linger_s = linger_s
        self._taken = taken
        self._fetching = False
        self._lying = 0
        self._handing = 0
        self._abandoned: set[str] = set()
        self._last_reply: tuple[int, str, float] | None = None

    @property
    def full(self) -> bool:
        """Whether a task is here that the device has not taken: the next is better off at the server."""
        return self._fetching or self._lying > 0

    # --- tasks

    def begin(self, letter: Letter) -> None:
        """A task was pulled: get the rest of it. Its bytes move at once, whatever the device's link does meanwhile."""
        self._fetching = True
        self._identity.owes(letter.head)
        self._door.begin(self._fetch(letter))

    def fetched(self, message_id: str) -> None:
        """The device took a task; one that it took earlier and did not answer it has lost."""
        self._lying -= 1
        for debt in tuple(self._identity.owed.values()):
            if debt.begun and not debt.answering:
                self._apologise(debt.head, ErrorCode.CLIENT_APP_CRASHED, LOST)
        if message_id in self._identity.owed:
            self._identity.owed[message_id].begun = True
        self._contact.ring()

    def void(self, message_id: str) -> None:
        """A task that lay here is worth nothing any more."""
        self._lying -= 1
        self._identity.settled(message_id)
        self._contact.ring()

    async def _fetch(self, letter: Letter) -> None:
        head, run_id = letter.head, letter.head.metadata.run_id
        try:
            async with self._door.in_flight:
                facts = await self._door.facts(run_id, self._identity, head.metadata.dst_node_id)
                if not facts.fab_id.endswith(OUR_APP):
                    self._door.complain(f"it is of the app {facts.fab_id}, but {NOT_OURS}", f"run {run_id}")
                    self._apologise(head, ErrorCode.LOAD_CLIENT_APP_EXCEPTION, NOT_OURS)
                    return
                content = await self._door.shelf.get(letter.content_id, lambda: self._content(letter))
                await self._object(letter, head.metadata.message_id)  # a server that frees it too soon fails the run
                await self._door.ask(flower.confirm(head.metadata.dst_node_id, letter), self._identity)
        except Refused as refusal:
            self._refused(refusal, run_id, head.metadata.dst_node_id)
            self._identity.settled(head.metadata.message_id)
        else:
            self._lying += 1
            self._taken(flower.message_with(head, content))
        finally:
            self._fetching = False
            self._contact.ring()

    async def _content(self, letter: Letter) -> tuple[RecordDict, int]:
        pulls = [self._object(letter, object_id) for object_id in letter.object_ids]
        objects = dict(zip(letter.object_ids, await asyncio.gather(*pulls), strict=True))
        return flower.content_of(letter.content_id, objects), sum(map(len, objects.values()))

    async def _object(self, letter: Letter, object_id: str) -> bytes:
        sent = letter.head.metadata
        request = flower.pull_object(sent.dst_node_id, sent.run_id, object_id)
        while True:
            found = await self._door.ask(request, self._identity)
            if found is None:
                raise Refused(request.path, 200, None, "an object of a task is gone")
            if found:
                return found
            await asyncio.sleep(OBJECTS_AGAIN_S)  # the ServerApp is still sending it

    # --- replies

    async def answer(self, reply: Message, *, leaving_too: bool = False) -> bool:
        """Hand in *reply* while the device is reachable (or *leaving_too*); return whether the server took it."""
        about, run_id = reply.metadata.reply_to_message_id, reply.metadata.run_id
        debt = self._identity.owed.get(about)
        if debt is None:
            return False  # it was answered, or the server that asked is gone
        debt.answering = True
        put_date_right(reply, debt.head)
        self._handing += 1
        try:
            accepted = await self._answer(reply, leaving_too=leaving_too)
        except Refused as refusal:
            self._refused(refusal, run_id, reply.metadata.src_node_id)
            accepted = False
        finally:
            self._handing -= 1
        if about in self._abandoned:
            self._abandoned.discard(about)
            if not accepted:  # the server still waits
                self._apologise(debt.head, ErrorCode.CLIENT_APP_CRASHED, LOST)
                return False
        self._identity.settled(about)
        return accepted

    def abandon(self, message_id: str) -> None:
        """The device will never hand in its reply, or not any more if it waits for the server: tell that one."""
        debt = self._identity.owed.get(message_id)
        if debt is None:
            return
        if debt.answering:
            self._abandoned.add(message_id)
            self._contact.ring()
        else:
            self._apologise(debt.head, ErrorCode.CLIENT_APP_CRASHED, LOST)

    def answer_orphans(self) -> None:
        """Answer what an earlier process took and left."""
        for head in self._identity.orphans:
            self._apologise(head, ErrorCode.CLIENT_APP_CRASHED, RESTARTED)
        self._identity.orphans.clear()

    async def _answer(self, reply: Message, *, leaving_too: bool) -> bool:
        about, contact = reply.metadata.reply_to_message_id, self._contact

        def willing() -> bool:
            return about not in self._abandoned and (contact.on or (leaving_too and contact.leaving))

        parcel = flower.parcel_of(reply)
        while about not in self._abandoned:
            node_id = self._identity.node_id
            if node_id is None or node_id != reply.metadata.src_node_id or self._door.is_over(parcel.run_id):
                return False  # the server that asked is gone, or the run is
            if not willing():
                await contact.news()
                continue
            try:
                async with self._door.in_flight:
                    accepted = await hand_in(self._door, self._identity, node_id, parcel, willing)
            except NoLonger:
                continue
            if accepted:
                self._last_reply = parcel.run_id, parcel.object_id, asyncio.get_running_loop().time()
            return accepted
        return False

    def _apologise(self, head: Message, code: int, why: str) -> None:
        """Answer a task with an error that the node itself makes."""
        self._identity.owed.setdefault(head.metadata.message_id, Owed(head)).answering = True

        async def apologise() -> None:
            await self.answer(Message(Error(code, why), reply_to=head), leaving_too=True)

        self._door.begin(apologise())

    # --- a server that is not what it was

    def stranger(self, node_id: int) -> None:
        """The server does not know *node_id* any more: it was restarted without a database. Begin anew."""
        if node_id != self._identity.node_id:
            return  # that was an earlier life
        self._door.forgotten()
        self._identity.known_as(None)
        self._last_reply = None
        self._contact.beat_at_s = 0.0
        self._contact.ring()

    def _refused(self, refusal: Refused, run_id: int, node_id: int) -> None:
        self._door.refused(refusal, run_id)
        if refusal.status == UNKNOWN:
            self.stranger(node_id)

    # --- leaving

    async def until_taken(self, beat: "flower.Request[bool]") -> None:
        """Wait, for at most *linger_s*, until the ServerApp has what was handed in; *beat* keeps the node online.

        The SuperLink asks first whether a node is online, and only then looks for its reply: a node that leaves
        before that loses a finished update. Once the ServerApp has it, the reply's objects are gone from the server.
        """
        loop = asyncio.get_running_loop()
        until_s = loop.time() + self._linger_s
        while self._handing and self._contact.leaving and loop.time() < until_s:
            await self._contact.news(loop.time() + TAKEN_AGAIN_S)
        if self._last_reply is None or loop.time() - self._last_reply[2] > self._linger_s:
            return
        run_id, object_id, _ = self._last_reply
        await self._door.ask(beat, self._identity, lambda: self._contact.leaving)
        node_id = self._identity.node_id
        if node_id is None:
            return  # forgotten meanwhile
        look = flower.pull_object(node_id, run_id, object_id)
        while loop.time() < until_s:
            if not await self._door.ask(look, self._identity, lambda: self._contact.leaving):
                break
            await self._contact.news(loop.time() + TAKEN_AGAIN_S)
        self._last_reply = None
