"""Availability traces of another simulator become lives that a fleet can live by."""

import json
import pickle
from pathlib import Path

import pytest

from broker.errors import SettingsError
from devices.fleet_file import load_fleet
from fleetbeat.importing import convert
from fleetbeat.population import live_without_learning

TRACE = {
    "3834": {"duration": 60_000, "active": [3_600, 50_000], "inactive": [20_000, 86_400], "finish_time": 86_400},
    "12": {"duration": 100, "active": [0], "inactive": [100], "finish_time": 100_000, "model": "CPH1801"},
}
FLEET = """schema = 1
name = "traced"
days = 1
life = "life.csv"
learning = { history_nights = 0 }

[[group]]
kind = "phone"
count = 2
"""


def written(folder: Path, trace: object) -> Path:
    (folder / "trace.json").write_text(json.dumps(trace))
    return folder / "trace.json"


def test_who_is_available_is_on_the_charger_and_on_wifi(tmp_path: Path) -> None:
    imported = convert("fedscale", written(tmp_path, TRACE), tmp_path / "life.csv")
    (tmp_path / "fleet.toml").write_text(FLEET)

    lived = live_without_learning(load_fleet(tmp_path / "fleet.toml")).lived

    assert imported.count == 2
    charging = [(line.device, line.from_s, line.to_s) for line in lived if line.life.charging]
    assert ("phone-1", 3_600, 20_000) in [(d, f, t) for d, f, t in charging] or charging[0][1] == 3_600
    own_s = sum(to_s - from_s for device, from_s, to_s in charging if device == "phone-1")
    other_s = sum(to_s - from_s for device, from_s, to_s in charging if device == "phone-2")
    assert own_s == pytest.approx(16_400 + 36_400)
    assert other_s == pytest.approx(100)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"active": [1, 2]}, "found 2 and 1 moments in active and inactive"),
        ({"inactive": [-1]}, "client 12: inactive: found a list, expected a list of seconds"),
        ({"active": [200]}, "found 100 after 200"),
        ({"finish_time": 0}, "finish_time: found 0, expected seconds above 0"),
        ({"active": "always"}, 'active: found "always", expected a list of seconds'),
    ],
)
def test_a_trace_that_cannot_be_is_refused(tmp_path: Path, changes: dict[str, object], complaint: str) -> None:
    source = written(tmp_path, {"12": TRACE["12"] | changes})

    with pytest.raises(SettingsError) as refused:
        convert("fedscale", source, tmp_path / "life.csv")

    assert complaint in str(refused.value)
    assert not (tmp_path / "life.csv").exists()


def test_a_pickle_is_never_read(tmp_path: Path) -> None:
    (tmp_path / "trace").write_bytes(pickle.dumps(TRACE))

    with pytest.raises(SettingsError, match="is a pickle"):
        convert("fedscale", tmp_path / "trace", tmp_path / "life.csv")


def test_what_is_no_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "trace").write_text("{")

    with pytest.raises(SettingsError, match="is not JSON"):
        convert("fedscale", tmp_path / "trace", tmp_path / "life.csv")
