"""A private SuperLink: Flower's own server, unmodified, as a child of ours on a port of this machine."""

import http.client
import signal
import ssl
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from broker.errors import UsageError
from broker.lifeline import Lifeline
from broker.ports import HERE, PortTaken, check_free, free_port, taken
from fleetbeat.flower_programs import find_program, flower_environment
from fleetbeat.offspring import Offspring

_STARTS_WITHIN_S = 60.0
"""It takes 2 to 6 s on a quiet machine."""
_STOPS_WITHIN_S = 20
"""With node authentication it took 15 s: its SuperExec goes on trying to reach it."""
_SAYS_GOODBYE_WITHIN_S = 2
"""Over TLS it waits for each idle client to close its end as well, for up to 30 s: Flower's own ones never do."""
_LOOK_EVERY_S = 0.1
_FREE_PORTS = 5
_LAST_LINES = 6


class SuperLinkFailed(UsageError):
    """A SuperLink does not start, or ended by itself; the message has its last words."""


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM files for TLS: an authority, the server's certificate, which must vouch for 127.0.0.1, and its key."""

    authority: Path
    certificate: Path
    key: Path


class PrivateSuperLink:
    """Runs until `stop`; use it as a context manager. Whatever ends this process ends it too.

    It keeps everything in memory unless it has a *database*, and then remembers its nodes and runs at `start_again`
    (and is half as fast). Its log is ``superlink.log`` in *folder*, which stays.
    """

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        certificates: Certificates | None = None,
        *,
        port: int = 0,
        database: Path | None = None,
        node_authentication: bool = False,
    ) -> None:
        """Start it and wait until it answers. *port* 0 is any that is free; without *certificates* there is no TLS.

        *environment* is also its ServerApps'. Raises PortTaken, or SuperLinkFailed with its last words.
        """
        self._program = find_program("flower-superlink")
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / "superlink.log"
        self._environment = flower_environment(folder / "flwr", environment)
        self._certificates = certificates
        self._options = _options(certificates, database, node_authentication=node_authentication)
        self._process: subprocess.Popen[bytes] | None = None
        self._lifeline: Lifeline | None = None
        self._said_before = 0
        self._port = port
        if port:
            self._start()
        else:
            self._start_anywhere()

    @property
    def address(self) -> str:
        """Where it listens, as HOST:PORT."""
        return f"{HERE}:{self._port}"

    @property
    def authority(self) -> Path | None:
        """The certificate file that vouches for it; None without TLS."""
        return self._certificates.authority if self._certificates else None

    @property
    def is_running(self) -> bool:
        """Whether its process lives."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    def __enter__(self) -> "PrivateSuperLink":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End it and its ServerApps, in order if they can; does nothing the second time."""
        self._end(patience_s=_STOPS_WITHIN_S)

    def kill(self) -> None:
        """End it by SIGKILL: it says nothing to anybody. Its ServerApps find out by themselves."""
        self._end(patience_s=0)

    def start_again(self) -> None:
        """Start it on the same port, whether it was killed or died by itself."""
        self._end(patience_s=_STOPS_WITHIN_S)
        self._start()

    def last_words(self) -> str:
        """Return the end of what it said since its last start."""
        with self.log.open("rb") as log:
            log.seek(self._said_before)
            lines = [line.strip() for line in log.read().decode(errors="replace").splitlines()]
        return " / ".join([line for line in lines if line][-_LAST_LINES:]) or "(none)"

    def _start_anywhere(self) -> None:
        """Start it on a free port; somebody else may take one before it does."""
        for _ in range(_FREE_PORTS):
            self._port = free_port()
            with suppress(PortTaken):
                self._start()
                break
        else:
            raise PortTaken(f"no port of {HERE} stayed free for as long as a SuperLink needs to start")

    def _start(self) -> None:
        check_free(self._port)
        command = [self._program, "--host", HERE, "--port", str(self._port), *self._options]
        with self.log.open("ab") as log:
            self._said_before = log.tell()
            self._process = subprocess.Popen(
                command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for us to handle
            )
        try:
            self._lifeline = Lifeline(self._process.pid, _STOPS_WITHIN_S)
            self._await_birth(self._process)
        except BaseException:
            self.kill()
            raise

    def _await_birth(self, process: "subprocess.Popen[bytes]") -> None:
        until_s = time.monotonic() + _STARTS_WITHIN_S
        while time.monotonic() < until_s:
            if _ended_within(process, _LOOK_EVERY_S):
                words = self.last_words()
                if "address already in use" in words.lower():
                    raise PortTaken(taken(self._port))
                raise SuperLinkFailed(
                    f"{self._program} does not start (exit code {process.returncode}). Its last words: {words}"
                )
            if self._answers():
                return
        raise SuperLinkFailed(
            f"{self._program} does not answer after {_STARTS_WITHIN_S:g} s. It says: {self.last_words()}"
        )

    def _answers(self) -> bool:
        """Ask for its health; raises SuperLinkFailed if its certificate does not vouch for it."""
        if self._certificates is None:
            door = http.client.HTTPConnection(HERE, self._port, timeout=5)
        else:
            context = ssl.create_default_context(cafile=self._certificates.authority)
            door = http.client.HTTPSConnection(HERE, self._port, timeout=5, context=context)
        try:
            door.request("GET", "/health")
            return door.getresponse().status == http.client.OK
        except ssl.SSLCertVerificationError as error:
            raise SuperLinkFailed(
                f"the certificate of the SuperLink at {self.address} is of no use: {error.verify_message}"
            ) from None
        except OSError:
            return False
        finally:
            door.close()

    def _end(self, *, patience_s: float) -> None:
        process, self._process = self._process, None
        if self._lifeline is not None:
            self._lifeline.cut()
            self._lifeline = None
        if process is None:
            return
        offspring = Offspring(process.pid)
        if patience_s:
            process.terminate()
            if not _ended_within(process, _SAYS_GOODBYE_WITHIN_S):
                process.send_signal(signal.SIGINT)  # to its HTTP server, after SIGTERM: wait for nobody
        if not patience_s or not _ended_within(process, patience_s):
            process.kill()
            process.wait()
        offspring.end()


def _options(certificates: Certificates | None, database: Path | None, *, node_authentication: bool) -> Sequence[str]:
    tls = (
        ["--insecure"]
        if certificates is None
        else [
            *("--ssl-ca-certfile", str(certificates.authority)),
            *("--ssl-certfile", str(certificates.certificate)),
            *("--ssl-keyfile", str(certificates.key)),
        ]
    )
    kept = ["--database", str(database)] if database is not None else []
    return [*tls, *kept, *(["--enable-supernode-auth"] if node_authentication else [])]


def _ended_within(process: "subprocess.Popen[bytes]", seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True
