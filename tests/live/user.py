"""A user of `fleetbeat up`: types, reads the screen, looks on as it says there, and sees what is left behind."""

import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from broker import events as ev
from broker.access import OBSERVER_USER
from broker.address import Address, read_address
from broker.credentials import Credentials
from broker.narration import Follower
from fleetbeat.saved_run import SavedRun

ROOT = Path(__file__).parents[2]

TWO = """\
schema = 1
name = "two"
start = 2026-01-06T00:00:00
days = 2
[learning]
rounds = 1
min_train_devices = 1
first_round_s = 0
round_every_s = 3600
round_deadline_s = 14400
fraction_evaluate = 0
history_nights = 10
work = { gflop = 4000, mb_down = 5, mb_up = 5 }
[[group]]
kind = "phone"
with = ["band"]
count = 2
wearers = { network_spread = 0.0 }
"""
"""At midnight phone-2 is on its charger and phone-1 is not; a fit takes them half an hour."""


def until(claim: Callable[[], bool], within_s: float, what: Callable[[], str]) -> None:
    """Return once *claim* holds; fail if that takes too long."""
    end_s = time.monotonic() + within_s
    while not claim():
        assert time.monotonic() < end_s, f"not within {within_s:g} s: {what()}"
        time.sleep(0.05)  # noqa: TID251  # real programs take real time


@dataclass
class Up:
    """A `fleetbeat up` that runs; its temporary files are in *scratch*, and so is whatever it forgets there."""

    process: "subprocess.Popen[str]"
    scratch: Path
    out: Path
    screen: list[str] = field(default_factory=list)
    """Lines of stderr."""
    printed: list[str] = field(default_factory=list)
    """Lines of stdout."""

    def type(self, line: str) -> None:
        """Type *line* and Return."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def reads(self, words: str, within_s: float = 60.0) -> str:
        """Wait for a line with *words* on the screen and return it."""
        until(lambda: self._ended or self._line(words) is not None, within_s, lambda: f"{words!r} in {self.screen}")
        line = self._line(words)
        assert line is not None, f"it ended with {self.process.returncode} before it said {words!r}: {self.screen}"
        return line

    def ends(self, within_s: float) -> int:
        """Wait for its end and return the exit code."""
        until(lambda: self._ended, within_s, lambda: f"its end: {self.screen[-5:]}")
        return self.process.wait()

    def interrupt(self, word: signal.Signals = signal.SIGINT, within_s: float = 40.0) -> int:
        """Ask for the end and return the exit code."""
        self.process.send_signal(word)
        return self.ends(within_s)

    @property
    def run(self) -> SavedRun:
        """The run folder."""
        return SavedRun(self.out)

    def left_behind(self) -> list[str]:
        """Return files in its place for temporary files, and processes that still have that place."""
        until(lambda: not self.survivors() or not self._ended, 3.0, lambda: f"the end of {self.survivors()}")
        return [*(path.name for path in self.scratch.iterdir()), *self.survivors()]

    @contextmanager
    def looked_on(self) -> Iterator[list[ev.Event]]:
        """Follow all events with the account that the screen offers."""
        folder = shlex.split(self.reads("look on: ").partition("XDG_CONFIG_HOME=")[2])[0]
        options = (Path(folder) / "mosquitto_sub").read_text(encoding="utf-8").splitlines()
        given = dict(option.split(" ", 1) for option in options if " " in option)
        ca = given.get("--cafile")
        scheme = "mqtts" if ca else "mqtt"
        address: Address = read_address(f"{scheme}://{given['-h']}:{given['-p']}", Path(ca) if ca else None)
        heard: list[ev.Event] = []
        fleet = given["-t"].split("/")[2]
        follower = Follower(address, Credentials({given["-u"]: given["-P"]}), OBSERVER_USER, fleet, heard.append)
        follower.connect(10.0)
        try:
            yield heard
        finally:
            follower.close()

    @property
    def _ended(self) -> bool:
        return self.process.poll() is not None

    def _line(self, words: str) -> str | None:
        return next((line for line in self.screen if words in line), None)

    def survivors(self) -> list[str]:
        """Return the processes that still have its place for temporary files."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                environment = (entry / "environ").read_bytes()
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue  # it has just ended, or is not ours
            if f"TMPDIR={self.scratch}\0".encode() in environment and command:
                found.append(command.replace(b"\0", b" ").decode(errors="replace").strip()[:100])
        return found


def awaited(heard: list[ev.Event], kind: type[ev.Event], within_s: float, **figures: Any) -> Any:
    """Wait for an event of *kind* with those *figures* and return it."""

    def found() -> ev.Event | None:
        for event in list(heard):
            if type(event) is kind and all(getattr(event, name) == value for name, value in figures.items()):
                return event
        return None

    until(lambda: found() is not None, within_s, lambda: f"{kind.__name__} {figures} in {heard[-10:]}")
    return found()


@contextmanager
def up(folder: Path, fleet: str, *options: str, text: str = TWO) -> Iterator[Up]:
    """Start `fleetbeat up` on *fleet*, a name or a file that gets *text*; what still runs at the end is killed."""
    scratch, out = folder / "scratch", folder / "run"
    scratch.mkdir()
    if fleet.endswith(".toml"):
        (folder / fleet).write_text(text, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "fleetbeat", "up", fleet, "--out", str(out), *options],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(scratch), "OPENBLAS_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    seen = Up(process, scratch, out)

    def read(stream: IO[str], into: list[str]) -> None:
        into.extend(line.rstrip("\n") for line in stream)  # each when it comes

    assert process.stdin
    assert process.stdout
    assert process.stderr
    readers = [
        threading.Thread(target=read, args=(process.stdout, seen.printed)),
        threading.Thread(target=read, args=(process.stderr, seen.screen)),
    ]
    for reader in readers:
        reader.start()
    try:
        yield seen
    finally:
        process.kill()
        process.wait()
        for reader in readers:
            reader.join()
        for stream in (process.stdin, process.stdout, process.stderr):
            stream.close()
