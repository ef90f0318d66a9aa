"""A broker of one's own: the three commands that `fleetbeat broker` prints, as they run."""

import asyncio
import os
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiomqtt
import pytest

from broker.credentials import read_credentials
from devices.fleet_file import load_fleet
from devices.residents import residents
from fleetbeat.own_broker import write_everything
from tests.broker.patience import until
from tests.world.ground import TINY


@contextmanager
def running(command: str, cwd: Path) -> Iterator[None]:
    with subprocess.Popen(
        shlex.split(command), cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as broker:
        try:
            yield
        finally:
            broker.terminate()


def listens(port: int) -> bool:
    with socket.socket() as door:
        return door.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.live
@pytest.mark.needs_broker
@pytest.mark.parametrize("insecure", [False, True], ids=["tls", "insecure"])
async def test_the_commands_it_prints_work(insecure: bool, tmp_path: Path, unused_tcp_port: int) -> None:
    (tmp_path / "mine.toml").write_text(TINY)
    fleet = load_fleet(str(tmp_path / "mine.toml"))
    own = write_everything(fleet.name, residents(fleet), tmp_path / "own", tls=not insecure)
    start, use, look = own.commands("mine.toml")
    port = "1883" if insecure else "8883"
    configuration = tmp_path / "own" / "mosquitto.conf"
    configuration.write_text(configuration.read_text().replace(f"listener {port} ", f"listener {unused_tcp_port} "))
    login = read_credentials(tmp_path / "own/credentials/observer").of("observer")
    assert login is not None
    assert look == f"XDG_CONFIG_HOME={tmp_path}/own/look mosquitto_sub"
    assert f"-p {port}\n" in (tmp_path / "own/look/mosquitto_sub").read_text()

    with running(start, tmp_path):
        await until(lambda: listens(unused_tcp_port))
        async with aiomqtt.Client(  # as the third command does
            "localhost",
            unused_tcp_port,
            username=login[0],
            password=login[1],
            tls_params=None if insecure else aiomqtt.TLSParameters(ca_certs=str(tmp_path / "own/ca.crt")),
        ) as observer:
            await observer.subscribe("fleetbeat/v1/tiny/#", qos=1)
            use = use.replace(f"localhost:{port}", f"localhost:{unused_tcp_port}")
            ran = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", *shlex.split(use), "--rounds", "1", "--workers", "0", "--quiet"),
                cwd=tmp_path,
                env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
            said = (await ran.communicate())[1].decode()
            seen = [str(message.topic).rpartition("/")[2] for message in take(observer)]

    assert (ran.returncode, said) == (0, "")
    assert set(seen) == {"$state", "telemetry"}


def take(client: aiomqtt.Client) -> list[aiomqtt.Message]:
    """What has come so far."""
    queue = client._queue  # its iterator would wait for more
    return [queue.get_nowait() for _ in range(queue.qsize())]
