"""A house: the devices of one process of a live fleet, and their ways out: to their broker, and to the SuperLink."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from flwr.app import Message

from broker import events as ev
from broker.address import Address
from broker.credentials import Credentials
from broker.mqtt import MqttWire
from broker.pace import Pace
from devices.anatomy import Look
from devices.buffer import Buffer
from devices.fleet_api.door import FleetDoor, client_for
from devices.fleet_api.node import FleetNode
from devices.fleet_api.rhythm import Rhythm
from devices.host import Host
from devices.learning.client_app import app as client_app
from devices.lifelog import told
from devices.residents import Device
from devices.script import Obeyed
from devices.seals import WearersSeals
from devices.settings import Fleet
from devices.storage.store import SqliteStore
from devices.surroundings import Surroundings
from devices.uplink import Fit
from fleetbeat.apps.pair import own_run_config
from fleetbeat.plan import DAY_S
from fleetbeat.workers import Crew, Job, RunConfig

HUB_RETRY_WALL_S = 2.0
"""A broker that is gone is looked for again so often."""
REPORT_EVERY_S = 3_600.0
"""Every device tells its counters once an hour of life, and at the end."""
BROKER_PATIENCE_S = 10.0
GOODBYES_WALL_S = 5.0
"""So long the SuperLink is given to hear that the nodes of a house leave."""


@dataclass(frozen=True, kw_only=True)
class Roads:
    """Where a house finds the broker and the SuperLink; *wearers* are the keys of the seals, None: no seals."""

    broker: Address
    credentials: Credentials
    superlink: str
    superlink_ca: Path | None
    wearers: Mapping[str, bytes] | None


class _Apps:
    """Runs the ClientApp in this process, once per run and node, with what the run's user overrode."""

    def __init__(
        self, fleet: Fleet, door: FleetDoor, nodes: Mapping[str, FleetNode], buffer_of: Callable[[str], Buffer]
    ) -> None:
        self._usual: RunConfig = own_run_config(fleet)
        self._door = door
        self._nodes = nodes
        self._buffer_of = buffer_of
        self._crews: dict[int, Crew] = {}

    def begin(self, device: str, message: Message) -> Fit:
        """Start the app on *message*, and be done with it: a fit takes milliseconds."""
        run_id = message.metadata.run_id
        crew = self._crews.get(run_id)
        if crew is None:
            settings = {**self._usual, **self._door.run_overrides(run_id)}
            crew = self._crews[run_id] = Crew(run_id, settings, client_app)
        node_id = self._nodes[device].node_id
        assert node_id is not None  # it fetched a task
        config = {"buffer": self._buffer_of(device).reference}
        done = Fit()
        done.set_result(crew.answer(Job(node_id, config, message, ())).message)
        return done


class House:
    """To be made, and to live, on the loop whose time is life's (`fleetbeat.live_clock`)."""

    def __init__(
        self, fleet: Fleet, here: Sequence[Device], roads: Roads, pace: Pace, folder: Path, record: ev.Record
    ) -> None:
        """*here* lives in this house, and keeps what must last in *folder*; *record* hears everything."""
        self._fleet = fleet
        self._record = record
        learning = fleet.learning
        self._store = SqliteStore(folder, repr(pace.t0_unix))
        notes = {device.name: self._store.notes(device.name) for device in here}
        anew = self._store.forgot  # what the broker still keeps is of another life too
        self._wire = MqttWire(roads.broker, roads.credentials, BROKER_PATIENCE_S, endures=True, anew=anew)
        self._door = FleetDoor(client_for(roads.superlink, roads.superlink_ca))
        rhythm = Rhythm.at_speed(pace.speed, poll_s=learning.poll_s, heartbeat_s=learning.heartbeat_s)
        self._nodes = {
            device.name: FleetNode(self._door, device.name, notes[device.name], pace, rhythm, record)
            for device in here
            if device.kind.trains
        }
        around = Surroundings(
            wire=self._wire,
            uplink_of=self._nodes.__getitem__,
            app=_Apps(fleet, self._door, self._nodes, lambda device: self._host.buffers[device]),
            store=self._store,
            record=record,
            lived=lambda line: record(told(line)),
            seals=WearersSeals(roads.wearers, fleet.name, self._store) if roads.wearers is not None else None,
            hub_retry_s=HUB_RETRY_WALL_S * pace.speed,
        )
        self._host = Host(fleet, here, around)

    @property
    def buffers(self) -> Mapping[str, Buffer]:
        """The buffers of the training devices."""
        return self._host.buffers

    def looks(self) -> list[Look]:
        """Return how every device stands."""
        return self._host.looks()

    def order(self, device: str, do: str, obeyed: Obeyed) -> None:
        """Have a word of a fleet file's ``[[event]]`` happen to *device* now; *obeyed* hears what it changed."""
        self._host.agents[device].order(do, obeyed)

    async def switch_off(self, patience_s: float) -> None:
        """Have every device switched off in order: the server and the broker know at once, work is interrupted.

        One that is not off after *patience_s* of life is given up.
        """
        loop = asyncio.get_running_loop()
        until_s = loop.time() + patience_s
        agents = list(self._host.agents.values())
        for agent in agents:
            agent.order("switch_off")
        while loop.time() < until_s and any(agent.on or agent.near.connected for agent in agents):  # noqa: ASYNC110  # who goes off rings nobody
            await asyncio.sleep(patience_s / 100)
        await asyncio.sleep(patience_s / 100)  # and signs off last

    async def live(self) -> None:
        """Let everybody live until the fleet's days are over, or until this is cancelled."""
        reporter = asyncio.create_task(self._report_hourly(), name="the reporter")
        try:
            await self._host.live(self._fleet.days * DAY_S)
        finally:
            reporter.cancel()

    async def end(self) -> None:
        """End every life here in order, and tell the last of it."""
        await self._host.finish(asyncio.get_running_loop().time())
        self.report()
        await self._wire.close()
        for node in self._nodes.values():
            node.signed_off(asyncio.get_running_loop().time())
        await asyncio.to_thread(self._door.close, GOODBYES_WALL_S)

    def close(self) -> None:
        """Close the files of the devices."""
        self._store.close()

    def report(self) -> None:
        """Tell every device's counters, and its life so far."""
        now_s = asyncio.get_running_loop().time()
        for agent in self._host.agents.values():
            agent.cut_log(now_s)
        for device, report in self._host.reports().items():
            self._record(ev.DeviceReported(now_s, device, report.numbers()))

    async def _report_hourly(self) -> None:
        while True:
            await asyncio.sleep(REPORT_EVERY_S)
            self.report()
