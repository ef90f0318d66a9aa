"""A private Mosquitto: born on demand, gone when we are gone, and honest about why it was not born."""

import contextlib
import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.errors import BrokerRefused, UsageError
from broker.mosquitto import PrivateMosquitto, find
from tests.broker.ground import ACCESS
from tests.broker.patience import until
from tests.processes import is_alive

LIFE = """
import os, signal, sys
from broker.mosquitto import Door, PrivateMosquitto
from tests.broker.ground import ACCESS

with PrivateMosquitto(ACCESS, Door() if sys.argv[1] == "restarts" else None) as broker:
    if sys.argv[1] == "restarts":
        broker.kill()
        broker.start_again()
    if sys.argv[1] == "forks" and os.fork() == 0:
        os.close(1)
        signal.pause()
    print(broker.pid, broker.folder, flush=True)
    signal.pause()
"""


@pytest.fixture
def parent(request: pytest.FixtureRequest) -> Iterator["subprocess.Popen[str]"]:
    """A process of ours that runs a private Mosquitto and waits."""
    process = subprocess.Popen(
        [sys.executable, "-c", LIFE, getattr(request, "param", "alone")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=Path(__file__).parents[2],
        start_new_session=True,
    )
    yield process
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def birth_of(process: "subprocess.Popen[str]") -> tuple[int, Path]:
    assert process.stdout is not None
    pid, folder = process.stdout.readline().split()
    return int(pid), Path(folder)


@pytest.mark.needs_broker
async def test_it_ends_and_leaves_nothing_behind() -> None:
    with PrivateMosquitto(ACCESS) as broker:
        socket = broker.address.socket
        assert socket is not None
        assert is_alive(broker.pid)
        pid, folder = broker.pid, socket.parent
        secret = broker.credentials.of("phone-1")
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert secret is not None
        assert all(secret[1] not in file.read_text() for file in folder.iterdir() if file.is_file())
        assert secret[1] not in repr(broker.credentials)

    assert not is_alive(pid)
    assert not folder.exists()
    broker.stop()  # once more does no harm


@pytest.mark.needs_broker
@pytest.mark.parametrize("parent", ["alone", "forks", "restarts"], indirect=True)
async def test_it_dies_with_a_parent_that_is_killed(parent: "subprocess.Popen[str]") -> None:
    pid, folder = birth_of(parent)
    assert is_alive(pid)

    os.kill(parent.pid, signal.SIGKILL)

    await until(lambda: not is_alive(pid))
    await until(lambda: not folder.exists())


@pytest.mark.needs_broker
async def test_ctrl_c_reaches_us_first_and_then_ends_it(parent: "subprocess.Popen[str]") -> None:
    pid, folder = birth_of(parent)

    os.killpg(parent.pid, signal.SIGINT)  # as a terminal does

    assert parent.wait(10) != 0
    await until(lambda: not is_alive(pid))
    await until(lambda: not folder.exists())


@pytest.mark.needs_broker
async def test_it_is_not_of_our_terminals_group() -> None:
    with PrivateMosquitto(ACCESS) as broker:
        assert os.getpgid(broker.pid) != os.getpgid(0)


def test_where_it_is_not_installed_one_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(find, "PLACES", (str(tmp_path / "sbin"),))

    with pytest.raises(UsageError, match=r"Mosquitto is not installed: .*--broker memory"):
        PrivateMosquitto(ACCESS)


def test_its_last_words_are_passed_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "mosquitto"
    program.write_text("#!/bin/sh\necho 'Error: Unknown configuration variable \"max_packet_size\".' >&2\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    with pytest.raises(BrokerRefused, match=r"exit code 3.*2\.0 or later.*Unknown configuration variable"):
        PrivateMosquitto(ACCESS)

    assert list(tmp_path.glob("fleetbeat-*")) == []
