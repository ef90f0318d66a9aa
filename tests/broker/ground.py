"""Grounds on which one contract is played: the twin, and a private Mosquitto with MQTT 5 or 3.1.1."""

import asyncio
from typing import Protocol

import aiomqtt

from broker.access import Access
from broker.credentials import Credentials
from broker.entrance import MQTT_3
from broker.link import Link, Message, Wire
from broker.memory import MemoryBroker, MemoryWire
from broker.mosquitto import PrivateMosquitto
from broker.mqtt import MqttWire

FLEET = "home"
ACCESS = Access(
    FLEET, {"phone-1": ("phone-1", "band-1"), "band-1": (), "watch-1": ("watch-1",)}, {"hall": ("phone-1", "band-1")}
)


class Stranger(Protocol):
    """Somebody else's client."""

    async def subscribe(self, topic_filter: str) -> None: ...

    async def publish(self, message: Message) -> None: ...

    async def hear(self) -> Message: ...

    async def leave(self) -> None: ...


class Ground(Protocol):
    """One running broker with the users of ACCESS."""

    denials_are_known: bool

    def wire(self, credentials: Credentials | None = None) -> Wire: ...

    async def stranger(self, name: str) -> Stranger: ...

    async def end(self) -> None: ...


class MemoryStranger:
    def __init__(self, link: Link) -> None:
        self._link = link
        self._heard: list[Message] = []

    async def subscribe(self, topic_filter: str) -> None:
        await self._link.subscribe(topic_filter)

    async def publish(self, message: Message) -> None:
        self._link.publish(message)

    async def hear(self) -> Message:
        self._heard += self._link.take()
        return self._heard.pop(0)

    async def leave(self) -> None:
        await self._link.close()


class MemoryGround:
    denials_are_known = True

    def __init__(self) -> None:
        self._passwords = {user: f"secret of {user}" for user in ACCESS.users}
        self._broker = MemoryBroker(ACCESS, self._passwords)

    def wire(self, credentials: Credentials | None = None) -> Wire:
        return MemoryWire(self._broker, credentials or Credentials(self._passwords))

    async def stranger(self, name: str) -> Stranger:
        link = self.wire().link(name)
        await link.connect()
        return MemoryStranger(link)

    async def end(self) -> None:
        """Nothing to end."""


class AiomqttStranger:
    def __init__(self, client: aiomqtt.Client) -> None:
        self._client = client
        self._messages = aiter(client.messages)

    async def subscribe(self, topic_filter: str) -> None:
        await self._client.subscribe(topic_filter, qos=1)

    async def publish(self, message: Message) -> None:
        await self._client.publish(message.topic, message.payload, qos=1, retain=message.retain)

    async def hear(self) -> Message:
        async with asyncio.timeout(5):
            got = await anext(self._messages)
        assert isinstance(got.payload, bytes)
        return Message(str(got.topic), got.payload, got.retain)

    async def leave(self) -> None:
        await self._client.__aexit__(None, None, None)


class MosquittoGround:
    def __init__(self, *, only_mqtt_3: bool = False) -> None:
        self.denials_are_known = not only_mqtt_3
        self._only_mqtt_3 = only_mqtt_3
        self.broker = PrivateMosquitto(ACCESS)
        self._wires: list[MqttWire] = []

    def wire(self, credentials: Credentials | None = None) -> Wire:
        wire = MqttWire(self.broker.address, credentials or self.broker.credentials, patience_s=5.0)
        if self._only_mqtt_3:
            wire.exchange.version = MQTT_3
        self._wires.append(wire)
        return wire

    async def stranger(self, name: str) -> Stranger:
        login = self.broker.credentials.of(name)
        assert login is not None
        client = aiomqtt.Client(
            str(self.broker.address), 1, transport="unix", username=login[0], password=login[1], identifier=name
        )
        await client.__aenter__()
        return AiomqttStranger(client)

    async def end(self) -> None:
        for wire in self._wires:
            await wire.close()
        self.broker.stop()
