"""Who may not come in, or should not, is told in one sentence before anything is written: exit code 2."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from broker.certificates import new_authority, server_certificate, today
from broker.mosquitto import Door, PrivateMosquitto
from broker.mosquitto import configuration as conf
from devices.fleet_file import load_fleet
from devices.residents import residents
from fleetbeat.brokers import access_of
from fleetbeat.own_broker import HOUSE
from tests.broker.mortal import silent_door
from tests.live.faults.stage import PHONES, ROOT

pytestmark = [pytest.mark.live, pytest.mark.needs_broker]


def test_a_broker_that_cannot_be_used_is_named_and_nothing_is_begun(tmp_path: Path) -> None:
    """All at once: a wrong password, an expired certificate, a foreign one, and a broker that says nothing."""
    fleet = tmp_path / "phones.toml"
    fleet.write_text(PHONES, encoding="utf-8")
    here = residents(load_fleet(str(fleet)))
    access = access_of("faulty", here, {HOUSE: [device.name for device in here]})
    foreign = tmp_path / "foreign.crt"
    foreign.write_bytes(new_authority("somebody else", 1).certificate)
    long_ago = today() - timedelta(days=9)
    old = new_authority("home, of old", 30, long_ago)
    with (
        PrivateMosquitto(access, Door(authority=new_authority("home", 1))) as broker,
        PrivateMosquitto(access, Door(authority=old)) as stale,
        silent_door() as silent,
    ):
        pair = server_certificate(old, ("127.0.0.1",), 3, long_ago)
        (stale.folder / conf.CERTIFICATE).write_bytes(pair.certificate)
        (stale.folder / conf.KEY).write_bytes(pair.key)
        stale.start_again()
        right, wrong = tmp_path / "right", tmp_path / "wrong"
        right.write_text(broker.credentials_file(access.users), encoding="utf-8")
        wrong.write_text(right.read_text().replace("\nserver:", "\nserver:not-"), encoding="utf-8")
        cases = {
            "password": (str(broker.address), broker.ca_file, wrong),
            "expired": (str(stale.address), stale.ca_file, right),
            "foreign": (str(broker.address), foreign, right),
            "silent": (f"mqtt://127.0.0.1:{silent.port}", None, right),
        }
        running = {}
        for name, (address, ca, credentials) in cases.items():
            words = [sys.executable, "-m", "fleetbeat", "up", str(fleet), "--superlink", "127.0.0.1:1", "--insecure"]
            words += ["--broker", address, *(("--broker-ca", str(ca)) if ca else ())]
            words += ["--broker-credentials", str(credentials), "--out", str(tmp_path / name)]
            running[name] = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
            )
        said = {name: (process.communicate(timeout=60)[1], process.returncode) for name, process in running.items()}

    for name, expected in {
        "password": "refuses server",
        "expired": "expired",
        "foreign": "--broker-ca",
        "silent": "did not answer",
    }.items():
        words_said, code = said[name]
        assert (code, "Traceback" in words_said) == (2, False), words_said
        assert expected in words_said.splitlines()[-1]
        assert not (tmp_path / name).exists() or not any((tmp_path / name).iterdir())
        for line in wrong.read_text().splitlines():
            assert line.partition(":")[2] not in words_said
