"""What `$clock` says of lives, for a process that lives one after another."""

import threading
from collections.abc import Callable
from typing import cast

import pytest

from broker.lasting import LastingClient
from broker.pace import Pace
from fleetbeat.hall_clock import HallClock

FIRST, SECOND = Pace(1_000.0, 720.0), Pace(2_000.0, 720.0)


class Client:
    """Brings what it is given."""

    def subscribe(self, _topic_filter: str, hear: Callable[[str, bytes], None]) -> None:
        self.bring = hear

    def tell(self, payload: bytes) -> None:
        self.bring("fleetbeat/v1/home/$clock", payload)


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def clock(client: Client) -> HallClock:
    return HallClock(cast("LastingClient", client), "home")


def test_the_life_that_is_told_is_waited_for(clock: HallClock, client: Client) -> None:
    threading.Timer(0.05, client.tell, [FIRST.encode()]).start()

    assert clock.another_than(None, 5.0) == FIRST


def test_a_life_that_was_lived_is_no_other_one(clock: HallClock, client: Client) -> None:
    client.tell(FIRST.encode())
    client.tell(FIRST.encode())  # the broker came back, and says it again

    assert clock.another_than(FIRST, 0.01) is None


def test_whoever_lives_is_called_when_another_life_is_told_and_not_before(clock: HallClock, client: Client) -> None:
    called: list[str] = []
    client.tell(FIRST.encode())
    clock.on_another(FIRST, lambda: called.append("another"))
    client.tell(FIRST.encode())
    assert called == []

    client.tell(SECOND.encode())

    assert called == ["another"]


def test_another_life_that_was_told_meanwhile_is_not_missed(clock: HallClock, client: Client) -> None:
    called: list[str] = []
    client.tell(SECOND.encode())

    clock.on_another(FIRST, lambda: called.append("another"))

    assert called == ["another"]


def test_nonsense_changes_nothing(clock: HallClock, client: Client, caplog: pytest.LogCaptureFixture) -> None:
    client.tell(FIRST.encode())

    client.tell(b"noon")

    assert clock.another_than(None, 0.0) == FIRST
    assert "makes no sense" in caplog.text
