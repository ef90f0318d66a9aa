"""The repository is a Flower App: Flower's own command packs it."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_flower_packs_the_app_and_nothing_else(tmp_path: Path) -> None:
    flwr = Path(sys.executable).with_name("flwr")
    alone = {"FLWR_HOME": str(tmp_path / "home"), "FLWR_TELEMETRY_ENABLED": "0", "FLWR_DISABLE_UPDATE_CHECK": "1"}

    subprocess.run([flwr, "build", "--app", ROOT], cwd=tmp_path, env={**os.environ, **alone}, check=True)

    packed = zipfile.ZipFile(next(tmp_path.glob("*.fab"))).namelist()
    folders = {name.split("/")[0] for name in packed if "/" in name} - {".info"}
    assert folders == {"aggregator", "broker", "devices", "fleetbeat", "fleets", "studies"}
    assert {"devices/learning/client_app.py", "fleetbeat/flower_app.py", "fleets/household.toml"} <= set(packed)
