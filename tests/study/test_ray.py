"""Ray as the place where seeds are lived: a cluster that is there, one that is not, and one that goes away."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc  # type: ignore[import-untyped]  # it publishes no types
import pytest

from broker.errors import UsageError
from fleetbeat.study.engines.on_ray import OnRay
from fleetbeat.study.run import run
from tests.cli.conftest import Command, fleetbeat
from tests.live.test_own_broker import listens
from tests.study.ground import plan, written
from tests.world.ground import MACHINE

__all__ = ["fleetbeat"]

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT), "RAY_USAGE_STATS_ENABLED": "0"}


@pytest.fixture
def head(unused_tcp_port_factory: Callable[[], int]) -> Iterator[str]:
    """A cluster of one machine, this one; yields its address for clients."""
    own, clients = unused_tcp_port_factory(), unused_tcp_port_factory()
    place = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))  # the paths of its sockets must be short
    words = ["--head", "--block", "--port", str(own), "--ray-client-server-port", str(clients), "--num-cpus", "2"]
    process = subprocess.Popen(
        [str(BIN / "ray"), "start", *words, "--include-dashboard=false", "--temp-dir", str(place)],
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        until_s = time.monotonic() + 60
        while not listens(clients):
            assert process.poll() is None, "Ray ended"
            assert time.monotonic() < until_s, "Ray does not come up"
            time.sleep(0.2)  # noqa: TID251  # a real program starts in real time
        yield f"ray://127.0.0.1:{clients}"
    finally:
        process.terminate()  # its own processes end with it
        try:
            process.wait(60)
        finally:
            with suppress(ProcessLookupError):  # nobody is left, as it should be
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            shutil.rmtree(place, ignore_errors=True)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if Ray were installed: nothing of it is needed to find out that nobody listens."""
    monkeypatch.setattr("fleetbeat.study.engines.on_ray.find_spec", lambda _: object())


def studied(file: Path, out: Path, *options: str) -> dict[str, bytes]:
    """Live a study as its user does, and return the files that do not depend on the machine."""
    words = [sys.executable, "-m", "fleetbeat", "study", str(file), "--seeds", "2", "--out", str(out), *options]
    ran = subprocess.run(words, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, timeout=300)
    assert ran.returncode == 1, ran.stdout + ran.stderr  # two seeds cannot say
    files = (path for path in out.rglob("*") if path.is_file() and path.name not in MACHINE)
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in files}


@pytest.mark.slow
@pytest.mark.skipif(find_spec("ray") is None, reason="it needs Ray: pip install '.[simulation]'")
def test_a_cluster_writes_the_same_bytes_as_processes_here(head: str, tmp_path: Path) -> None:
    file = written(tmp_path)

    there, here = studied(file, tmp_path / "there", "--engine", head), studied(file, tmp_path / "here")

    assert "fleet/3/model.npz" in there
    assert [name for name in {*here, *there} if here.get(name) != there.get(name)] == []


@pytest.mark.usefixtures("installed")
def test_a_cluster_that_is_not_there_is_told_before_a_folder_is_made(
    fleetbeat: Command, tmp_path: Path, unused_tcp_port: int
) -> None:
    answer = fleetbeat("study", str(written(tmp_path)), "--engine", f"ray://127.0.0.1:{unused_tcp_port}")

    assert (answer.code, answer.err) == (
        2,
        f"fleetbeat: --engine ray://127.0.0.1:{unused_tcp_port}: nobody listens there (Connection refused); on a "
        f"cluster's head node, `ray start --head --ray-client-server-port {unused_tcp_port}` does\n",
    )
    assert [*tmp_path.glob("runs")] == []


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("address", ["ray://", "ray://head", "ray://head:port", "ray://[::1:10001", "ray://a..b:10001"])
def test_an_address_that_makes_no_sense_is_told(address: str, fleetbeat: Command, tmp_path: Path) -> None:
    answer = fleetbeat("study", str(written(tmp_path)), "--engine", address)

    assert answer.code == 2
    assert f"--engine {address}: " in answer.err
    assert "expected ray://HOST:PORT" in answer.err


@pytest.mark.usefixtures("installed")
def test_who_listens_and_says_nothing_is_not_taken_for_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fleetbeat.study.engines.on_ray.KNOCK_WALL_S", 0.2)

    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"ray://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(UsageError, match=r"who listens there said nothing for 0\.2 s that Ray would say"):
            OnRay(address, 2)


@pytest.mark.usefixtures("installed")
def test_a_server_of_another_kind_is_not_taken_for_a_cluster(answering: Callable[..., str]) -> None:
    address = answering(lambda *_: None)

    with pytest.raises(UsageError, match="who listens there is not Ray's server for clients"):
        OnRay(address, 2)


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("status", [grpc.StatusCode.OK, grpc.StatusCode.UNAUTHENTICATED])
def test_who_answers_as_ray_does_is_left_to_rays_own_client(
    answering: Callable[..., str], status: grpc.StatusCode
) -> None:
    asked = []

    def ping(question: bytes, context: Any) -> bytes:
        asked.append(question)
        context.set_code(status)
        return b""

    def of(call: Any) -> Any:
        return grpc.unary_unary_rpc_method_handler(ping) if call.method.endswith("RayletDriver/ClusterInfo") else None

    OnRay(answering(of), 2)

    assert asked == [b"\x08\x06"]  # ClusterInfoRequest(type=PING), as Ray 2.55 writes it


@pytest.fixture
def answering() -> Iterator[Callable[..., str]]:
    """Return a function that starts a gRPC server, which finds its methods with what it is given, and its address."""
    servers = []

    def at(find: Callable[[Any], Any]) -> str:
        class Handler(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpc publishes no types
            def service(self, call: Any) -> Any:
                return find(call)

        server = grpc.server(ThreadPoolExecutor(1), handlers=[Handler()])
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        servers.append(server)
        return f"ray://127.0.0.1:{port}"

    yield at
    for server in servers:
        server.stop(None).wait(10)


class Vanishing:
    """A Ray whose cluster takes all work and is gone before any of it is done."""

    exceptions = SimpleNamespace(RayError=RuntimeError)

    def init(self, **_: object) -> None:
        pass

    def remote(self, **_: object) -> Callable[[Any], Any]:
        return lambda _: SimpleNamespace(remote=lambda *_: object())

    def wait(self, *_: object, **__: object) -> None:
        raise ConnectionError("Client is shutting down.")

    def shutdown(self) -> None:
        pass


@pytest.mark.usefixtures("installed")
def test_a_cluster_that_goes_away_leaves_a_study_that_says_so_and_can_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", Vanishing())

    left = run(plan(tmp_path), tmp_path / "out", OnRay(None, 2), seeds=(3, 4), quiet=True)

    assert not left.stopped
    assert {cell.seed for cell in left.crashed} == {3, 4}
    assert {cell.error for cell in left.cells} == {"the connection to Ray is lost: Client is shutting down."}
