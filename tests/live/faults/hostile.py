"""A hostile client with a right password: it forges, floods, and sends payloads that are far too long."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import aiomqtt

from broker import topics
from broker.address import Address

TOO_LONG = bytes(10_000_000)


@dataclass
class Noise:
    """How much of it there was."""

    forged: int = 0
    garbage: int = 0
    thrown_out: int = 0
    """The broker ended the connection."""


@contextmanager
def hostile(address: Address, login: tuple[str, str], fleet: str, victim: str) -> Iterator[Noise]:
    """Speak for *victim* and for everybody, as fast as it goes, from another thread for as long as the block lasts."""
    noise, over = Noise(), threading.Event()
    own, others = topics.biometrics(fleet, login[0]), topics.biometrics(fleet, victim)
    everywhere = [others, topics.state(fleet, victim), topics.server_events(fleet), topics.clock(fleet)]

    async def shout() -> None:
        while not over.is_set():
            try:
                async with aiomqtt.Client(
                    address.host,
                    address.port,
                    username=login[0],
                    password=login[1],
                    identifier="hostile",
                    tls_context=address.tls,
                    timeout=5.0,
                ) as client:
                    for number in range(200):
                        for topic in everywhere:
                            await client.publish(topic, b"ready", qos=1, retain=True)
                            noise.forged += 1
                        await client.publish(own, b"garbage %d" % number, qos=1)
                        noise.garbage += 1
                        if over.is_set():
                            return
                    await client.publish(own, TOO_LONG, qos=1)
            except aiomqtt.MqttError:
                noise.thrown_out += 1

    thread = threading.Thread(target=lambda: asyncio.run(shout()), daemon=True)
    thread.start()
    try:
        yield noise
    finally:
        over.set()
        thread.join(30.0)
