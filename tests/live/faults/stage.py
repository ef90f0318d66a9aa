"""The stage: a small fast fleet with a broker, a SuperLink and an office of its own; its devices in processes."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aggregator.accounting import Account
from broker import events as ev
from broker.pace import Pace
from devices.fleet_file import Overrides, freeze, load_fleet
from devices.residents import residents
from devices.settings import Fleet
from devices.storage.buffer import SqliteBuffer
from devices.storage.database import Database
from fleetbeat.brokers import BrokerChoice
from fleetbeat.keeper import kept
from fleetbeat.live_table import Screen
from fleetbeat.office import Office
from fleetbeat.own_broker import HOUSE
from fleetbeat.premises import Premises, Wishes, opened
from tests.live.faults.household import Plan
from tests.live.faults.wires import Wire

ROOT = Path(__file__).parents[3]
SPEED = 1_440.0
"""Two hours of life in five seconds."""

PHONES = """
schema = 1
name = "faulty"
seed = 7
start = 2026-01-05T18:00:00
days = 60
[learning]
task = "night-quality"
rounds = 3
fraction_evaluate = 0
min_train_devices = 2
first_round_s = 14400
round_every_s = 14400
round_deadline_s = 43200
history_nights = 8
work = { gflop = 9100, mb_down = 1, mb_up = 1 }
[[group]]
kind = "phone"
with = ["band"]
count = 2
wearers = { network_spread = 0.0 }
"""
"""Two people, each with a phone that trains (3 s of the wall for a fit) and a band that streams to it."""
STEADY = {
    "phone": ("plug", "put_down", "far_link_on"),
    "band": ("plug", "put_on", "near_link_on"),
}
"""Nobody's life gets in the way of a fault: all is charged, worn, and in reach."""


def until(claim: Callable[[], bool], within_s: float, what: Callable[[], object]) -> None:
    """Return once *claim* holds; fail, saying what it is about, if that takes too long."""
    end_s = time.monotonic() + within_s
    while not claim():
        assert time.monotonic() < end_s, f"not within {within_s:g} s: {what()}"
        time.sleep(0.05)  # noqa: TID251  # real programs take real time


def pause(seconds: float) -> None:
    """Let real programs live for so long."""
    time.sleep(seconds)  # noqa: TID251  # real programs take real time


class Lines(Screen):
    """A screen of which a test reads the lines."""

    def __init__(self) -> None:
        super().__init__(quiet=True)
        self.lines: list[str] = []

    def say(self, words: str) -> None:
        self.lines.append(words)


class Household:
    """One process with devices in it."""

    def __init__(self, plan: Plan, folder: Path, name: str) -> None:
        self._plan_file = folder / f"{name}.json"
        self._plan_file.touch(0o600)
        self._plan_file.write_text(json.dumps(plan.__dict__), encoding="utf-8")
        self.plan = plan
        self.log = folder / f"{name}.log"
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start the process, again if it was killed, and wait until its devices live."""
        command = [sys.executable, "-m", "tests.live.faults.household", str(self._plan_file)]
        environment = os.environ | {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, env=environment, cwd=ROOT
            )
        self._read()

    def kill(self) -> None:
        """End it by SIGKILL: it says nothing to anybody."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._bury()

    def end(self) -> None:
        """End it in order, if it runs."""
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            try:
                self._process.wait(40.0)
            except subprocess.TimeoutExpired:
                self._process.kill()
                raise
            finally:
                self._bury()

    def order(self, words: str) -> dict[str, Any]:
        """Have it do something."""
        assert self._process is not None
        assert self._process.stdin is not None
        print(words, file=self._process.stdin, flush=True)
        return self._read()

    def books(self) -> dict[str, dict[str, Any]]:
        """Return the counters of its devices as they stand."""
        return self.order("report")

    def said(self) -> list[str]:
        """Return what it said for itself so far."""
        return self.log.read_text(encoding="utf-8").splitlines()

    def _read(self) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the household is dead: {self.log.read_text(encoding='utf-8')[-3000:]}"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _bury(self) -> None:
        process, self._process = self._process, None
        assert process is not None
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


