"""A Mosquitto that can be killed and comes back on the same port, and a door behind which nobody answers."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from broker.address import Address
from broker.mosquitto import find_mosquitto


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port: int = door.getsockname()[1]
        return port


class Mortal:
    """Open to everybody, forgetful unless *persistent*; use it as a context manager."""

    def __init__(self, folder: Path, *, more: str = "", persistent: bool = False) -> None:
        self.port = free_port()
        self.address = Address("127.0.0.1", self.port)
        self._conf = folder / "mortal.conf"
        self._conf.write_text(
            f"listener {self.port} 127.0.0.1\nmax_queued_messages 1000000\nmax_inflight_messages 0\n"
            + ("" if "allow_anonymous" in more else "allow_anonymous true\n")
            + (f"persistence true\npersistence_location {folder}/\n" if persistent else "persistence false\n")
            + ("user root\n" if os.geteuid() == 0 else "")
            + more
        )
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Mortal":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self.kill()

    def start(self) -> None:
        program = find_mosquitto()
        assert program is not None
        self._process = subprocess.Popen([program, "-c", str(self._conf)], stderr=subprocess.DEVNULL)
        for _ in range(1000):
            with socket.socket() as door:
                if door.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            try:
                code = self._process.wait(0.01)
            except subprocess.TimeoutExpired:
                continue
            raise AssertionError(f"Mosquitto ended with {code}")
        raise AssertionError("Mosquitto does not listen")

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End it at once (SIGTERM: in order)."""
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait()
        self._process = None

    def freeze(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


@contextmanager
def silent_door() -> Iterator[Address]:
    """Somebody accepts every connection and never says a word."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen(1024)
        yield Address("127.0.0.1", door.getsockname()[1])
