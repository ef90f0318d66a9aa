"""docker-compose.yml: a broker for this machine, and for nobody else."""

import re
import subprocess
from pathlib import Path

import pytest

from broker.mosquitto import find_mosquitto

ROOT = Path(__file__).parents[2]
COMPOSE = (ROOT / "docker-compose.yml").read_text()


def test_the_broker_is_published_to_this_machine_alone() -> None:
    published = re.findall(r'^ +- "([\d.]+):(.+):1883"$', COMPOSE, re.MULTILINE)

    assert published == [("127.0.0.1", "${FLEETBEAT_BROKER_PORT:-1883}")]


def test_what_compose_mounts_is_there() -> None:
    mounted = re.findall(r"^ +- \./(.+?):/.+:ro$", COMPOSE, re.MULTILINE)

    assert mounted == ["broker/compose/mosquitto.conf"]
    assert (ROOT / mounted[0]).is_file()


@pytest.mark.needs_broker
def test_mosquitto_understands_its_configuration(tmp_path: Path, unused_tcp_port: int) -> None:
    written = (ROOT / "broker" / "compose" / "mosquitto.conf").read_text()
    here = tmp_path / "mosquitto.conf"
    here.write_text(written.replace("listener 1883", f"listener {unused_tcp_port} 127.0.0.1"))

    with subprocess.Popen([str(find_mosquitto()), "-c", here], stderr=subprocess.PIPE, text=True) as broker:
        assert broker.stderr is not None
        running = any(line.rstrip().endswith("running") for line in broker.stderr)
        broker.kill()  # a SIGTERM this early may be lost: Mosquitto sets its flag after its handler

    assert running
