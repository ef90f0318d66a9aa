"""Live, where each device finds the broker at a moment of its own: what nobody has asked for yet is not sent."""

import asyncio

import pytest

from broker import events as ev
from broker.errors import BrokerRefused
from broker.link import Message
from broker.memory import MemoryBroker, MemoryLink, MemoryWire
from devices.host import Host
from devices.residents import residents
from devices.storage.store import MemoryStore
from devices.surroundings import Surroundings
from tests.devices.ground import BAND, PHONE, FakeApp, FakeServer, fleet

pytestmark = pytest.mark.virtual_time

HOUR_S = 3_600.0


class LateWire(MemoryWire):
    """The phone finds this broker late."""

    def link(self, name: str, keepalive_s: float = 0.0) -> MemoryLink:
        link = super().link(name, keepalive_s)
        connect = link.connect

        async def late(will: Message | None = None) -> bool:
            if asyncio.get_running_loop().time() < 2 * HOUR_S:
                raise BrokerRefused("no broker answers")
            return await connect(will)

        if name == PHONE:
            link.connect = late  # type: ignore[method-assign]  # the one thing that differs
        return link


async def test_a_band_keeps_its_readings_until_its_phone_has_asked_the_broker_for_them() -> None:
    settings, diary = fleet((0.0, BAND, "put_on")), list[ev.Event]()
    around = Surroundings(
        wire=LateWire(MemoryBroker()),
        uplink_of=lambda _: FakeServer(),
        app=FakeApp(),
        store=MemoryStore("home"),
        record=diary.append,
        lived=lambda _line: None,
        hub_retry_s=60.0,
    )
    host = Host(settings, residents(settings), around)

    await host.live(4 * HOUR_S)
    await host.finish(4 * HOUR_S)

    sent = [event for event in diary if isinstance(event, ev.BatchSent)]
    assert 2 * HOUR_S <= sent[0].t_s < 2 * HOUR_S + 1_000
    assert [event.seq for event in sent] == list(range(1, len(sent) + 1))
    figures = host.reports()[BAND].figures
    assert figures.readings_buffered == sum(event.readings for event in sent)
    assert figures.readings_dropped == 0