@dataclass
class Stage:
    """All that is there, and what was told of it."""

    fleet: Fleet
    folder: Path
    premises: Premises
    office: Office
    pace: Pace
    screen: Lines
    stack: ExitStack
    diary: list[ev.Event] = field(default_factory=list)
    households: list[Household] = field(default_factory=list)

    @property
    def now_s(self) -> float:
        return self.pace.life_s(time.time())  # noqa: TID251  # the wall is where life meets us

    def household(self, *devices: str, broker: Wire | None = None, superlink: Wire | None = None) -> Household:
        """Start a process in which *devices* live, or everybody, by way of our wires if given."""
        roads, name = self.premises.roads, f"household-{len(self.households) + 1}"
        names = devices or tuple(device.name for device in residents(self.fleet))
        logins = [roads.credentials.of(user) for user in (*names, HOUSE)]
        assert roads.wearers is not None
        assert self.premises.mosquitto is not None
        plan = Plan(
            fleet=str(self.folder / "fleet.toml"),
            devices=list(names),
            folder=str(self.folder / name),
            broker=_by_way_of(str(roads.broker), broker),
            broker_ca=str(self.premises.mosquitto.ca_file),
            passwords={login[0]: login[1] for login in logins if login is not None},
            superlink=_by_way_of(roads.superlink, superlink),
            superlink_ca=str(roads.superlink_ca),
            wearers={wearer: key.hex() for wearer, key in roads.wearers.items()},
            t0_unix=self.pace.t0_unix,
            speed=self.pace.speed,
        )
        household = Household(plan, self.folder, name)
        self.stack.callback(household.end)
        self.households.append(household)
        household.start()
        return household

    def wire(self, address: str) -> Wire:
        """Return a wire of ours to *address*."""
        wire = Wire(int(address.rpartition(":")[2]))
        self.stack.callback(wire.close)
        return wire

    def of(self, kind: type[ev.Event], device: str | None = None) -> list[Any]:
        """Return what was told of that kind, in the order in which it was heard."""
        return [event for event in list(self.diary) if type(event) is kind and device in (None, event.device)]

    def await_event(self, kind: type[ev.Event], within_s: float, device: str | None = None, **figures: object) -> Any:
        """Return the first event of a kind with these figures, as soon as it was told."""

        def found() -> list[Any]:
            return [e for e in self.of(kind, device) if all(getattr(e, name) == v for name, v in figures.items())]

        until(lambda: bool(found()), within_s, lambda: (kind, device, figures, self.diary[-3:]))
        return found()[0]

    def await_calm(self, household: Household, within_s: float = 20.0) -> dict[str, dict[str, Any]]:
        """Let nobody sense any more, and return the books once everything has arrived."""
        for device in household.plan.devices:
            if device.startswith("band"):
                for _ in range(2):  # once would let habits go on
                    household.order(f"{device} take_off")
        books: list[dict[str, dict[str, Any]]] = []

        def calm() -> bool:
            books.append(household.books())
            return all(not book["waiting_readings"] and not _in_flight(book) for book in books[-1].values())

        until(calm, within_s, lambda: ("everything arrives", books[-1]))
        return books[-1]

    def close(self) -> Account:
        """End everything in order and return the account, which closes or raises."""
        for household in self.households:
            household.end()
        self.office.ended_s = self.now_s
        self.office.close(self.office.cause, 1.0)
        return self.office.account

    def outcomes(self, phase: str = "train") -> dict[tuple[int, str], list[tuple[str, str]]]:
        """Return round and device → outcomes and reasons, in the order in which it was chosen."""
        found: dict[tuple[int, str], list[tuple[str, str]]] = {}
        for trail in self.office.account.trails():
            if trail.phase == phase:
                found.setdefault((trail.round, trail.device), []).append((trail.outcome, trail.reason))
        return found

    def in_time(self, round_: int) -> bool:
        """Whether a round ended by its deadline (after which closing it takes the server a moment)."""
        return self.length_s(round_) <= self.fleet.learning.round_deadline_s + 2 * self.pace.speed

    def length_s(self, round_: int) -> float:
        """Return how long after its (first) selection a round had ended, in seconds of life."""
        (start, *_), (end, *_) = (
            [event.t_s for event in self.of(kind) if event.round == round_]
            for kind in (ev.SelectionMade, ev.RoundEnded)
        )
        return float(end - start)


