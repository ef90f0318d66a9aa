"""A SuperLink in this process, a door that leads to it, and nodes whose life runs as fast as the wall."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from flwr.app import ArrayRecord, Error, Message, MetricRecord, RecordDict

from broker import events as ev
from broker.pace import Pace
from devices.fleet_api import FleetDoor, FleetNode, Limits, Rhythm
from devices.fleet_api import attendance as attendance_module
from devices.fleet_api import correspondence as correspondence_module
from devices.fleet_api import outage as outage_module
from devices.storage.notes import MemoryNotes, Notes
from tests.broker.patience import until
from tests.fleet_api.superlink import InProcessSuperLink


def update(task: Message) -> Message:
    content = RecordDict({"arrays": ArrayRecord([]), "metrics": MetricRecord({"num-examples": 10, "loss": 0.5})})
    return Message(content, reply_to=task)


def failure(task: Message) -> Message:
    return Message(Error(2, "no"), reply_to=task)


@dataclass
class Home:
    """Devices beside a server. Moments are seconds since the home was built."""

    server: InProcessSuperLink
    door: FleetDoor
    diary: list[ev.Event] = field(default_factory=list)
    pace: Pace = field(default_factory=lambda: Pace(time.time(), 1.0))  # noqa: TID251  # the server's is the wall's

    @property
    def now_s(self) -> float:
        return self.pace.life_s(time.time())  # noqa: TID251  # the server's clock is the wall's

    def device(self, name: str = "watch", notes: Notes | None = None) -> FleetNode:
        rhythm = Rhythm(poll_s=0.01, beat_s=10.0, linger_s=0.3)
        return FleetNode(self.door, name, notes or MemoryNotes(), self.pace, rhythm, self.diary.append)

    async def enrolled(self, name: str = "watch", notes: Notes | None = None) -> FleetNode:
        """Return a device's node that the server calls online."""
        node = self.device(name, notes)
        node.reachable(self.now_s)
        await until(lambda: node.node_id in self.server.online())  # the node hears of it last
        return node

    async def task_for(self, node: FleetNode) -> Message:
        """Push a task, and return what the device fetches."""
        assert node.node_id is not None
        self.server.push(node.node_id)
        return await self.fetched(node)

    async def fetched(self, node: FleetNode) -> Message:
        await until(lambda: node.waiting(self.now_s))
        message = node.fetch(self.now_s)
        assert message is not None
        return message

    async def pulled(self, task: Message) -> Message:
        """Return what the ServerApp gets for a task."""
        found: list[Message] = []

        def looked() -> bool:
            reply = self.server.pull(task.metadata.message_id)
            found.extend([reply] if reply is not None else [])
            return bool(found)

        await until(looked)
        return found[0]


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits of the wall's, where one has to be waited out, are short."""
    monkeypatch.setattr(attendance_module, "AGAIN_AFTER_REFUSAL_S", 0.05)
    monkeypatch.setattr(correspondence_module, "TAKEN_AGAIN_S", 0.01)
    monkeypatch.setattr(outage_module, "FIRST_WAIT_S", 0.01)
    monkeypatch.setattr(outage_module, "LONGEST_WAIT_S", 0.02)
    monkeypatch.setattr(outage_module, "PATIENCE_S", 0.05)


@pytest.fixture
def home() -> Iterator[Home]:
    server = InProcessSuperLink()
    door = FleetDoor(server.client(), Limits(polls_per_s=2_000))
    yield Home(server, door)
    door.close(patience_s=1.0)
