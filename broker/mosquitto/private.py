"""A private Mosquitto: a child of ours on a socket of this machine, for one fleet and one run.

It hears nothing of Ctrl-C (that is for us to handle, while the devices still need it), and a small
shell at the other end of a pipe ends it when we end, however we end: by return, crash or SIGKILL.
"""

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType

from broker.access import Access
from broker.address import Address
from broker.credentials import Credentials
from broker.errors import BrokerRefused, UsageError
from broker.mosquitto.configuration import configuration, new_secrets, password_file
from broker.open_files import allow_many_files

PLACES = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")
"""Where packages put Mosquitto: often not on a user's PATH."""

_STARTS_WITHIN_S = 10.0
_STOPS_WITHIN_S = 5.0
_LOOK_EVERY_S = 0.01
_LONGEST_FOLDER = 60
"""A socket's whole path may have some 100 characters (104 on macOS)."""

_WATCH = 'read -r _; kill "$1"; rm -rf "$2"'
"""Read our end of the pipe until nobody holds it any more, then clear up."""

_lifelines: set[int] = set()


def _let_go() -> None:
    """A forked child must not hold the pipe, or Mosquitto would live as long as it."""
    for descriptor in _lifelines:
        os.close(descriptor)
    _lifelines.clear()


os.register_at_fork(after_in_child=_let_go)


def find_mosquitto() -> str | None:
    """Return Mosquitto's program, from PATH or from where packages put it; None if it is not installed."""
    return shutil.which("mosquitto", path=os.pathsep.join((os.environ.get("PATH", os.defpath), *PLACES)))


class PrivateMosquitto:
    """Everybody of *access* gets a user of their own with a random password.

    Use it as a context manager, or call `stop` in the end. Raises UsageError if Mosquitto is not
    installed, BrokerRefused with Mosquitto's last words if it does not start.
    """

    def __init__(self, access: Access) -> None:
        program = find_mosquitto()
        if program is None:
            raise UsageError(
                f"Mosquitto is not installed: no program `mosquitto` on PATH nor in {', '.join(PLACES)}; "
                "install the package mosquitto, or use --broker memory"
            )
        passwords = new_secrets(access)
        self.credentials = Credentials(passwords)
        self._folder = Path(tempfile.mkdtemp(prefix="fleetbeat-", dir=_short_folder()))
        self._socket = self._folder / "mosquitto.sock"
        self.address = Address(socket=self._socket)
        self._children: list[subprocess.Popen[bytes]] = []
        try:
            for name, content in (
                ("conf", configuration(self._folder, self._socket)),
                ("passwords", password_file(passwords)),
                ("acl", access.acl()),
            ):
                (self._folder / name).write_text(content, encoding="utf-8")
            self._start(program)
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self) -> int:
        """The process id of a running Mosquitto."""
        return self._children[0].pid

    def __enter__(self) -> "PrivateMosquitto":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End Mosquitto and remove its folder; does nothing the second time."""
        for child in self._children:
            child.terminate()
        for child in self._children:
            try:
                child.wait(_STOPS_WITHIN_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            if child.stdin is not None:
                _lifelines.discard(child.stdin.fileno())
                child.stdin.close()
        self._children.clear()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self, program: str) -> None:
        allow_many_files()
        with (self._folder / "log").open("wb") as log:
            broker = subprocess.Popen(
                [program, "-c", str(self._folder / "conf")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._children.append(broker)
        watch = subprocess.Popen(
            ["/bin/sh", "-c", _WATCH, "sh", str(broker.pid), str(self._folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._children.append(watch)
        assert watch.stdin is not None
        _lifelines.add(watch.stdin.fileno())
        self._await_birth(program, broker)

    def _await_birth(self, program: str, broker: "subprocess.Popen[bytes]") -> None:
        for _ in range(round(_STARTS_WITHIN_S / _LOOK_EVERY_S)):
            with socket.socket(socket.AF_UNIX) as door:
                if door.connect_ex(str(self._socket)) == 0:
                    return
            try:
                broker.wait(_LOOK_EVERY_S)
            except subprocess.TimeoutExpired:
                continue
            raise BrokerRefused(
                f"{program} does not start (exit code {broker.returncode}); version 2.0 or later is needed. "
                f"Its last words: {self._last_words()}"
            )
        raise BrokerRefused(f"{program} does not listen after {_STARTS_WITHIN_S:g} s. It says: {self._last_words()}")

    def _last_words(self) -> str:
        lines = (self._folder / "log").read_text(encoding="utf-8", errors="replace").split("\n")
        return " / ".join(line.strip() for line in lines[-6:] if line.strip()) or "none"


def _short_folder() -> str:
    """Return the folder of temporary files, or one whose name leaves room for a socket's."""
    usual = tempfile.gettempdir()
    return usual if len(usual) <= _LONGEST_FOLDER else "/tmp"
