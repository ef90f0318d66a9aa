"""A private Mosquitto: for one fleet and one run, on a socket or a port of this machine, in a folder of its own."""

import shutil
import socket
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from broker.access import Access
from broker.address import Address, read_address
from broker.certificates import Authority, server_certificate
from broker.credentials import Credentials
from broker.errors import BrokerRefused, UsageError
from broker.mosquitto import configuration as conf
from broker.mosquitto.child import Child
from broker.mosquitto.find import PLACES, find_mosquitto
from broker.ports import HERE, PortTaken, check_free, free_port, taken
from broker.secret_files import write_secret, write_whole

_HOSTS = (HERE, "localhost")
_DAYS = 30
"""No run takes longer."""
_STARTS_WITHIN_S = 10.0
_LOOK_EVERY_S = 0.01
_LONGEST_FOLDER = 60
"""A socket's whole path may have some 100 characters (104 on macOS)."""
_FREE_PORTS = 5
"""So many free ports are tried; somebody else may take one before Mosquitto does."""


@dataclass(frozen=True, slots=True)
class Door:
    """A TCP port of this machine alone: *port* 0 is any that is free; without an *authority* there is no TLS."""

    port: int = 0
    authority: Authority | None = None


class PrivateMosquitto:
    """Everybody of *access* gets a user of their own with a random password.

    Without a *door* it listens on a socket and keeps nothing on disk. With one, other processes can come,
    and sessions and stored messages outlive it: `kill` it and `start_again`.

    Use it as a context manager, or call `stop` in the end. Raises UsageError if Mosquitto is not
    installed, PortTaken if the door is, BrokerRefused with Mosquitto's last words if it does not start.
    """

    def __init__(self, access: Access, door: Door | None = None) -> None:
        program = find_mosquitto()
        if program is None:
            raise UsageError(
                f"Mosquitto is not installed: no program `mosquitto` on PATH nor in {', '.join(PLACES)}; "
                "install the package mosquitto, or use --broker memory"
            )
        self._program = program
        passwords = conf.new_secrets(access.users)
        self.credentials = Credentials(passwords)
        self.folder = Path(tempfile.mkdtemp(prefix="fleetbeat-", dir=_short_folder()))
        self.ca_file: Path | None = None
        """The certificate that vouches for it; None without TLS."""
        self._child: Child | None = None
        try:
            for name, content in conf.access_files(access, passwords).items():
                write_secret(self.folder / name, content.encode())
            if door is None:
                self._open_socket()
            else:
                self._open_door(door)
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self) -> int:
        """The process id of a running Mosquitto."""
        assert self._child is not None
        return self._child.pid

    @property
    def is_running(self) -> bool:
        """Whether its process lives."""
        return self._child is not None and self._child.exit_code is None

    def __enter__(self) -> "PrivateMosquitto":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.stop()

    def credentials_file(self, users: Iterable[str]) -> str:
        """Return a credentials file for *users*, for the eyes of the process that is to have it."""
        logins = [self.credentials.of(user) for user in users]
        return "".join(f"{login[0]}:{login[1]}\n" for login in logins if login is not None)

    def kill(self) -> None:
        """End it by SIGKILL: it says nothing to anybody."""
        if self._child is not None:
            self._child.end(at_once=True)

    def start_again(self) -> None:
        """Start it on the same port, in the same folder, whether it was killed or died by itself."""
        if self._child is not None:
            self._child.end()
        self._start()

    def stop(self) -> None:
        """End Mosquitto and remove its folder; does nothing the second time."""
        if self._child is not None:
            self._child.end()
            self._child = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def _open_socket(self) -> None:
        path = self.folder / "mosquitto.sock"
        self.address = Address(socket=path)
        self._configure(conf.passing_configuration(self.folder, path))
        self._start()

    def _open_door(self, door: Door) -> None:
        (self.folder / conf.STORE).mkdir()
        if door.authority is not None:
            pair = server_certificate(door.authority, _HOSTS, _DAYS)
            self.ca_file = self.folder / conf.CA
            write_whole(self.ca_file, door.authority.certificate)
            write_whole(self.folder / conf.CERTIFICATE, pair.certificate)
            write_secret(self.folder / conf.KEY, pair.key)
        tries = 1 if door.port else _FREE_PORTS
        while True:
            port = door.port or free_port()
            self.address = read_address(f"{'mqtts' if self.ca_file else 'mqtt'}://{HERE}:{port}", self.ca_file)
            doorstep = conf.Doorstep(f"{port} {HERE}", tls=self.ca_file is not None)
            self._configure(conf.lasting_configuration(self.folder, doorstep))
            tries -= 1
            try:
                self._start()
            except PortTaken:
                if not tries:
                    raise
            else:
                return

    def _configure(self, content: str) -> None:
        write_whole(self.folder / "conf", content.encode())

    def _start(self) -> None:
        if self.address.socket is None:
            check_free(self.address.port)
        self._child = Child(self._program, self.folder)
        self._await_birth(self._child)

    def _await_birth(self, child: Child) -> None:
        for _ in range(round(_STARTS_WITHIN_S / _LOOK_EVERY_S)):
            listens = self._listens()
            if not child.ended_within(_LOOK_EVERY_S):  # else it is somebody else who listens
                if listens:
                    return
                continue
            words = child.last_words()
            if "Address already in use" in words:
                raise PortTaken(taken(self.address.port))
            raise BrokerRefused(
                f"{self._program} does not start (exit code {child.exit_code}); version 2.0 or later is needed. "
                f"Its last words: {words}"
            )
        raise BrokerRefused(
            f"{self._program} does not listen after {_STARTS_WITHIN_S:g} s. It says: {child.last_words()}"
        )

    def _listens(self) -> bool:
        address = self.address
        if address.socket is not None:
            with socket.socket(socket.AF_UNIX) as door:
                return door.connect_ex(str(address.socket)) == 0
        with socket.socket() as door:
            return door.connect_ex((address.host, address.port)) == 0


def _short_folder() -> str:
    """Return the folder of temporary files, or one whose name leaves room for a socket's."""
    usual = tempfile.gettempdir()
    return usual if len(usual) <= _LONGEST_FOLDER else "/tmp"
