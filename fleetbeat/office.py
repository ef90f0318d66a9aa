"""The office of a live run: tells the time, hands in the run, follows what is told, and writes it down."""

import logging
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from aggregator.accounting import Account
from broker import events as ev
from broker.access import SERVER_USER
from broker.narration import Follower
from broker.pace import Pace, tell_clock
from devices.buffer import Buffer
from devices.learning.task import TASKS, initial_arrays
from devices.residents import residents
from devices.settings import Fleet
from fleetbeat.chronicle import Chronicle
from fleetbeat.judge import judge_for
from fleetbeat.live_table import Screen
from fleetbeat.newsroom import Newsroom
from fleetbeat.premises import Premises
from fleetbeat.progress import told
from fleetbeat.rehearsal import machine
from fleetbeat.results import Results
from fleetbeat.run_folder import RunFolder
from fleetbeat.submission import Submission, SuperLinkRefused, submit
from fleetbeat.world import run_config

LOOK_EVERY_WALL_S = 5.0
"""How often Flower is asked how the run stands, in case its ServerApp dies without a word."""
LAST_WORDS_WALL_S = 5.0
PATIENCE_WALL_S = 10.0

_log = logging.getLogger(__name__)


class Office:
    """Everything about a live run that is not a device. All threads it starts end with `close`."""

    def __init__(self, fleet: Fleet, premises: Premises, path: Path, screen: Screen) -> None:
        """Raises RunFolderError if *path* cannot be written, BrokerRefused if the broker does not want us."""
        self._fleet = fleet
        self._premises = premises
        self._screen = screen
        self._judge = judge_for(fleet)
        roads = premises.roads
        self._follower = Follower(roads.broker, roads.credentials, SERVER_USER, fleet.name, self._hear)
        self._follower.connect(PATIENCE_WALL_S)
        self._folder = RunFolder(path)
        here = residents(fleet)
        self._chronicle = Chronicle(fleet, here, initial_arrays(TASKS[fleet.learning.task]), self._folder)
        self._results = Results(self._folder, self._chronicle, self._judge)
        self._newsroom = Newsroom(self._chronicle, self._results, self._folder, self._round_told, self._is_over)
        self._over: Callable[[], None] = lambda: None
        self._closing = threading.Event()
        self._submission: Submission | None = None
        self._clerk: threading.Thread | None = None
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
        here = residents(self._fleet)
        wearers = len({device.wearer for device in here})
        self._hear(ev.RunStarted(0.0, None, self._fleet.name, self._fleet.seed, len(here), wearers))
        tell_clock(self._follower.client, self._fleet.name, pace)

    def submit(self) -> None:
        """Hand in the run, and see to it that its end is noticed; both take time, in a thread of their own."""
        self._clerk = threading.Thread(target=self._see_to_it, name="the run's clerk", daemon=True)
        self._clerk.start()

    def close(self, cause: str, wall_s: float) -> None:
        """Stop the run if it goes on, and write everything down; raises what went wrong meanwhile."""
        self._closing.set()
        if self._clerk is not None:
            self._clerk.join()
        self._follower.close()
        try:
            self._newsroom.close(self.ended_s, cause)
        finally:
            broker = "mosquitto" if self._premises.mosquitto is not None else str(self._premises.roads.broker)
            self._folder.write_json("run.json", machine(broker, 0, wall_s, self.ended_s))
            self._folder.close()

    def _see_to_it(self) -> None:
        try:
            self._submission = submit(self._premises.connection, run_config(self._fleet))
            self._screen.say(f"run {self._submission.run_id} submitted")
            while not self._closing.wait(LOOK_EVERY_WALL_S):
                standing = self._submission.status()
                if standing.finished and not self._closing.wait(LAST_WORDS_WALL_S) and not self._newsroom.server_ended:
                    self._hear(
                        ev.ServerEnded(self._newsroom.latest_s, None, "failed", standing.details or standing.status)
                    )
                    return
            self._submission.stop()
        except SuperLinkRefused as error:
            if not self._closing.is_set():
                self._failed(str(error))

    def _failed(self, reason: str) -> None:
        self._hear(ev.ServerEnded(self._newsroom.latest_s, None, "failed", reason))

    def _hear(self, event: ev.Event) -> None:
        if isinstance(event, ev.ServerEnded):
            self.cause = event.cause
        self._newsroom.hear(event)

    def _round_told(self, event: ev.RoundEnded) -> None:
        self._screen.say(told(self._fleet.start, event, self._chronicle.account))

    def _is_over(self) -> None:
        self._over()
