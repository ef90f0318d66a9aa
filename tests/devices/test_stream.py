"""Readings go from the skin to the hub in batches; what the near link does not carry waits in the outbox."""

from datetime import datetime

import numpy as np
import pytest

from broker import events as ev
from broker.memory import MemoryBroker, MemoryWire
from broker.messages import decode_batch
from devices.body import SyntheticBody
from devices.circumstances import sessions_in, worn_in
from devices.figures import Figures
from devices.habits import Habits
from devices.hardware.battery import Battery
from devices.kinds import Kind, kind_named
from devices.learning.history import seen_through
from devices.near import Near
from devices.outbox import MemoryOutbox
from devices.power import Power
from devices.stream import Address, Stream
from devices.voice import Voice
from tests.learning.nights import Sensors, sensors

BAND = kind_named("band")
RHYTHM = {"heart_rate": 60.0, "movement": 30.0}
T0_UNIX = 1_767_636_000.0


class Wrist:
    """A band on a wrist, and somebody who listens to it."""

    def __init__(self, kind: Kind = BAND, body: Sensors | None = None) -> None:
        self.diary: list[ev.Event] = []
        self.figures = Figures()
        wire = MemoryWire(MemoryBroker())
        self.link, self.ear = wire.link("band-1"), wire.link("phone-1")
        body = body or sensors(0.0, 7_200.0)
        address = Address("home", "band-1", "phone-1", T0_UNIX)
        self.stream = Stream(
            address,
            kind.near,
            RHYTHM,
            body,
            self.link,
            MemoryOutbox(kind.outbox_readings),
            self.figures,
            self.diary.append,
        )
        voice = Voice("home", "band-1", self.link, self.diary.append)
        self.power, self.hub_power = (Power(k, Battery(10_000.0, 9_000.0)) for k in (kind, kind_named("phone")))
        self.near = Near(
            "band-1", kind, self.link, voice, self.power, self.stream, None, self.diary.append, ring=lambda: None
        )
        self.near.hub_power = self.hub_power

    async def listen(self) -> None:
        await self.ear.connect()
        await self.ear.subscribe("fleetbeat/v1/home/+/biometrics")

    def heard(self) -> list[tuple[int, float, int]]:
        """Batches as they came: sequence number, first moment, readings."""
        batches = [decode_batch(message.payload, T0_UNIX) for message in self.ear.take()]
        return [(b.seq, min(float(times.min()) for times, _ in b.channels.values()), b.readings) for b in batches]


async def test_however_often_one_looks_the_same_is_measured() -> None:
    looked_at, left_alone = Wrist(), Wrist()
    for wrist, looks in ((looked_at, (30.0, 90.0, 100.5, 500.0)), (left_alone, ())):
        await wrist.listen()
        await wrist.near.mind(0.0, up=True)
        for moment_s in (0.0, *looks):
            wrist.stream.sense(moment_s, on_skin=True)
        wrist.stream.sense(600.0, on_skin=False)
        wrist.stream.sense(720.0, on_skin=True)
        wrist.stream.gather(900.0)

    parcel, same = looked_at.stream.pack(900.0), left_alone.stream.pack(900.0)
    assert parcel is not None
    assert same is not None
    assert parcel.payload == same.payload
    times, _ = decode_batch(parcel.payload, T0_UNIX).channels["heart_rate"]
    assert times.tolist() == [*range(0, 600, 30), *range(720, 900, 30)]


