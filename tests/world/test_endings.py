"""A run that is stopped from outside leaves a readable folder and nobody behind; a full disk is one clear message."""

import gc
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator.accounting import Account
from broker import events as ev
from broker.errors import RunFolderError
from broker.memory import MemoryBroker, MemoryWire
from devices.fleet_file import load_fleet
from devices.residents import residents
from fleetbeat import rehearsal
from fleetbeat.brokers import BrokerChoice
from fleetbeat.report import write_report
from fleetbeat.results import Results
from fleetbeat.run_folder import RunFolder, told_if_cut_short
from fleetbeat.saved_run import SavedRun
from fleetbeat.world import Onlookers, World
from tests.broker.patience import until
from tests.processes import children, is_alive, needs_proc
from tests.world.ground import TINY, journal, results, table

LONG = TINY.replace("days = 2", "days = 3000").replace("rounds = 2", "rounds = 3000")


@pytest.fixture
def child(tmp_path: Path) -> Iterator["Child"]:
    """A run without end in a process group of its own."""
    made = Child(tmp_path)
    yield made
    made.end()


class Child:
    """``fleetbeat run`` as a terminal sees it."""

    def __init__(self, folder: Path) -> None:
        self.out = folder / "run"
        self._file = folder / "long.toml"
        self._file.write_text(LONG)
        self.process: subprocess.Popen[str]

    async def start(self, *options: str) -> None:
        """Start, and wait until the first round is on disk."""
        self._spawn(*options)
        await until(lambda: (self.out / "rounds.csv").exists() or self.process.poll() is not None)

    def _spawn(self, *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "fleetbeat", "run", str(self._file), "--out", str(self.out), *options],
            cwd=Path(__file__).parents[2],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def end(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()


def assert_readable(folder: Path) -> None:
    assert results(folder)["account"]["ended"] == "stopped"
    assert journal(folder)[-1] == {**journal(folder)[-1], "kind": "run_finished", "cause": "stopped"}
    selected = sum(int(line["selected"]) for line in table(folder, "rounds.csv"))
    assert selected == sum(line["phase"] == "train" for line in table(folder, "outcomes.csv")) > 0
    assert SavedRun(folder).fleet.name == "tiny"
    assert (folder / "report.html").exists()


@pytest.mark.parametrize("kind", [ev.LifeChanged, ev.TaskFetched, ev.UploadStarted])
def test_who_presses_ctrl_c_twice_has_a_stopped_run_in_a_readable_folder(
    kind: type[ev.Event], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    presses = iter((signal.SIGINT, signal.SIGINT))  # the second comes before the first has been obeyed
    begun = False

    def press(event: ev.Event) -> None:
        nonlocal begun
        begun = begun or isinstance(event, ev.TaskFetched)
        if begun and type(event) is kind:
            for number in presses:
                signal.raise_signal(number)

    with pytest.raises(KeyboardInterrupt):
        _lived(tmp_path, press)
    write_report(SavedRun(tmp_path / "run"))
    gc.collect()

    assert_readable(tmp_path / "run")
    assert "never retrieved" not in caplog.text


def test_who_presses_again_while_the_account_is_closed_has_it_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    close = Account.close

    def pressed(self: Account, now_s: float) -> None:
        signal.raise_signal(signal.SIGINT)
        close(self, now_s)

    def press(event: ev.Event) -> None:
        if isinstance(event, ev.TaskFetched):
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Account, "close", pressed)
    _lived(tmp_path, press)
    write_report(SavedRun(tmp_path / "run"))

    assert_readable(tmp_path / "run")


@pytest.mark.parametrize("press_first", [True, False])
def test_ctrl_c_after_life_changes_nothing_of_how_that_ended(
    press_first: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def press(event: ev.Event) -> None:
        if press_first and isinstance(event, ev.TaskFetched):
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Results, "refer", lambda _: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        _lived(tmp_path, press)

    assert results(tmp_path / "run")["account"]["ended"] == ("stopped" if press_first else "rounds_done")


def test_ctrl_c_while_all_is_written_down_is_told_as_cut_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = Results.write

    def interrupted(self: Results, now_s: float, ended: str | None) -> None:
        if ended is not None:
            raise KeyboardInterrupt
        write(self, now_s, ended)

    monkeypatch.setattr(Results, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        _lived(tmp_path, lambda _: None)

    assert SavedRun(tmp_path / "run").ended == "cut_short"


def _lived(folder: Path, heard: ev.Record) -> None:
    file = folder / "tiny.toml"
    file.write_text(TINY)
    rehearsal.run(
        load_fleet(file), out=folder / "run", broker=BrokerChoice("memory"), workers=0, quiet=True, heard=heard
    )


async def test_sigterm_ends_a_run_in_order(child: Child) -> None:
    await child.start("--broker", "memory", "--workers", "0")

    child.process.send_signal(signal.SIGTERM)
    out, err = child.process.communicate(timeout=60)

    assert child.process.returncode == 130
    assert "stopped" in out
    assert "Traceback" not in err
    assert_readable(child.out)


@pytest.mark.needs_broker
@needs_proc
async def test_ctrl_c_reaches_the_whole_group_and_leaves_nobody_behind(child: Child) -> None:
    await child.start("--broker", "mosquitto", "--workers", "1")
    family = children(child.process.pid)

    os.killpg(child.process.pid, signal.SIGINT)
    _, err = child.process.communicate(timeout=60)

    assert len(family) >= 3  # Mosquitto, who watches it, and a worker
    assert child.process.returncode == 130
    assert "Traceback" not in err
    await until(lambda: not any(map(is_alive, family)))
    assert_readable(child.out)


@pytest.mark.needs_broker
@needs_proc
async def test_a_run_that_is_killed_leaves_nobody_behind(child: Child) -> None:
    await child.start("--broker", "mosquitto", "--workers", "1")
    family = children(child.process.pid)

    child.process.kill()
    child.process.wait(timeout=60)

    assert len(family) >= 3  # Mosquitto, who watches it, and a worker
    await until(lambda: not any(map(is_alive, family)))


def test_a_disk_that_fills_up_is_one_message(tmp_path: Path) -> None:
    file = tmp_path / "tiny.toml"
    file.write_text(TINY)
    words = f"run {file} --out {tmp_path / 'run'} --broker memory --workers 0 -q"
    limited = f"ulimit -f 40; exec {sys.executable} -m fleetbeat {words}"

    ended = subprocess.run(
        ["/bin/sh", "-c", limited], cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=60
    )

    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert ended.stderr.startswith(f"fleetbeat: {tmp_path / 'run'}/")
    assert "cannot be written (File too large); free space or choose --out elsewhere" in ended.stderr
    assert ended.stderr.count("\n") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
def test_a_journal_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").symlink_to("/dev/full")
    folder = RunFolder(tmp_path)

    folder.record(ev.RoundEnded(0.0, None, 1))
    with pytest.raises(RunFolderError, match=r"journal.jsonl: cannot be written \(No space left on device\)"):
        folder.close()


def test_a_folder_where_a_file_is_in_the_way_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(
        RunFolderError, match=r"file/run: cannot be written \(Not a directory\); choose --out elsewhere"
    ):
        RunFolder(tmp_path / "file" / "run")


@pytest.mark.parametrize("kind", [ev.LifeChanged, ev.TaskFetched, ev.ModelAggregated])
def test_trouble_while_writing_down_ends_the_run_as_itself(kind: type[ev.Event], tmp_path: Path) -> None:
    file = tmp_path / "tiny.toml"
    file.write_text(TINY)
    fleet = load_fleet(file)

    def record(event: ev.Event) -> None:
        if type(event) is kind:
            raise RunFolderError("the disk is full")

    onlookers = Onlookers(record, lambda _: None, lambda _: None)
    world = World(fleet, residents(fleet), MemoryWire(MemoryBroker()), 0, None, onlookers)

    with pytest.raises(RunFolderError, match="the disk is full"):
        world.run()


def test_who_stops_a_run_is_told_what_there_is_of_it(tmp_path: Path) -> None:
    path = tmp_path / "run"
    said: list[str] = []

    with pytest.raises(KeyboardInterrupt), told_if_cut_short(path, said.append):
        raise KeyboardInterrupt
    folder = RunFolder(path)
    with pytest.raises(KeyboardInterrupt), told_if_cut_short(path, said.append):
        raise KeyboardInterrupt
    folder.discard()

    assert said == [
        "stopped before life began; nothing was written",
        f"cut short: {path} has what was written until now",
    ]
    assert not path.exists()
