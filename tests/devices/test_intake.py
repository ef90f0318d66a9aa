"""A trainer takes in what its wearer's devices send, once, and nothing else; mornings turn nights into examples."""

import numpy as np
import pytest

from broker import events as ev
from broker.link import Message
from broker.memory import MemoryBroker, MemoryWire
from broker.messages import encode_batch
from broker.topics import biometrics
from devices.buffer import MemoryBuffer
from devices.figures import Figures
from devices.intake import LOOK_AHEAD_S, Intake
from devices.learning.task import TASKS
from tests.learning.nights import N2, Sensors, night, sensors

T0_UNIX = 1_767_636_000.0
DAY_S = 86_400.0


def body(*beds_s: float) -> Sensors:
    """Somebody who sleeps for eight hours whenever *beds_s* say, and is measured all the time."""
    nights = [night([N2] * 960, index, bed_s) for index, bed_s in enumerate(beds_s)]
    return Sensors(sensors(0.0, 6 * DAY_S, 60.0).channels, nights)


class Hub:
    """A phone's intake, and a band that can send it anything."""

    def __init__(self, wearer: Sensors) -> None:
        self.body = wearer
        self.diary: list[ev.Event] = []
        self.figures = Figures()
        wire = MemoryWire(MemoryBroker())
        self.phone, self.band = wire.link("phone-1"), wire.link("band-1")
        self.buffer = MemoryBuffer("memory:home/phone-1", 100_000)
        self.intake = Intake(
            device="phone-1",
            fleet="home",
            t0_unix=T0_UNIX,
            link=self.phone,
            buffer=self.buffer,
            sources={"band-1": self.figures},
            record=self.diary.append,
            body=wearer,
            task=TASKS["night-quality"],
            epochs="in_bed",
            diary=None,
        )

    async def open(self) -> "Hub":
        await self.phone.connect()
        await self.band.connect()
        await self.intake.subscribe()
        return self

    def send(self, payload: bytes, device: str = "band-1") -> None:
        self.band.publish(Message(biometrics("home", device), payload))

    def batch(self, seq: int, from_s: float, to_s: float, device: str = "band-1", fleet: str = "home") -> bytes:
        channels = {name: self.body.window(name, from_s, to_s) for name in self.body.channels}
        return encode_batch(
            fleet, device, seq, T0_UNIX, {name: part for name, part in channels.items() if len(part[0])}
        )


async def test_a_batch_lands_in_the_buffer_and_is_counted_for_who_made_it() -> None:
    hub = await Hub(body()).open()
    hub.send(hub.batch(1, 0.0, 900.0))

    await hub.intake.empty_inbox(900.0)

    times, _ = hub.buffer.window("heart_rate", 0.0, 900.0)
    assert len(times) == 15
    assert hub.figures.readings_buffered == hub.intake.depth == hub.buffer.counts().readings > 15


async def test_a_batch_that_comes_twice_is_stored_once() -> None:
    hub = await Hub(body()).open()
    for seq in (1, 1, 2, 1):
        hub.send(hub.batch(seq, 900.0 * (seq - 1), 900.0 * seq))

    await hub.intake.empty_inbox(1_800.0)

    assert len(hub.buffer.window("heart_rate", 0.0, 1_800.0)[0]) == 30
    assert hub.figures.readings_buffered == hub.intake.depth


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b'[{"seq":1}]',
        b'[{"bn":"urn:dev:mac:1","seq":1,"n":"heart_rate","v":1}]',
    ],
)
async def test_nonsense_is_counted_and_dropped(payload: bytes) -> None:
    hub = await Hub(body()).open()
    hub.send(payload)
    hub.send(hub.batch(1, 0.0, 900.0))

    await hub.intake.empty_inbox(900.0)

    (event,) = [event for event in hub.diary if isinstance(event, ev.MessageMalformed)]
    assert (event.device, event.topic) == ("phone-1", "fleetbeat/v1/home/band-1/biometrics")
    assert hub.intake.malformed == 1
    assert hub.figures.readings_buffered > 0


@pytest.mark.parametrize(("device", "fleet"), [("band-2", "home"), ("band-1", "next-door")])
async def test_readings_of_somebody_else_are_nonsense_here(device: str, fleet: str) -> None:
    hub = await Hub(body()).open()
    hub.send(hub.batch(1, 0.0, 900.0, device, fleet))

    await hub.intake.empty_inbox(900.0)

    assert (hub.intake.malformed, hub.intake.depth) == (1, 0)


async def test_topics_of_strangers_are_not_even_heard() -> None:
    hub = await Hub(body()).open()
    hub.send(hub.batch(1, 0.0, 900.0, "band-2"), "band-2")

    await hub.intake.empty_inbox(900.0)

    assert (hub.intake.malformed, hub.intake.depth) == (0, 0)


async def test_a_full_buffer_says_how_many_left() -> None:
    hub = await Hub(body()).open()
    hub.intake.buffer = hub.buffer = MemoryBuffer("memory:home/small", 20)
    hub.send(hub.batch(1, 0.0, 900.0))

    await hub.intake.empty_inbox(900.0)

    evicted = sum(event.readings for event in hub.diary if isinstance(event, ev.ReadingsEvicted))
    assert evicted == hub.figures.readings_buffered - 20 > 0


async def test_in_the_morning_the_night_becomes_an_example() -> None:
    hub = await Hub(body(3_600.0)).open()
    hub.send(hub.batch(1, 0.0, 40_000.0))
    rise_s = 3_600.0 + 28_800.0

    assert hub.intake.next_morning_s == rise_s
    await hub.intake.wake_up(rise_s)

    assert (hub.intake.examples, hub.intake.examples_for("train", holds_out=False)) == (1, (1, 1))
    (known,) = [event for event in hub.diary if isinstance(event, ev.NightKnown)]
    assert (known.t_s, known.night, known.examples) == (rise_s, 0, 1)


async def test_a_night_nobody_measured_is_no_example() -> None:
    hub = await Hub(body(3_600.0)).open()

    await hub.intake.wake_up(40_000.0)

    assert hub.intake.examples == 0
    assert not hub.diary


async def test_readings_that_come_late_are_learnt_from_all_the_same() -> None:
    hub = await Hub(body(3_600.0)).open()
    await hub.intake.wake_up(33_000.0)
    hub.send(hub.batch(1, 0.0, 33_000.0))

    await hub.intake.empty_inbox(60_000.0)

    assert hub.intake.examples == 1


async def test_who_was_away_for_days_still_learns_of_every_night() -> None:
    beds_s = [3_600.0 + day * DAY_S for day in range(5)]
    hub = await Hub(body(*beds_s)).open()
    back_s = 4.6 * DAY_S
    for seq in range(1, 5):
        hub.send(hub.batch(seq, (seq - 1) * DAY_S, seq * DAY_S))
    hub.send(hub.batch(5, 4 * DAY_S, back_s))

    while hub.intake.next_morning_s <= back_s:
        await hub.intake.wake_up(back_s)

    assert [kept.index for kept in hub.buffer.nights()] == [0, 1, 2, 3, 4]
    assert np.isclose(hub.intake.examples, 5)


async def test_without_nights_in_sight_it_looks_again_later() -> None:
    hub = await Hub(body(3 * DAY_S)).open()

    assert hub.intake.next_morning_s == LOOK_AHEAD_S
    await hub.intake.wake_up(LOOK_AHEAD_S)
    assert hub.intake.next_morning_s == 3 * DAY_S + 28_800.0