async def test_what_was_measured_on_the_skin_reaches_the_hub() -> None:
    wrist = Wrist()
    await wrist.listen()
    await wrist.near.mind(0.0, up=True)
    wrist.stream.sense(0.0, on_skin=True)
    wrist.stream.gather(900.0)

    assert wrist.near.send(900.0)
    crossed_s = wrist.near.next_moment_s
    wrist.near.deliver(crossed_s)

    in_900_s = sum(900 // 30 for _ in RHYTHM)
    assert 900.0 < crossed_s < 902.0
    assert wrist.heard() == [(1, 0.0, in_900_s)]
    assert wrist.figures.readings_sensed == wrist.figures.readings_sent == in_900_s


async def test_off_the_skin_nothing_is_measured() -> None:
    wrist = Wrist()
    wrist.stream.sense(0.0, on_skin=True)
    wrist.stream.sense(300.0, on_skin=False)
    wrist.stream.sense(600.0, on_skin=True)
    wrist.stream.gather(900.0)

    batch_s = wrist.stream.pack(900.0)
    assert batch_s is not None
    times = np.concatenate([times for times, _ in batch_s.batch.channels.values()])
    assert not np.any((times >= 300) & (times < 600))
    assert np.any(times < 300)
    assert np.any(times >= 600)


async def test_out_of_reach_the_outbox_waits_and_is_emptied_in_order() -> None:
    wrist = Wrist()
    await wrist.listen()
    wrist.stream.sense(0.0, on_skin=True)
    for now_s in (900.0, 1_800.0, 2_700.0):
        wrist.stream.gather(now_s)
        assert not wrist.near.send(now_s)
    waiting = wrist.stream.depth

    await wrist.near.mind(3_000.0, up=True)
    while (moment_s := wrist.near.next_moment_s) < np.inf:
        wrist.near.deliver(moment_s)

    assert waiting == wrist.figures.readings_sensed
    assert [(seq, first_s) for seq, first_s, _ in wrist.heard()] == [(1, 0.0), (2, 900.0), (3, 1_800.0)]
    assert wrist.stream.depth == 0


async def test_a_parcel_torn_on_its_way_stays_and_is_sent_once() -> None:
    wrist = Wrist()
    await wrist.listen()
    await wrist.near.mind(0.0, up=True)
    wrist.stream.sense(0.0, on_skin=True)
    wrist.stream.gather(900.0)
    wrist.near.send(900.0)
    half_s = 900.0 + (wrist.near.next_moment_s - 900.0) / 2

    await wrist.near.mind(half_s, up=False)
    torn_j = wrist.power.spent_j("near")
    heard_before = wrist.heard()
    await wrist.near.mind(1_000.0, up=True)
    wrist.near.deliver(wrist.near.next_moment_s)

    assert heard_before == []
    assert 0 < torn_j < wrist.power.spent_j("near") - torn_j
    assert [seq for seq, *_ in wrist.heard()] == [1]
    assert wrist.figures.readings_sent == wrist.figures.readings_sensed


async def test_both_ends_pay_for_a_radio_and_nobody_for_a_loopback() -> None:
    radio, own = Wrist(), Wrist()
    own.near.hub_power = None
    for wrist in (radio, own):
        await wrist.near.mind(0.0, up=True)
        wrist.stream.sense(0.0, on_skin=True)
        wrist.stream.gather(900.0)
        wrist.near.send(900.0)
        wrist.near.deliver(1_000.0)

    assert radio.power.spent_j("near") == radio.hub_power.spent_j("near") > 0
    assert own.power.spent_j("near") == own.hub_power.spent_j("near") == 0


def test_sport_is_measured_more_often_and_history_sees_just_what_life_sees() -> None:
    watch, start = kind_named("smartwatch"), datetime(2026, 1, 5, 18)
    body = SyntheticBody(7, "wearer-3", start)
    until_s = 3 * 86_400.0
    lives = list(Habits(7, "smartwatch-3", watch, None, "wearer-3", body, start).lives(0.0, until_s))
    figures, outbox = Figures(), MemoryOutbox(1_000_000)
    link = MemoryWire(MemoryBroker()).link("smartwatch-3")
    address = Address("home", "smartwatch-3", "smartwatch-3", T0_UNIX)
    stream = Stream(
        address, None, watch.senses, body, link, outbox, figures, print, senses_in_session=watch.senses_in_session
    )

    for life in lives:
        stream.sense(life.from_s, on_skin=life.worn, in_session=life.in_use)
    stream.gather(until_s)

    batch = outbox.leave()
    assert batch is not None
    times, values = batch.channels["heart_rate"]
    sessions = sessions_in(lives)
    seen = seen_through(body, watch.senses, worn_in([lives]), [(watch.senses_in_session, sessions)])
    assert np.array_equal((times, values), seen("heart_rate", 0.0, until_s))
    assert figures.readings_sensed == sum(len(own) for own, _ in batch.channels.values())
    at_sport_s = sum(end - begin for begin, end in sessions)
    during = sum(np.count_nonzero((times >= begin) & (times < end)) for begin, end in sessions)
    assert during == at_sport_s / 5 > 0
    between = np.setdiff1d(times, np.concatenate([np.arange(begin, end, 5.0) for begin, end in sessions]))
    assert not (between % 60).any()


async def test_a_full_outbox_drops_the_oldest_and_says_so() -> None:
    wrist = Wrist(BAND.model_copy(update={"outbox_readings": 100}))
    wrist.stream.sense(0.0, on_skin=True)
    for now_s in (900.0, 1_800.0):
        wrist.stream.gather(now_s)

    (dropped,) = [event for event in wrist.diary if isinstance(event, ev.ReadingsDropped)]
    assert (dropped.readings, dropped.cause) == (60, "outbox_full")
    assert wrist.figures.readings_in_flight == wrist.stream.depth == 60


async def test_a_lost_near_link_leaves_the_last_will_and_a_new_one_says_everything_anew() -> None:
    wrist = Wrist()
    await wrist.ear.connect()
    await wrist.ear.subscribe("fleetbeat/v1/home/+/$state")

    await wrist.near.mind(0.0, up=True)
    await wrist.near.mind(10.0, up=False)
    await wrist.near.mind(20.0, up=True)
    await wrist.near.close(30.0)

    assert [message.payload for message in wrist.ear.take()] == [b"init", b"lost", b"init", b"disconnected"]


@pytest.mark.parametrize("up", [True, False])
async def test_a_link_that_stays_as_it_is_costs_nothing(up: bool) -> None:
    wrist = Wrist()
    for now_s in (0.0, 10.0, 20.0):
        await wrist.near.mind(now_s, up=up)

    assert wrist.link.connected is up
    assert len(wrist.diary) == up
