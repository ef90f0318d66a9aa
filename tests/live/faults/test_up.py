"""`fleetbeat up` as a user runs it, while somebody kills what it started: it starts it again and comes to its end."""

import csv
import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from broker import events as ev
from broker.address import read_address
from broker.credentials import Credentials
from broker.narration import Follower
from tests.live.faults.stage import PHONES, ROOT, SPEED, steady, until
from tests.processes import children

pytestmark = [pytest.mark.live, pytest.mark.needs_broker]


@dataclass
class Up:
    """A running `fleetbeat up`, and where it writes."""

    process: "subprocess.Popen[bytes]"
    out: Path
    log: Path
    diary: list[ev.Event] = field(default_factory=list)

    def journal(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.out / "journal.jsonl").read_text(encoding="utf-8").splitlines()]

    def await_event(self, kind: type[ev.Event], within_s: float, **figures: object) -> None:
        """Return when it was told, on the wire, that something happened."""

        def told() -> bool:
            return any(
                type(event) is kind and all(getattr(event, name) == value for name, value in figures.items())
                for event in list(self.diary)
            )

        until(told, within_s, lambda: (kind, figures, self.log.read_text(encoding="utf-8")))

    def kill(self, program: str) -> None:
        """Kill a child of it by SIGKILL."""
        (pid,) = [pid for pid, command in children(self.process.pid).items() if program in command]
        os.kill(pid, signal.SIGKILL)

    def table(self, name: str) -> list[dict[str, str]]:
        with (self.out / name).open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def said(self, *about: str) -> list[str]:
        """Return the lines of its log that have one of these words in them."""
        lines = self.log.read_text(encoding="utf-8").splitlines()
        return [line for line in lines if any(word in line for word in about)]


@contextmanager
def up(folder: Path, *options: str) -> Iterator[Up]:
    fleet, out, log = folder / "phones.toml", folder / "run", folder / "up.log"
    fleet.write_text(steady(PHONES, 2), encoding="utf-8")
    command = [sys.executable, "-m", "fleetbeat", "up", str(fleet), "--speed", str(SPEED), "--out", str(out), *options]
    with log.open("wb") as file:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=os.environ | {"PYTHONPATH": str(ROOT)}
        )
    running = Up(process, out, log)
    with ExitStack() as stack:
        stack.callback(process.wait, 60.0)
        stack.callback(process.terminate)
        until(lambda: bool(running.said("look on:")), 30.0, lambda: log.read_text(encoding="utf-8"))
        follower = looks_on(running)
        stack.callback(follower.close)
        follower.connect(10.0)
        yield running


def looks_on(running: Up) -> Follower:
    """Follow the events, as the command that `up` prints may."""
    (line,) = running.said("look on:")
    folder = shlex.split(line.partition("XDG_CONFIG_HOME=")[2])[0]
    options = (Path(folder) / "mosquitto_sub").read_text(encoding="utf-8").splitlines()
    said = dict(option.split(" ", 1) for option in options if " " in option)
    address = read_address(f"mqtts://127.0.0.1:{said['-p']}", Path(said["--cafile"]))
    return Follower(address, Credentials({said["-u"]: said["-P"]}), said["-u"], "faulty", running.diary.append)


def test_all_that_it_started_may_die_and_the_run_comes_to_its_end(tmp_path: Path) -> None:
    """The SuperLink dies between two rounds and within one, then the broker dies within one."""
    with up(tmp_path, "--rounds", "3") as running:
        running.await_event(ev.RoundEnded, 60.0, round=1)
        running.kill("flower-superlink")
        running.await_event(ev.ServerResumed, 40.0, round=1)
        running.await_event(ev.WorkStarted, 40.0, round=2)
        running.kill("flower-superlink")
        running.await_event(ev.RoundEnded, 60.0, round=2)
        running.await_event(ev.WorkStarted, 40.0, round=3)
        running.kill("mosquitto")
        code = running.process.wait(120.0)

        assert code == 0
        outcomes: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for line in running.table("outcomes.csv"):
            outcomes.setdefault((line["round"], line["device"]), []).append((line["outcome"], line["reason"]))
        delivered, lost = ("delivered", ""), ("rejected", "run_ended")
        assert outcomes == {
            (str(round_), f"phone-{n}"): [lost, delivered] if round_ == 2 else [delivered]
            for round_ in (1, 2, 3)
            for n in (1, 2)
        }
        for line in running.table("devices.csv"):
            sensed, buffered, dropped, flying = (
                int(line[f"readings_{what}"]) for what in ("sensed", "buffered", "dropped", "in_flight")
            )
            assert sensed == buffered + dropped + flying
            assert dropped == 0
        resumed = [event for event in running.journal() if event["kind"] == "server_resumed"]
        assert [event["round"] for event in resumed] == [1, 1]
        assert len(running.said("the SuperLink died and was started again")) == 2
        assert len(running.said("the server died")) == 2
        assert len(running.said("the broker died and was started again")) == 1
        assert len(running.said("Traceback")) == 0
