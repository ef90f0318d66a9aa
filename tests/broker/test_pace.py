"""The pace: conversions, the message, and waiting for it."""

import math
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker import topics
from broker.lasting import LastingClient
from broker.link import Message
from broker.pace import ClockMissing, MalformedClock, Pace, await_clock, decode, tell_clock
from tests.broker.mortal import Mortal
from tests.broker.test_lasting import soon

NOON = Pace(t0_unix=1_770_000_000.0, speed=720.0)

paces = st.builds(
    Pace,
    st.floats(0.0, 253_402_300_799.0, allow_nan=False),
    st.floats(1e-3, 1e6, allow_nan=False),
)


def test_life_and_the_wall_are_converted_there_and_back() -> None:
    assert NOON.life_s(1_770_000_120.0) == 86_400.0
    assert NOON.unix_s(86_400.0) == 1_770_000_120.0
    assert NOON.wall_s(3_600.0) == 5.0


@given(paces)
def test_a_told_pace_is_read_as_it_was(pace: Pace) -> None:
    assert decode(pace.encode()) == pace


@given(st.binary(max_size=200) | st.sampled_from((b"null", b"[]", b"{}", b'{"t0_unix":0,"speed":NaN}', b"1" * 5000)))
def test_nonsense_is_refused_in_words(payload: bytes) -> None:
    with pytest.raises(MalformedClock):
        decode(payload)


@pytest.mark.parametrize(
    ("t0_unix", "speed"),
    [
        (math.nan, 1.0),
        (math.inf, 1.0),
        (-1.0, 1.0),
        (1e12, 1.0),
        (10**400, 1.0),
        (True, 1.0),
        ("0", 1.0),
        (0.0, 0.0),
        (0.0, -1.0),
        (0.0, 1e-9),
        (0.0, math.inf),
        (0.0, 1e9),
        (0.0, None),
    ],
)
def test_an_absurd_pace_cannot_be(t0_unix: float, speed: float) -> None:
    with pytest.raises(MalformedClock, match="expected"):
        Pace(t0_unix, speed)


def test_whole_numbers_will_do() -> None:
    pace = decode(b'{"t0_unix":1770000000,"speed":720,"told_by":"somebody newer"}')

    assert pace == NOON
    assert isinstance(pace.speed, float)


@pytest.mark.needs_broker
def test_who_waits_for_the_clock_gets_it_whenever_it_is_told(mortal: Mortal) -> None:
    early, server, late = (LastingClient(mortal.address, None, name) for name in ("early", "server", "late"))
    for client in (early, server, late):
        client.connect(5.0)
    heard: list[Pace] = []
    waiting = threading.Thread(target=lambda: heard.append(await_clock(early, "home", 5.0)))
    waiting.start()

    server.publish(topics.clock("home"), b"noon", retain=True)
    tell_clock(server, "home", NOON)
    waiting.join()

    assert heard == [NOON]
    assert await_clock(late, "home", 5.0) == NOON
    assert [client.close(5.0) for client in (early, server, late)] == [0, 0, 0]


@pytest.mark.needs_broker
def test_a_broker_that_forgot_the_clock_is_told_again(mortal: Mortal) -> None:
    server = LastingClient(mortal.address, None, "server")
    server.connect(5.0)
    tell_clock(server, "home", Pace(0.0, 1.0))
    tell_clock(server, "home", NOON)
    assert soon(lambda: server.unacknowledged == 0)

    mortal.kill()
    mortal.start()
    late = LastingClient(mortal.address, None, "late")
    late.connect(5.0)

    assert await_clock(late, "home", 10.0) == NOON
    assert (server.close(5.0), late.close(5.0)) == (0, 0)


@pytest.mark.needs_broker
def test_a_clock_that_nobody_tells_is_missed_in_words(mortal: Mortal) -> None:
    client = LastingClient(mortal.address, None, "waits", Message("nobody/reads", b"lost"))
    client.connect(5.0)
    client.publish(topics.clock("home"), b"noon", retain=True)

    with pytest.raises(ClockMissing, match=r"the time of the fleet home .* makes no sense: not JSON.*aggregator"):
        await_clock(client, "home", 0.2)
    client.close(5.0)
