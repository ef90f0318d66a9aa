"""The office of a live run: tells the time, hands in the run, follows what is told, and writes it down."""

import math
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from aggregator.accounting import Account
from broker import events as ev
from broker.access import SERVER_USER
from broker.errors import BrokerLost, BrokerRefused
from broker.narration import Follower
from broker.pace import Pace, tell_clock
from devices.buffer import Buffer
from devices.learning.models import initial_arrays
from devices.learning.task import TASKS
from devices.residents import residents
from devices.settings import Fleet
from fleetbeat.apps.pair import own_run_config
from fleetbeat.chronicle import Chronicle
from fleetbeat.clerk import Clerk
from fleetbeat.judge import judge_for
from fleetbeat.live_table import Screen
from fleetbeat.newsroom import Newsroom
from fleetbeat.premises import Premises
from fleetbeat.progress import told
from fleetbeat.rehearsal import machine
from fleetbeat.results import Results
from fleetbeat.run_folder import RunFolder
from fleetbeat.submission import Settings

PATIENCE_WALL_S = 10.0


class Office:
    """Everything about a live run that is not a device. All threads it starts end with `close`."""

    def __init__(self, fleet: Fleet, premises: Premises, path: Path, screen: Screen) -> None:
        """Raises BrokerRefused if the broker does not want us, and SuperLinkRefused if there is no SuperLink.

        RunFolderError if *path* cannot be written.
        """
        self._fleet = fleet
        self._premises = premises
        self._screen = screen
        self._judge = judge_for(fleet)
        initial = initial_arrays(TASKS[fleet.learning.task], fleet.learning.model)
        roads = premises.roads
        self._follower = Follower(roads.broker, roads.credentials, SERVER_USER, fleet.name, self._hear)
        self._follower.life = 0.0  # whoever lives before the time is told lives another life
        try:
            self._follower.connect(PATIENCE_WALL_S)
        except BrokerLost as error:  # later it may be away for a while; who never spoke may be no broker at all
            raise BrokerRefused(f"{error}: is that a broker?") from None
        try:
            premises.knock()
        except BaseException:  # Ctrl-C too: nobody else knows of this connection yet
            self._follower.close()
            raise
        self._folder = RunFolder(path)
        self._chronicle = Chronicle(fleet, residents(fleet), initial, self._folder)
        self._results = Results(self._folder, self._chronicle, self._judge)
        self._newsroom = Newsroom(self._chronicle, self._results, self._folder, self._round_told, self._is_over)
        self._over: Callable[[], None] = lambda: None
        self._clerk: Clerk | None = None
        self._silent: set[str] = set()
        self._has_begun = False
        self._heard_out = threading.Event()
        self._server_ended_s = math.inf
        self.cause = "failed"
        """Why the server ended, once it has."""
        self.ended_s = 0.0
        """When life here ended."""

    @property
    def account(self) -> Account:
        """The account as it stood when it was last told."""
        return self._chronicle.account

    @property
    def aggregated(self) -> bool:
        """Whether any round changed the model."""
        return any(line.updates for line in self._chronicle.account.rounds.values())

    def refer(self, buffers: Mapping[str, Buffer]) -> None:
        """Train, on *buffers* that lie in this process, what a federation has to be compared with."""
        self._chronicle.buffers = buffers
        self._results.refer()

    def when_over(self, over: Callable[[], None]) -> None:
        """Have *over* called, in any thread, when the server is done, or nothing can be written any more."""
        self._over = over

    def begin(self, pace: Pace) -> None:
        """Tell the fleet's time."""
        self._has_begun = True
        here = residents(self._fleet)
        wearers = len({device.wearer for device in here})
        self._hear(ev.RunStarted(0.0, None, self._fleet.name, self._fleet.seed, len(here), wearers))
        self._follower.life = pace.t0_unix
        tell_clock(self._follower.client, self._fleet.name, pace)

    def submit(self, said: Settings | None = None) -> None:
        """Hand in the run, and see to it that its end is noticed; both take time, in a thread of their own.

        *said* is what the server is to take in place of its own fleet's ``[learning]``: ``flwr run --run-config``.
        """
        connection, settings = self._premises.connection, own_run_config(self._fleet)
        self._clerk = Clerk(connection, settings, said or {}, self._screen.say, self._run_ended)

    def give_up(self, reason: str) -> None:
        """End the run: what it stands on is gone for good; from any thread."""
        self._run_ended("failed", reason)

    def hear_out(self, patience_s: float) -> int:
        """Wait (blocking) for every device's report after the server's end; return how many have none."""
        self._heard_out.wait(patience_s)
        return len(self._silent)

    def close(self, cause: str, wall_s: float) -> None:
        """Stop the run if it goes on, and write everything down; raises what went wrong meanwhile.

        Of a life that never began nothing is left.
        """
        if not self._has_begun:
            self._follower.close()
            self._newsroom.leave()
            self._folder.discard()
            return
        lived_s = self.ended_s
        try:
            if self._clerk is not None:
                self._clerk.close()
            self._follower.close()
            lived_s = max(self.ended_s, self._newsroom.latest_s)  # devices elsewhere lived on meanwhile
            self._newsroom.close(self.ended_s, cause, lived_s)
        finally:  # whoever presses Ctrl-C while this is under way has the journal, at least
            self._follower.close()
            broker = "mosquitto" if self._premises.mosquitto is not None else str(self._premises.roads.broker)
            self._folder.write_json("run.json", machine(broker, 0, wall_s, lived_s))
            self._folder.close()

    def _run_ended(self, cause: str, reason: str) -> None:
        """The run is over, and its server did not say so."""
        self._note(ev.ServerEnded(self._newsroom.latest_s, None, cause, reason))

    def _hear(self, event: ev.Event) -> None:
        if self._clerk is not None:
            self._clerk.heard(event)
            if isinstance(event, ev.ServerEnded) and event.cause == "stopped":
                return  # if the run is over, the clerk will say so: another server may go on
        self._note(event)

    def _note(self, event: ev.Event) -> None:
        if isinstance(event, ev.ServerEnded):
            self.cause = event.cause
            self._server_ended_s = event.t_s
            self._silent = {device.name for device in residents(self._fleet)}
        self._newsroom.hear(event)
        if isinstance(event, ev.DeviceReported) and event.t_s >= self._server_ended_s:
            self._silent.discard(event.device or "")
            if not self._silent:
                self._heard_out.set()

    def _round_told(self, event: ev.RoundEnded) -> None:
        self._screen.say(told(self._fleet.start, event, self._chronicle.account))

    def _is_over(self) -> None:
        self._over()
