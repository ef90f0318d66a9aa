"""Events told over a broker: each is heard once, nonsense and lies are not."""

import logging
import math
import threading
from collections.abc import Iterator

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker import events as ev
from broker import lasting, topics
from broker.access import Access
from broker.address import Address
from broker.credentials import OPEN
from broker.lasting import LastingClient
from broker.mosquitto import PrivateMosquitto
from broker.narration import Follower, Narrator, _Told
from tests.broker.mortal import Mortal, free_port
from tests.broker.test_lasting import soon

FLEET = "home"


def booted(t_s: float, device: str = "band-1") -> ev.PoweredOn:
    return ev.PoweredOn(t_s, device, 1.0)


def ended(round_: int) -> ev.RoundEnded:
    return ev.RoundEnded(60.0 * round_, None, round_)


class Listener:
    def __init__(self, mortal: Mortal) -> None:
        self.heard: list[ev.Event] = []
        self.follower = Follower(mortal.address, OPEN, "observer", FLEET, self.heard.append)
        self.follower.connect(5.0)


@pytest.fixture
def listener(mortal: Mortal) -> Iterator[Listener]:
    made = Listener(mortal)
    yield made
    made.follower.close()


@pytest.mark.needs_broker
def test_what_a_house_and_the_server_tell_is_heard(mortal: Mortal, listener: Listener) -> None:
    house = Narrator(mortal.address, OPEN, "house", FLEET, "house-1")
    server = Narrator(mortal.address, OPEN, "server", FLEET, "server-1")
    score = ev.ModelScored(120.0, None, 1, 0.5, 0.9, 0.9, math.nan, 0.8, 0.5)
    house.record(booted(0.0))  # before it is connected: it waits

    house.connect(5.0)
    server.connect(5.0)
    house.record(booted(1.0, "phone-1"))
    server.record(ev.DeviceSelected(60.0, "phone-1", 1, "train"))
    server.record(score)

    assert (house.close(5.0), server.close(5.0)) == (0, 0)
    assert soon(lambda: len(listener.heard) == 4)
    assert {repr(event) for event in listener.heard} == {
        repr(booted(0.0)),
        repr(booted(1.0, "phone-1")),
        repr(ev.DeviceSelected(60.0, "phone-1", 1, "train")),
        repr(score),
    }
    assert (listener.follower.missing, listener.follower.malformed, listener.follower.doubled) == (0, 0, 0)


@pytest.mark.needs_broker
def test_the_accounts_of_a_fleet_allow_just_that() -> None:
    heard: list[ev.Event] = []
    access = Access(FLEET, {"band-1": (), "phone-1": ("band-1",)}, houses={"house-1": ("band-1",)})
    with PrivateMosquitto(access) as broker:
        follower = Follower(broker.address, broker.credentials, "server", FLEET, heard.append)
        house = Narrator(broker.address, broker.credentials, "house-1", FLEET, "house-1-abc")
        server = Narrator(broker.address, broker.credentials, "server", FLEET, "server-abc")
        for party in (follower, house, server):
            party.connect(5.0)
        house.record(booted(1.0))
        house.record(booted(2.0, "phone-1"))  # lives elsewhere
        server.record(ended(1))
        server.record(ev.DeviceSelected(60.0, "phone-1", 1, "train"))
        assert (house.close(5.0), server.close(5.0)) == (0, 0)
        assert soon(lambda: len(heard) == 3)
        follower.close()

    assert house.client.denied == 1
    assert sorted(event.t_s for event in heard) == [1.0, 60.0, 60.0]


@pytest.mark.needs_broker
def test_a_killed_broker_takes_no_event_with_it(
    mortal: Mortal, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lasting, "READERS_BACK_S", 1.5)
    narrator = Narrator(mortal.address, OPEN, "house", FLEET, "house-1")
    narrator.connect(5.0)

    for second in range(300):
        narrator.record(booted(float(second)))
        if second == 100:
            mortal.kill()
        if second == 200:
            mortal.start()

    assert soon(lambda: len(listener.heard) == 300)
    assert narrator.close(5.0) == 0
    assert sorted(event.t_s for event in listener.heard) == [float(second) for second in range(300)]
    assert listener.follower.missing == 0


