"""The world: a fleet, its broker and a Flower server, alive together in virtual time."""

import asyncio
import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass

from aggregator.accounting import Account, Glance
from aggregator.course import Course
from aggregator.grid import FleetGrid
from aggregator.hosting import serve
from aggregator.selection import Selection
from aggregator.server_app import Witness
from aggregator.superlink import SuperLink
from aggregator.turns import Turns
from aggregator.uplink import NodeUplink
from broker import events as ev
from broker import topics
from broker.access import SERVER_USER
from broker.errors import AccountBroken, BrokerRefused, RunEnded
from broker.link import Wire
from broker.messages import unix_start
from broker.seal import KEY_BYTES, wearer_key
from devices.annals import Annals
from devices.buffer import Buffer
from devices.figures import Report
from devices.foresight import blind
from devices.host import Host
from devices.lifelog import Lived
from devices.residents import Device
from devices.seals import WearersSeals
from devices.settings import Fleet
from devices.storage.store import MemoryStore
from devices.surroundings import Surroundings
from fleetbeat.ahead import Ahead
from fleetbeat.apps.pair import pair_for
from fleetbeat.clock import PATIENCE_S, VirtualLoop, interruptible, run_virtual, undisturbed
from fleetbeat.collector import here_to_stay
from fleetbeat.judge import Judge
from fleetbeat.plan import DAY_S, SERVER_POLL_S, habits_of, timetable_of
from fleetbeat.workers import Workers

GUEST_PATIENCE_S = 3_600.0
"""Wall seconds that an app of somebody's own may think at a stretch: it may fetch data first, or train for long."""


@dataclass(frozen=True)
class Onlookers:
    """Who is told while the world goes on."""

    record: ev.Record
    round_ended: Callable[[ev.RoundEnded], None]
    moment: Callable[[float], None]


