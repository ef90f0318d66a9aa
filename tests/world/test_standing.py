"""A standing: what a server left at the broker is there for the next one, of the same life and no other."""

from collections.abc import Iterator

import numpy as np
import pytest

from broker import topics
from broker.access import OBSERVER_USER, SERVER_USER, Access
from broker.lasting import LastingClient
from broker.mosquitto import Door, PrivateMosquitto
from broker.pace import Pace
from fleetbeat import standing
from fleetbeat.standing import Standing, keep, recall

pytestmark = pytest.mark.needs_broker

FLEET, PACE = "home", Pace(1_700_000_000.0, 720.0)
LEFT = Standing(2, [np.arange(6.0).reshape(2, 3), np.ones(1)], 86_400.0, open=True)


@pytest.fixture
def broker() -> Iterator[PrivateMosquitto]:
    with PrivateMosquitto(Access(FLEET, {"phone-1": ()}), Door()) as running:
        yield running


def client(broker: PrivateMosquitto, user: str, name: str) -> LastingClient:
    made = LastingClient(broker.address, broker.credentials.of(user), name)
    made.connect(10.0)
    return made


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "_PATIENCE_WALL_S", 0.3)


def test_the_next_server_finds_what_the_last_one_left(broker: PrivateMosquitto) -> None:
    first = client(broker, SERVER_USER, "first")
    keep(first, FLEET, PACE, Standing(1, LEFT.arrays, 0.0, open=False))
    keep(first, FLEET, PACE, LEFT)
    assert first.close(10.0) == 0

    second = client(broker, SERVER_USER, "second")
    found = recall(second, FLEET, PACE)
    second.close(1.0)

    assert found is not None
    assert (found.round, found.started_s, found.open) == (2, 86_400.0, True)
    assert all(map(np.array_equal, found.arrays, LEFT.arrays))


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    "left",
    [
        b"",
        b"{}",
        b"nonsense",
        b'{"life": 1700000000.0, "round": 1, "started_s": 0, "open": true, "npz_base64": "AAAA"}',
    ],
)
def test_what_makes_no_sense_is_as_good_as_nothing(broker: PrivateMosquitto, left: bytes) -> None:
    server = client(broker, SERVER_USER, "server")
    server.publish(topics.server_standing(FLEET), left, retain=True)

    assert recall(server, FLEET, PACE) is None
    server.close(1.0)


@pytest.mark.usefixtures("quick")
def test_another_life_and_nobody_else_may_know_it(broker: PrivateMosquitto) -> None:
    server = client(broker, SERVER_USER, "server")
    keep(server, FLEET, PACE, LEFT)
    assert server.close(10.0) == 0
    later, observer = client(broker, SERVER_USER, "later"), client(broker, OBSERVER_USER, "observer")

    assert recall(later, FLEET, Pace(PACE.t0_unix + 1.0, PACE.speed)) is None
    assert recall(observer, FLEET, PACE) is None
    for one in (later, observer):
        one.close(1.0)
