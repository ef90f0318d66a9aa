"""Ray: on this machine, or many machines behind ``ray://HOST:PORT``. A seed comes back as files; we write them here."""

import logging
import os
import socket
import sys
import tempfile
import warnings
from collections.abc import Generator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from broker.errors import UsageError
from devices.complaints import shown
from fleetbeat.run_folder import WholeFiles
from fleetbeat.study.cell_file import NAME
from fleetbeat.study.engines import Ended, Lost, News, Task

INSTALL = "pip install 'fleetbeat[simulation]'"
KNOCK_WALL_S = 5.0
"""Ray itself waits half a minute for a head node that is not there, or is something else."""
_WHETHER_THERE, _PING = "/ray.rpc.RayletDriver/ClusterInfo", b"\x08\x06"
"""The first question of Ray's own client, asked before it has said who it is: ClusterInfoRequest(type=PING)."""

Files = Mapping[str, bytes]
"""Files by their path in a study's folder."""


class OnRay:
    """Ray's workers, one for each core: each lives one seed and ends with it."""

    def __init__(self, address: str | None, count: int, *, verbose: bool = False) -> None:
        """Use the cluster at *address* (``ray://HOST:PORT``), or start Ray here with *count* workers.

        Raises UsageError if Ray is not installed, or nobody listens there.
        """
        if find_spec("ray") is None:
            raise UsageError(f"--engine ray: Ray is not installed here; to have it: {INSTALL}")
        if address is not None:
            _knock(address)
        self._address = address
        self._count = count
        self._verbose = verbose

    def live(self, tasks: Sequence[Task]) -> Generator[News, None, None]:
        """Live *tasks*: see `Engine`. Cells of a seed are told together, when all of them are here."""
        ray, missing = self._connected(), {task.seed: task for task in tasks}
        try:
            work = ray.remote(num_cpus=1, max_calls=1, max_retries=0)(_lived_elsewhere)
            under_way = {
                work.remote(Task(task.fleets, task.seed, Path()), _packed(task.study, task.seed), sys.argv): task
                for task in tasks
            }
            while under_way:
                (done,), _ = ray.wait([*under_way], num_returns=1)
                task = under_way.pop(done)
                try:
                    files, ended = ray.get(done)
                except ray.exceptions.RayError as error:
                    del missing[task.seed]
                    yield Lost(task.seed, f"Ray lost it: {_short(error)}")
                    continue
                for name in sorted(files, key=lambda name: name.endswith(f"/{NAME}")):  # cells last
                    _write(task.study / name, files[name])
                del missing[task.seed]
                yield from ended
        except ConnectionError as error:
            for seed in missing:
                yield Lost(seed, f"the connection to Ray is lost: {_short(error)}")
        finally:
            ray.shutdown()

    def _connected(self) -> Any:
        import ray

        quietly: dict[str, Any] = {} if self._verbose else {"logging_level": logging.ERROR}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # of a connection that timed out, before its error
                if self._address is not None:
                    ray.init(self._address, log_to_driver=self._verbose, **quietly)
                else:
                    ray.init(num_cpus=self._count, include_dashboard=False, log_to_driver=self._verbose, **quietly)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise UsageError(f"--engine {self._address or 'ray'}: Ray did not come up: {_short(error)}") from None
        return ray


def _knock(address: str) -> None:
    """Raise UsageError if *address* makes no sense, or nobody listens there who is Ray."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"--engine {address}: {error}, expected ray://HOST:PORT") from None
    if not host or port is None:
        raise UsageError(f"--engine {address}: expected ray://HOST:PORT, a head node's port for clients is 10001")
    try:
        socket.create_connection((host, port), KNOCK_WALL_S).close()
    except UnicodeError:
        raise UsageError(
            f"--engine {address}: found {shown(host)}, which is no name of a host, expected ray://HOST:PORT"
        ) from None
    except OSError as error:
        raise UsageError(
            f"--engine {address}: nobody listens there ({error.strerror or error}); on a cluster's head node, "
            f"`ray start --head --ray-client-server-port {port}` does"
        ) from None
    if os.environ.get("RAY_USE_TLS", "0").lower() in ("0", "false"):  # with TLS Ray has the certificates to ask
        _ask(address, parts.netloc)


def _ask(address: str, place: str) -> None:
    """Raise UsageError unless Ray's server for clients answers at *place*, HOST:PORT."""
    import grpc  # type: ignore[import-untyped]  # it publishes no types; flwr and Ray stand on it

    with grpc.insecure_channel(place, options=[("grpc.enable_http_proxy", 0)]) as channel:  # as Ray's own
        try:
            channel.unary_unary(_WHETHER_THERE)(_PING, timeout=KNOCK_WALL_S, wait_for_ready=True)
        except grpc.RpcError as error:
            did = {
                grpc.StatusCode.DEADLINE_EXCEEDED: f"said nothing for {KNOCK_WALL_S:g} s that Ray would say",
                grpc.StatusCode.UNIMPLEMENTED: "is not Ray's server for clients",
            }.get(error.code())
            if did is not None:  # else it may be Ray, and want to know more: its own client says what
                raise UsageError(
                    f"--engine {address}: who listens there {did}; a head node's port for clients is 10001"
                ) from None


def _lived_elsewhere(task: Task, known: Files, command: list[str]) -> tuple[dict[str, bytes], list[Ended]]:
    """Live what is missing of a seed in a folder of this machine; return what it wrote, and how long cells took."""
    from fleetbeat.terminal import listen

    listen(verbose=False)
    sys.argv = command  # a run folder says what was typed, and this process ends with the seed
    from fleetbeat.study.engines.seed import live

    with tempfile.TemporaryDirectory(prefix="fleetbeat-") as place:
        study = Path(place)
        for name, content in known.items():
            _write(study / name, content)
        news: list[News] = []
        live(Task(task.fleets, task.seed, study), news.append)
        ended = [one for one in news if isinstance(one, Ended)]
        arms = {one.arm for one in ended}
        written = (path for path in study.rglob("*") if path.is_file() and path.relative_to(study).parts[0] in arms)
        return {path.relative_to(study).as_posix(): path.read_bytes() for path in written}, ended


def _packed(study: Path, seed: int) -> dict[str, bytes]:
    """Return what whoever goes on with *seed* must know: its cells, and the small files beside one without learning."""
    files = [*study.glob(f"*/{seed}/{NAME}"), *study.glob(f"*/{seed}/ordinary.csv")]
    return {path.relative_to(study).as_posix(): path.read_bytes() for path in files}


def _write(path: Path, content: bytes) -> None:
    WholeFiles(path.parent).write(path.name, content)


def _short(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
