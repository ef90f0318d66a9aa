"""A house that waits for the time, lives, and lives again; its broker is real, its SuperLink is never there."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from broker import events as ev
from broker.access import SERVER_USER
from broker.mosquitto import PrivateMosquitto
from broker.narration import Follower
from broker.pace import Pace, tell_clock
from devices.fleet_file import load_fleet
from devices.residents import residents
from fleetbeat.brokers import access_of
from fleetbeat.house import Roads
from fleetbeat.landlord import BEAT, Landlord
from fleetbeat.lodging import lodgers
from tests.broker.test_lasting import soon
from tests.world.ground import TINY

pytestmark = pytest.mark.needs_broker


class Town:
    """A broker, somebody who tells the time there, and a house for phone-1 and its band."""

    def __init__(self, folder: Path, mosquitto: PrivateMosquitto) -> None:
        self.fleet = load_fleet(folder / "tiny.toml")
        here = lodgers(residents(self.fleet), "phone-1")
        self.said: list[str] = []
        self.heard: list[ev.Event] = []
        self.folder = folder / "data"
        roads = Roads(
            broker=mosquitto.address,
            credentials=mosquitto.credentials,
            superlink="http://127.0.0.1:9",
            superlink_ca=None,
            wearers=None,
        )
        self.server = Follower(mosquitto.address, mosquitto.credentials, SERVER_USER, "tiny", self.heard.append)
        self.server.connect(10.0)
        self.landlord = Landlord(self.fleet, here, roads, "hall", self.folder, self.said.append)

    def tell(self, speed: float, days_ago: float = 0.0) -> Pace:
        """Tell of a life that began so many days of life ago."""
        now_s = time.time()  # noqa: TID251  # lives begin on the wall
        pace = Pace(now_s - days_ago * 86_400.0 / speed, speed)
        tell_clock(self.server.client, "tiny", pace)
        return pace

    def awaits(self, words: str) -> None:
        assert soon(lambda: any(words in line for line in self.said)), self.said

    def sensed(self, device: str) -> int:
        """The readings that a device told of last."""
        told = [event for event in self.heard if isinstance(event, ev.DeviceReported) and event.device == device]
        return int(told[-1].figures["readings_sensed"] or 0) if told else 0


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    (tmp_path / "tiny.toml").write_text(TINY)
    everybody = residents(load_fleet(tmp_path / "tiny.toml"))
    with PrivateMosquitto(access_of("tiny", everybody, {"hall": ["phone-1", "band-1"]})) as mosquitto:
        made = Town(tmp_path, mosquitto)
        yield made
        made.server.close()


def in_the_meantime(*deeds: object) -> threading.Thread:
    """Do something while the landlord keeps the main thread."""

    def do() -> None:
        for deed in deeds:
            assert callable(deed)
            deed()

    thread = threading.Thread(target=do)
    thread.start()
    return thread


def test_devices_live_from_the_moment_that_the_time_is_told_until_their_days_are_over(town: Town) -> None:
    helper = in_the_meantime(lambda: town.awaits("waiting for somebody to tell the time"), lambda: town.tell(200_000.0))

    cause = town.landlord.keep()

    helper.join()
    assert cause == "days_over"
    assert soon(lambda: {event.device for event in town.heard} == {"phone-1", "band-1"})
    assert town.sensed("band-1") > 0
    assert (town.folder / BEAT).exists()


def test_a_life_that_is_over_is_not_lived(town: Town) -> None:
    town.tell(720.0, days_ago=3.0)
    helper = in_the_meantime(
        lambda: town.awaits("the last one is 3.0 days old, and over"), lambda: town.tell(500_000.0)
    )

    cause = town.landlord.keep()

    helper.join()
    assert cause == "days_over"
    assert len([line for line in town.said if line.startswith("living")]) == 1


def test_another_life_knows_nothing_of_what_was_measured_in_the_one_before(town: Town) -> None:
    before: list[int] = []

    def both_lives() -> None:
        town.tell(20_000.0, days_ago=0.8)
        assert soon(lambda: town.sensed("band-1") > 800)
        before.append(town.sensed("band-1"))
        town.tell(20_000.0, days_ago=1.9)

    helper = in_the_meantime(both_lives)

    town.landlord.keep()

    helper.join()
    assert "another life was told: this one ends" in town.said
    assert soon(lambda: [type(event) for event in town.heard].count(ev.DeviceReported) >= 4)
    assert town.sensed("band-1") < before[0]
    numbers = [event.seq for event in town.heard if isinstance(event, ev.BatchSent)]
    assert len(set(numbers)) == len(numbers)  # what is sealed must never look like something heard before
