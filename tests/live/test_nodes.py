"""Our nodes at a real SuperLink: they train, leave, fall silent, outlive the server, over TLS and authenticated."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flwr.app import ArrayRecord, Message, MetricRecord, RecordDict

from broker import events as ev
from broker.certificates import new_authority, server_certificate
from broker.pace import Pace
from devices.fleet_api import FleetDoor, FleetNode, Rhythm, client_for
from devices.storage.notes import MemoryNotes, Notes
from fleetbeat.superlink import Certificates, PrivateSuperLink
from tests.live.stock import flwr, lines, submit, tiny_app

pytestmark = pytest.mark.live

BEAT_S = 10.0
"""The shortest that a SuperLink allows: who is silent is given up after two."""


async def until(claim: Callable[[], bool], within_s: float, what: str) -> None:
    """Return once *claim* holds; fail if that takes too long."""
    try:
        async with asyncio.timeout(within_s):
            while not claim():
                await asyncio.sleep(0.05)
    except TimeoutError:
        pytest.fail(f"not within {within_s:g} s: {what}")


@dataclass
class Device:
    """Trains whatever comes, at once, unless a test wants it otherwise; a second of life is one of the wall."""

    name: str
    node: FleetNode
    pace: Pace
    trains: bool = True
    after_delivery: Callable[["Device"], None] = lambda _device: None
    taken: list[Message] = field(default_factory=list)
    delivered: list[tuple[int, bool]] = field(default_factory=list)

    @property
    def now_s(self) -> float:
        return self.pace.life_s(time.time())  # noqa: TID251  # the SuperLink's clock is the wall's

    async def live(self) -> None:
        bell = asyncio.Event()
        self.node.on_task(bell.set)
        self.node.reachable(self.now_s)
        while True:
            await bell.wait()
            bell.clear()
            while self.trains and (task := self.node.fetch(self.now_s)) is not None:
                self.taken.append(task)
                accepted = await self.node.deliver(self.now_s, fit(task))
                self.delivered.append((self.node.label(task)[0], accepted))
                self.after_delivery(self)


def fit(task: Message) -> Message:
    (array,) = task.content.array_records["arrays"].to_numpy_ndarrays()
    content = RecordDict(
        {"arrays": ArrayRecord([array + 1.0]), "metrics": MetricRecord({"num-examples": 10, "loss": 0.5})}
    )
    return Message(content, reply_to=task)


@dataclass
class Fleet:
    """Devices of this process, and the server they go to."""

    superlink: PrivateSuperLink
    folder: Path
    door: FleetDoor
    diary: list[ev.Event] = field(default_factory=list)
    pace: Pace = field(default_factory=lambda: Pace(time.time(), 1.0))  # noqa: TID251  # as the SuperLink's
    devices: list[Device] = field(default_factory=list)
    _lives: list["asyncio.Task[None]"] = field(default_factory=list)

    def device(self, notes: Notes | None = None) -> Device:
        name = f"device-{len(self.devices) + 1}"
        rhythm = Rhythm(poll_s=1.0, beat_s=BEAT_S)
        node = FleetNode(self.door, name, notes or MemoryNotes(), self.pace, rhythm, self.diary.append)
        device = Device(name, node, self.pace)
        self.devices.append(device)
        return device

    def live(self, *devices: Device) -> None:
        self._lives += [asyncio.create_task(device.live()) for device in devices]

    async def run(self, out: str = "run", **config: Any) -> Callable[[], list[dict[str, Any]]]:
        """Hand the app in; return a look at what its ServerApp wrote."""
        app, path = self.folder / "app", self.folder / f"{out}.jsonl"
        if not app.exists():
            tiny_app(app)
        await asyncio.to_thread(submit, self.superlink, app, path, **config)
        return lambda: lines(path)

    async def end(self) -> None:
        for life in self._lives:
            life.cancel()
        await asyncio.gather(*self._lives, return_exceptions=True)
        self.door.close(patience_s=5.0)


def environment() -> dict[str, str]:
    return os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


Founded = Callable[..., Awaitable[Fleet]]


@pytest.fixture
async def found(tmp_path: Path) -> AsyncIterator[Founded]:
    """Return a function that starts a SuperLink and a door to it; both end with the test."""
    fleets: list[Fleet] = []

    async def start(certificates: Certificates | None = None, **options: Any) -> Fleet:
        superlink = await asyncio.to_thread(
            PrivateSuperLink, tmp_path / "superlink", environment(), certificates, **options
        )
        scheme = "https" if certificates else "http"
        door = FleetDoor(client_for(f"{scheme}://{superlink.address}", superlink.authority))
        fleets.append(Fleet(superlink, tmp_path, door))
        return fleets[-1]

    yield start
    for fleet in fleets:
        await fleet.end()
        await asyncio.to_thread(fleet.superlink.kill)


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    authority = new_authority("a test", 1)
    pair = server_certificate(authority, ("127.0.0.1", "localhost"), 1)
    files = Certificates(tmp_path / "ca.crt", tmp_path / "superlink.crt", tmp_path / "superlink.key")
    files.authority.write_bytes(authority.certificate)
    files.certificate.write_bytes(pair.certificate)
    files.key.write_bytes(pair.key)
    return files


async def test_twenty_nodes_deliver_three_rounds(found: Founded) -> None:
    fleet = await found()
    fleet.live(*(fleet.device() for _ in range(20)))

    seen = await fleet.run(rounds=3, nodes=20)
    await until(lambda: len(seen()) == 4, 60.0, f"three rounds; so far {seen()}")

    *rounds, end = seen()
    assert [(line["round"], len(line["updates"]), line["errors"]) for line in rounds] == [
        (1, 20, []), (2, 20, []), (3, 20, [])
    ]  # fmt: skip
    assert end["model"] == [pytest.approx([3.0] * 7)]
    assert all(device.delivered == [(1, True), (2, True), (3, True)] for device in fleet.devices)
    assert fleet.diary == []
    run_id = fleet.devices[0].taken[0].metadata.run_id
    assert fleet.door.run_overrides(run_id)["nodes"] == 20


async def test_a_node_that_signs_off_right_after_delivering_loses_nothing(found: Founded) -> None:
    fleet = await found()
    leaver, stayer = fleet.device(), fleet.device()

    def leave(device: Device) -> None:
        device.node.signed_off(device.now_s)

    leaver.after_delivery = leave
    fleet.live(leaver, stayer)

    seen = await fleet.run(rounds=1, nodes=2)
    await until(lambda: len(seen()) == 2, 60.0, f"a round; so far {seen()}")

    (first, _) = seen()
    assert set(first["updates"]) == {device.node.node_id for device in fleet.devices}
    assert first["errors"] == []


async def test_a_node_that_falls_silent_with_a_task_becomes_error_5(found: Founded) -> None:
    fleet = await found()
    mute, other = fleet.device(), fleet.device()
    mute.trains = False
    fleet.live(mute, other)

    seen = await fleet.run(rounds=1, nodes=2, timeout=120.0)
    await until(lambda: mute.node.waiting(mute.now_s), 60.0, "a task")
    mute.node.silent(mute.now_s)
    await until(lambda: len(seen()) == 2, 60.0, f"the end of the round; so far {seen()}")

    (first, _) = seen()
    assert [code for code, _reason in first["errors"]] == [5]
    assert first["updates"] == [other.node.node_id]
    assert 2 * BEAT_S - 5.0 < first["ended"] - first["began"] < 2 * BEAT_S + 10.0
    task = mute.node.fetch(mute.now_s)
    assert task is not None
    mute.node.reachable(mute.now_s)
    assert not await mute.node.deliver(mute.now_s, fit(task)), "the server gave it up"


async def test_a_superlink_without_a_database_starts_again_and_the_nodes_enrol_again(
    found: Founded, caplog: pytest.LogCaptureFixture
) -> None:
    fleet = await found()
    fleet.live(*(fleet.device() for _ in range(3)))
    seen = await fleet.run(rounds=2, nodes=3, pause=60.0)
    await until(lambda: len(seen()) == 1, 60.0, "the first round")
    before = {device.node.node_id for device in fleet.devices}

    await asyncio.to_thread(fleet.superlink.kill)
    await until(lambda: len(fleet.diary) == 3, 30.0, f"that the loss is noticed; so far {fleet.diary}")
    await asyncio.to_thread(fleet.superlink.start_again)
    again = await fleet.run("again", rounds=2, nodes=3)
    await until(lambda: len(again()) == 3, 60.0, f"a second run; so far {again()}")

    after = {device.node.node_id for device in fleet.devices}
    assert not before & after
    assert [len(line["updates"]) for line in again()[:-1]] == [3, 3]
    assert sorted(type(event).__name__ for event in fleet.diary) == ["ServerFound"] * 3 + ["ServerLost"] * 3
    told = [record.getMessage() for record in caplog.records if record.name.startswith("devices.fleet_api")]
    assert len(told) == 3, told


async def test_a_superlink_with_a_database_starts_again_and_knows_its_nodes(found: Founded, tmp_path: Path) -> None:
    fleet = await found(database=tmp_path / "state.db")
    fleet.live(*(fleet.device() for _ in range(3)))
    seen = await fleet.run(rounds=1, nodes=3)
    await until(lambda: len(seen()) == 2, 60.0, "a run")
    before = {device.node.node_id for device in fleet.devices}

    await asyncio.to_thread(fleet.superlink.kill)
    await asyncio.to_thread(fleet.superlink.start_again)
    again = await fleet.run("again", rounds=1, nodes=3)
    await until(lambda: len(again()) == 2, 60.0, f"a second run; so far {again()}")

    assert set(again()[0]["updates"]) == before


async def test_a_superlink_that_dies_within_a_round_leaves_no_node_behind(found: Founded) -> None:
    fleet = await found()
    slow, other = fleet.device(), fleet.device()
    slow.trains = False
    fleet.live(slow, other)
    await fleet.run(rounds=1, nodes=2)
    await until(lambda: slow.node.waiting(slow.now_s), 60.0, "a task")
    task = slow.node.fetch(slow.now_s)
    assert task is not None

    await asyncio.to_thread(fleet.superlink.kill)
    delivering = asyncio.create_task(slow.node.deliver(slow.now_s, fit(task)))
    await until(lambda: bool(fleet.diary), 30.0, "that the loss is noticed")
    assert not delivering.done()
    await asyncio.to_thread(fleet.superlink.start_again)

    assert not await asyncio.wait_for(delivering, 30.0), "nobody knows that task any more"
    slow.trains = True
    again = await fleet.run("again", rounds=1, nodes=2)
    await until(lambda: len(again()) == 2, 60.0, f"a second run; so far {again()}")
    assert len(again()[0]["updates"]) == 2


async def test_over_tls_with_a_ca_of_ones_own(found: Founded, certificates: Certificates) -> None:
    fleet = await found(certificates)
    fleet.live(*(fleet.device() for _ in range(3)))

    seen = await fleet.run(rounds=1, nodes=3)
    await until(lambda: len(seen()) == 2, 60.0, f"a round; so far {seen()}")

    assert len(seen()[0]["updates"]) == 3


async def test_a_superlink_that_a_foreign_ca_vouches_for_is_not_spoken_to(
    found: Founded, certificates: Certificates, tmp_path: Path
) -> None:
    fleet = await found(certificates)
    foreign = tmp_path / "foreign.crt"
    foreign.write_bytes(new_authority("somebody else", 1).certificate)
    fleet.door.close()
    fleet.door = FleetDoor(client_for(f"https://{fleet.superlink.address}", foreign))

    fleet.live(fleet.device())
    await until(lambda: bool(fleet.diary), 30.0, "that it is lost")

    (lost,) = fleet.diary
    assert isinstance(lost, ev.ServerLost)
    assert "certificate verify failed" in lost.reason


async def test_nodes_that_were_registered_by_hand_are_authenticated(found: Founded, certificates: Certificates) -> None:
    fleet = await found(certificates, node_authentication=True)
    devices = [fleet.device() for _ in range(2)]
    for device in devices:
        key = fleet.folder / f"{device.name}.pub"
        key.write_text(device.node.openssh_key, encoding="utf-8")
        home = fleet.folder / "flwr-home"
        await asyncio.to_thread(flwr, fleet.superlink, home, "supernode", "register", str(key), "live")

    fleet.live(*devices)
    seen = await fleet.run(rounds=1, nodes=2)
    await until(lambda: len(seen()) == 2, 60.0, f"a round; so far {seen()}")

    assert len(seen()[0]["updates"]) == 2