@pytest.mark.needs_broker
def test_nonsense_lies_and_repetition_are_counted_and_dropped(
    mortal: Mortal, listener: Listener, caplog: pytest.LogCaptureFixture
) -> None:
    somebody = LastingClient(mortal.address, None, "somebody")
    somebody.connect(5.0)
    on_band = topics.events(FLEET, "band-1")
    record = {**ev.as_record(booted(1.0)), "teller": "me", "n": 1}

    for payload in (
        b"",
        b"\xff",
        b"[" * 5000,
        b"null",
        orjson.dumps({**record, "n": 0}),
        orjson.dumps({**record, "n": True}),
        orjson.dumps({**record, "teller": "x" * 1000}),
        orjson.dumps({**record, "kind": "coup"}),
        orjson.dumps({**record, "device": "phone-1"}),
        orjson.dumps({**record, "device": None}),
        orjson.dumps({**record, "life": "new"}),
    ):
        somebody.publish(on_band, payload)
    somebody.publish(on_band, orjson.dumps(record))
    somebody.publish(on_band, orjson.dumps({**record, "t_s": 2.0}))
    somebody.publish(on_band, orjson.dumps({**record, "teller": "another"}))

    assert soon(lambda: len(listener.heard) == 2)
    assert listener.heard == [booted(1.0), booted(1.0)]
    assert listener.follower.malformed == 11
    assert listener.follower.doubled == 1
    assert caplog.text.count("no event") == 1
    somebody.close(5.0)


@pytest.mark.needs_broker
def test_what_is_told_of_another_life_is_not_heard(mortal: Mortal, listener: Listener) -> None:
    narrator = Narrator(mortal.address, OPEN, "house", FLEET, "house-1")
    narrator.connect(5.0)
    listener.follower.life = 2_000.0

    narrator.life = 1_000.0
    narrator.record(booted(1.0))
    narrator.life = 2_000.0
    narrator.record(booted(2.0))
    narrator.life = None  # who knows of no life belongs to any
    narrator.record(booted(3.0))

    assert soon(lambda: len(listener.heard) == 2)
    assert listener.heard == [booted(2.0), booted(3.0)]
    assert (listener.follower.foreign, listener.follower.missing, listener.follower.malformed) == (1, 0, 0)
    narrator.close(5.0)


def test_who_tells_what_cannot_be_told_lives_on(caplog: pytest.LogCaptureFixture) -> None:
    narrator = Narrator(Address("127.0.0.1", free_port()), OPEN, "house", FLEET, "house-1")

    narrator.record(booted(0.0, "no/device"))
    narrator.record(ev.MetricsNoted(0.0, None, 1, "train", {"loss": object()}))  # type: ignore[dict-item]  # the very mistake
    narrator.record(booted(1.0))

    assert narrator.failed == 2
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2
    assert narrator.close(0.0) == 1


@pytest.mark.needs_broker
def test_numbers_are_without_a_gap_whoever_tells(mortal: Mortal, listener: Listener) -> None:
    narrator = Narrator(mortal.address, OPEN, "house", FLEET, "house-1")
    narrator.connect(5.0)

    def tell() -> None:
        for second in range(100):
            narrator.record(booted(float(second)))

    threads = [threading.Thread(target=tell) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert narrator.close(5.0) == 0
    assert soon(lambda: len(listener.heard) == 400)
    assert listener.follower.missing == 0
    assert listener.follower.doubled == 0


@given(st.lists(st.integers(1, 30)))
def test_each_number_is_new_once_and_what_is_missing_is_known(numbers: list[int]) -> None:
    told = _Told()

    new = [number for number in numbers if told.is_new(number)]

    assert new == list(dict.fromkeys(numbers))
    assert told.missing == max(numbers, default=0) - len(set(numbers))


def test_a_gap_that_never_closes_costs_no_memory() -> None:
    told = _Told()

    new = sum(told.is_new(number) for number in range(2, 30_000))

    assert new == 29_998
    assert not told.is_new(29_000)
    assert told.whole == 29_999