class World:
    """One run. After `run`, *course*, *account* and *host* tell what came of it, however it ended."""

    clock = "virtual"

    def __init__(
        self,
        fleet: Fleet,
        residents: Sequence[Device],
        wire: Wire,
        workers: int,
        judge: Judge | None,
        onlookers: Onlookers,
        annals: Annals | None = None,
    ) -> None:
        self.fleet = fleet
        self.residents = residents
        self._wire = wire
        self._onlookers = onlookers
        self.now_s = 0.0
        self._ended = False
        self._under_way: Sequence[asyncio.Future[None]] = ()
        self.account = Account(self._glance)
        learning = fleet.learning
        self._pair = pair_for(fleet, judge)
        self.course: Course = self._pair.course()
        self.superlink = SuperLink(fleet.seed, unix_start(fleet.start), learning.heartbeat_s)
        trainers = [resident.name for resident in residents if resident.kind.trains]
        self._uplinks = {name: NodeUplink(self.superlink, name) for name in trainers}
        nodes = {
            name: (
                uplink.node_id,
                {"buffer": f"memory:{fleet.name}/{name}", **self._pair.node_config(place, len(trainers))},
            )
            for place, (name, uplink) in enumerate(self._uplinks.items())
        }
        self._workers = Workers(
            workers, self.superlink.run_id, self._pair.run_config, nodes, self._pair.client, self.superlink.t0_unix
        )
        self._ahead = Ahead(fleet, residents, self._workers.processes) if workers and annals is None else None
        self._lived: list[Lived] = []
        store = MemoryStore(fleet.name)
        around = Surroundings(
            wire=wire,
            uplink_of=self._uplinks.__getitem__,
            app=self._workers,
            store=store,
            record=self.record,
            lived=self._lived.append,
            seals=WearersSeals(new_keys(residents), fleet.name, store) if fleet.wire.seal else None,
            annals=annals,
            foresight=self._ahead or blind,
        )
        try:
            self.host = Host(fleet, residents, around)
        except BaseException:
            self._workers.close()  # nobody else will
            raise

    @property
    def buffers(self) -> Mapping[str, Buffer]:
        """The buffers of the training devices."""
        return self.host.buffers

    def reports(self) -> Mapping[str, Report]:
        """Return every device's figures as they stand."""
        return self.host.reports_at(self.now_s)

    @property
    def lived(self) -> Sequence[Lived]:
        """What everybody has lived: the intervals that ended, and those that go on as far as they have come."""
        return [*self._lived, *self.host.open_intervals(self.now_s)]

    def record(self, event: ev.Event) -> None:
        """Take note of everything that happens: the account first, then who looks on."""
        self.account.record(event)
        self._onlookers.record(event)
        if isinstance(event, ev.RoundEnded):
            self.account.check(ended=False)
            self.now_s = event.t_s
            self._onlookers.round_ended(event)

    def run(self) -> str:
        """Live; return why it ended: rounds_done, days_over, too_few_devices, failed or stopped (Ctrl-C).

        Raises KeyboardInterrupt at a second Ctrl-C: the account is closed then, lives are left as they are.
        """
        try:
            with here_to_stay(), redirect_stdout(sys.stderr):  # what an app prints is no result of ours
                return run_virtual(self._live(), PATIENCE_S if self.fleet.app is None else GUEST_PATIENCE_S)
        except KeyboardInterrupt:
            for future in self._under_way:
                if future.done() and not future.cancelled():
                    future.exception()  # looked at: asyncio prints a traceback of what nobody has seen
            self._end_account("stopped")
            raise
        finally:
            self._workers.close()
            if self._ahead is not None:
                self._ahead.forget()

    async def _live(self) -> str:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        wearers = len({resident.wearer for resident in self.residents})
        self.record(ev.RunStarted(0.0, None, self.fleet.name, self.fleet.seed, len(self.residents), wearers))
        selection = Selection(self._wire.link(SERVER_USER), self.fleet.name)
        await selection.open()
        turns = Turns(loop, loop.hold, "the server")
        lives = asyncio.create_task(self.host.live(self.fleet.days * DAY_S), name="the fleet")
        server = self._server(turns, loop, selection)
        self._under_way = (lives, server)
        ticker = asyncio.create_task(self._tick(), name="the clock on the wall")
        cause = "failed"
        with interruptible(loop) as stop:
            try:
                await asyncio.wait({lives, server, stop}, return_when=asyncio.FIRST_COMPLETED)
                cause = "stopped" if stop.done() else self.course.cause or "days_over"
            finally:
                self.now_s = loop.time()
                ticker.cancel()
                turns.end(RunEnded(f"the run is over: {cause}"))
            self._raise_what_failed(lives, server)
            lives.cancel()
            await asyncio.wait({lives})
            await self._finish(cause)
            await selection.close()
            await self._wire.close()
        return cause

    @staticmethod
    def _raise_what_failed(*under_way: "asyncio.Future[None]") -> None:
        """Raise the error that ended a life or the server, if one did."""
        ended = [future.exception() for future in under_way if future.done() and not future.cancelled()]
        for error in ended:
            if error is not None and not isinstance(error, RunEnded):
                raise error

    def _server(self, turns: Turns, loop: VirtualLoop, selection: Selection) -> "asyncio.Future[None]":
        fleet, pair = self.fleet, self._pair
        habits = habits_of(fleet, 0.0 if fleet.ideal else SERVER_POLL_S)
        grid = FleetGrid(turns, self.superlink, selection, timetable_of(fleet), habits, self.record)
        witness = Witness(
            record=self.record,
            now_s=loop.time,
            round_closed=grid.round_closed,
            device_of={node_id: node.device for node_id, node in self.superlink.nodes.items()},
        )
        app = pair.server(len(self._uplinks), self.course, witness)
        return serve(app, grid, turns, dict(pair.run_config))

    async def _tick(self) -> None:
        """Show the time, once an hour of life; once a day the next is looked at."""
        while True:
            now_s = asyncio.get_running_loop().time()
            self._onlookers.moment(now_s)
            if self._ahead is not None:
                self._ahead.moment(now_s)
            await asyncio.sleep(3_600)

    async def _finish(self, cause: str) -> None:
        """End all lives; afterwards every sum must close."""
        if self._wire.denied:
            raise BrokerRefused(
                f"the broker denied {self._wire.denied} messages of the fleet's own devices: its ACL must let each "
                f"device write {topics.ROOT}/{self.fleet.name}/<device>/# and read its wearer's biometrics"
            )
        await self.host.finish(self.now_s)
        self._end_account(cause)
        self.account.check(ended=True)
        for name, report in self.host.reports().items():
            if report.training_j + report.radio_j + report.sensing_j > report.life_j * (1 + 1e-9) + 1e-6:
                raise AccountBroken(f"{name}: its parts draw more energy than its life")

    def _end_account(self, cause: str) -> None:
        """Close the account, and say as the journal's last word why; does nothing the second time."""
        with undisturbed():
            if not self._ended:
                self._ended = True
                self.account.close(self.now_s)
                self.record(ev.RunFinished(self.now_s, None, cause))

    def _glance(self, device: str) -> Glance:
        agent = self.host.agents[device]
        return Glance(round(agent.battery, 4), agent.far_link)


def new_keys(residents: Sequence[Device]) -> dict[str, bytes]:
    """Return a new key for each wearer, of a secret that ends with this process: wearer → key."""
    secret = secrets.token_bytes(KEY_BYTES)
    return {resident.wearer: wearer_key(secret, resident.wearer) for resident in residents}
