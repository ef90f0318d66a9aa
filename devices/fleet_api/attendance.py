"""One node's attendance at the SuperLink: it enrols, beats, polls and signs off. On the door's loop."""

import asyncio
import random

from devices.fleet_api import flower
from devices.fleet_api.contact import Contact
from devices.fleet_api.correspondence import Correspondence
from devices.fleet_api.door import UNKNOWN, FleetDoor, Refused
from devices.fleet_api.flower import Answer, ApiErrorCode, Request
from devices.fleet_api.identity import Identity
from devices.fleet_api.outage import Listener, NoLonger
from devices.fleet_api.rhythm import Rhythm

AGAIN_AFTER_REFUSAL_S = 10.0
CLOCK = " (is the clock of this machine right?)"
"""A signature is good for five minutes, by the server's clock."""
KNOWN_KEY = (
    ApiErrorCode.PUBLIC_KEY_ALREADY_IN_USE,  # registered in an earlier life
    ApiErrorCode.FLEET_SUPERNODE_REGISTRATION_DISABLED,  # registered by hand, where nodes are authenticated
)


class Attendance:
    """Whether the SuperLink hears of a node, and how often. Jitter is no part of any result."""

    def __init__(
        self,
        door: FleetDoor,
        device: str,
        identity: Identity,
        contact: Contact,
        correspondence: Correspondence,
        rhythm: Rhythm,
        device_hears: Listener,
    ) -> None:
        """*device_hears* when the server takes nothing from this node, and when it does again."""
        self._door = door
        self._device = device
        self._identity = identity
        self._contact = contact
        self._correspondence = correspondence
        self._rhythm = rhythm
        self._device_hears = device_hears
        self._refusal: str | None = None
        self._attending: asyncio.Task[None] | None = None
        self._poll_at_s = 0.0
        self._turn_is_mine = False

    def turn_on(self) -> None:
        """The device is reachable: heartbeats and polls from now on."""
        now_s = asyncio.get_running_loop().time()
        self._contact.beat_at_s = now_s
        self._poll_at_s = now_s + self._rhythm.poll_s * random.random()
        self._contact.turn(on=True)
        if self._attending is None or self._attending.done():
            self._attending = self._door.begin(self._attend())

    def turn_off(self) -> None:
        """Heartbeats and polls cease without a word."""
        self._contact.turn()

    def sign_off(self) -> None:
        """Heartbeats and polls cease, and the server is told, as soon as it has taken what was handed in."""
        self._contact.turn(leaving=True)
        self._door.begin(self._leave(), leaving=True)

    async def _attend(self) -> None:
        loop = asyncio.get_running_loop()
        while self._contact.on:
            now_s = loop.time()
            polls = self._identity.node_id is not None and not self._correspondence.full
            if now_s >= self._contact.beat_at_s:
                await self._beat()
            elif polls and now_s >= self._poll_at_s:
                await self._poll()
            else:
                await self._contact.news(
                    min(self._contact.beat_at_s, self._poll_at_s) if polls else self._contact.beat_at_s
                )

    async def _beat(self) -> None:
        again_s, node_id = self._rhythm.beat_s * random.uniform(0.8, 0.9), self._identity.node_id
        try:
            if node_id is None:
                self._identity.known_as(await self._enrolled())
            elif not await self._ask(flower.heartbeat(node_id, self._rhythm.beat_s)):
                raise Refused("send-node-heartbeat", 200, None, "the node was unregistered")
        except NoLonger:
            return
        except Refused as refusal:
            again_s = self._refused(refusal, node_id)
        else:
            if self._refusal is not None:
                self._refusal = None
                self._device_hears.server_found()
        self._contact.beat_at_s = asyncio.get_running_loop().time() + again_s

    async def _enrolled(self) -> int:
        """Register the key, or find it registered, and go online; return the node's id."""
        pem, node_id = self._identity.public_pem, None
        try:
            node_id = await self._ask(flower.register(pem))
        except Refused as refusal:
            if refusal.code not in KNOWN_KEY:
                raise
        try:
            return await self._ask(flower.activate(pem, self._rhythm.beat_s))
        except Refused as refusal:  # online already: an answer was lost, or an earlier life is not given up yet
            if refusal.code != ApiErrorCode.FLEET_NODE_ACTIVATION_FAILED or node_id is None:
                raise
        await self._ask(flower.heartbeat(node_id, self._rhythm.beat_s))
        return node_id

    async def _poll(self) -> None:
        """Poll when it is this node's turn among all of this process."""
        now_s = asyncio.get_running_loop().time()
        if not self._turn_is_mine:
            self._turn_is_mine = True
            self._poll_at_s = self._door.budget.turn_s(now_s)
            return
        self._turn_is_mine = False
        self._correspondence.answer_orphans()
        node_id = self._identity.node_id
        assert node_id is not None
        try:
            letter = await self._ask(flower.pull(node_id))
        except NoLonger:
            return
        except Refused as refusal:
            self._refused(refusal, node_id)
        else:
            if letter is not None:
                self._correspondence.begin(letter)
        self._poll_at_s = asyncio.get_running_loop().time() + self._rhythm.poll_s * random.uniform(0.9, 1.1)

    async def _leave(self) -> None:
        node_id = self._identity.node_id
        if node_id is None:
            return
        try:
            await self._correspondence.until_taken(flower.heartbeat(node_id, self._rhythm.beat_s))
            await self._door.ask(flower.deactivate(node_id), self._identity, lambda: self._contact.leaving)
        except (NoLonger, Refused):  # it came back; or the server had given it up, or forgotten it, already
            return

    async def _ask(self, request: Request[Answer]) -> Answer:
        return await self._door.ask(request, self._identity, lambda: self._contact.on)

    def _refused(self, refusal: Refused, node_id: int | None) -> float:
        """Return after how long to try again."""
        if refusal.status == UNKNOWN and node_id is not None:
            self._correspondence.stranger(node_id)
            return 0.0
        self._refusal = f"{refusal}{CLOCK if refusal.status == UNKNOWN else ''}"
        self._door.complain(self._refusal, self._device)
        self._device_hears.server_lost(self._refusal)
        return AGAIN_AFTER_REFUSAL_S
