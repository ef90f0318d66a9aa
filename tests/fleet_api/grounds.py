"""Two roads to a server behind one counter: the twin's, and the Fleet API's to Flower's own state."""

import asyncio
import time
from dataclasses import dataclass
from typing import Protocol

from flwr.app import ConfigRecord, Message, RecordDict

from aggregator.flower import identify
from aggregator.superlink import SuperLink
from aggregator.tasks import Label, Reply
from aggregator.uplink import NodeUplink
from broker.pace import Pace
from devices.uplink import Uplink
from tests.broker.patience import until
from tests.fleet_api.conftest import Home

DEVICES = ("watch", "phone")


class Ground(Protocol):
    """A server, two devices' uplinks, and the server's side of the counter. Seconds of life are seconds of the wall."""

    uplinks: dict[str, Uplink]

    @property
    def now_s(self) -> float: ...
    async def reach(self, device: str) -> None: ...
    async def sign_off(self, device: str) -> None: ...
    def online(self) -> set[str]: ...
    def push(self, device: str, *, round_: int = 1, kind: str = "train", ttl_s: float = 600.0) -> str: ...
    async def pull(self, task: str) -> Message: ...


async def fetched(ground: Ground, device: str = "watch") -> Message:
    uplink = ground.uplinks[device]
    await until(lambda: uplink.waiting(ground.now_s))
    message = uplink.fetch(ground.now_s)
    assert message is not None
    return message


class TwinGround:
    """Our SuperLink."""

    def __init__(self) -> None:
        self._pace = Pace(time.time(), 1.0)  # noqa: TID251  # both grounds are on the wall
        self._superlink = SuperLink(7, self._pace.t0_unix, 30.0)
        identify(self._superlink.run_id)
        self.uplinks: dict[str, Uplink] = {device: NodeUplink(self._superlink, device) for device in DEVICES}

    @property
    def now_s(self) -> float:
        return self._pace.life_s(time.time())  # noqa: TID251  # both grounds are on the wall

    async def reach(self, device: str) -> None:
        self.uplinks[device].reachable(self.now_s)

    async def sign_off(self, device: str) -> None:
        self.uplinks[device].signed_off(self.now_s)
        await asyncio.sleep(0)

    def online(self) -> set[str]:
        return {self._superlink.nodes[node_id].device for node_id in self._superlink.online(self.now_s)}

    def push(self, device: str, *, round_: int = 1, kind: str = "train", ttl_s: float = 600.0) -> str:
        content = RecordDict({"config": ConfigRecord({"server-round": round_})})
        node_id = self.uplinks[device].node_id
        assert node_id is not None
        message = Message(content, node_id, kind, ttl=ttl_s)
        (task,) = self._superlink.push([message], [Label(round_, kind.split(".")[0])], self.now_s)
        self._superlink.ring([task])
        return task

    async def pull(self, task: str) -> Message:
        (found,) = self._superlink.pull([task], self.now_s)
        body = self._superlink.body_of(found, self.now_s) if isinstance(found, Reply) else found
        assert body is not None
        return body


@dataclass
class FleetGround:
    """Flower's own state, by way of its Fleet API."""

    home: Home

    def __post_init__(self) -> None:
        self.nodes = {device: self.home.device(device) for device in DEVICES}
        self.uplinks: dict[str, Uplink] = {**self.nodes}

    @property
    def now_s(self) -> float:
        return self.home.now_s

    async def reach(self, device: str) -> None:
        node = self.nodes[device]
        node.reachable(self.now_s)
        await until(lambda: node.node_id is not None and node.node_id in self.home.server.online())

    async def sign_off(self, device: str) -> None:
        self.uplinks[device].signed_off(self.now_s)
        await until(lambda: device not in self.online())

    def online(self) -> set[str]:
        there = self.home.server.online()
        return {device for device, node in self.nodes.items() if node.node_id in there}

    def push(self, device: str, *, round_: int = 1, kind: str = "train", ttl_s: float = 600.0) -> str:
        node_id = self.nodes[device].node_id
        assert node_id is not None
        return self.home.server.push(node_id, kind=kind, ttl_s=ttl_s, config={"server-round": round_})

    async def pull(self, task: str) -> Message:
        found = self.home.server.pull(task)
        assert found is not None
        return found