def check_files(household: Household, books: dict[str, dict[str, Any]]) -> None:
    """Open what a household left: nothing that was counted is missing in a buffer, and nothing lies there twice."""
    for path in Path(household.plan.folder).glob("phone-*.sqlite"):
        database = Database(path)
        try:
            assert database.read("PRAGMA integrity_check") == [("ok",)]
            counts = SqliteBuffer(database).counts()
            bands = [row[0] for row in database.read("SELECT name FROM source")]
            taken = sum(row[0] for row in database.read("SELECT readings FROM source"))
            assert taken == counts.readings + counts.evicted == sum(books[band]["readings_buffered"] for band in bands)
            for channel in ("heart_rate", "movement", "rmssd"):
                times, _ = SqliteBuffer(database).window(channel, 0.0, 1e12)
                assert len(set(times.tolist())) == len(times) > 0
        finally:
            database.close()


def _in_flight(book: dict[str, Any]) -> int:
    flight: int = book["readings_sensed"] - book["readings_buffered"] - book["readings_dropped"]
    return flight


def _by_way_of(address: str, wire: Wire | None) -> str:
    return address if wire is None else f"{address.rpartition(':')[0]}:{wire.port}"


def steady(text: str, people: int) -> str:
    """Return a fleet file in which nothing happens to anybody."""
    lines = [text]
    for kind, words in STEADY.items():
        for number in range(1, people + 1):
            lines += [f'[[event]]\nat_s = 0\ndevice = "{kind}-{number}"\ndo = "{do}"' for do in words]
    return "\n".join(lines)


@contextmanager
def staged(folder: Path, *sets: str, speed: float = SPEED, keeps: bool = True) -> Iterator[Stage]:
    """Set the stage: broker and SuperLink run, life has begun; nobody lives yet and nothing is handed in."""
    file = folder / "phones.toml"
    file.write_text(steady(PHONES, 2), encoding="utf-8")
    fleet = load_fleet(str(file), Overrides(sets=tuple(f"learning.{line}" for line in sets)))
    (folder / "fleet.toml").write_text(freeze(fleet), encoding="utf-8")
    secret = folder / "secret"
    secret.mkdir()
    screen = Lines()
    with ExitStack() as stack:
        premises = stack.enter_context(
            opened(fleet, residents(fleet), Wishes(broker=BrokerChoice("mosquitto")), secret)
        )
        if keeps:
            stack.enter_context(kept(premises.ours, lambda words: office.give_up(words)))
        office = Office(fleet, premises, folder / "run", screen)
        pace = Pace(time.time(), speed)  # noqa: TID251  # life begins now
        stage = Stage(fleet, folder, premises, office, pace, screen, stack)
        note = office._chronicle.hear

        def hear(event: ev.Event) -> None:
            stage.diary.append(event)
            note(event)

        office._chronicle.hear = hear  # type: ignore[method-assign]  # what a test wants to see early
        office.begin(pace)
        yield stage


def warnings(records: Sequence[Any], *names: str) -> list[str]:
    """Return what was logged by those whose names begin so, to be read by a person."""
    return [r.getMessage() for r in records if r.name.startswith(names) and r.levelno >= 30]
