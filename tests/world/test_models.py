"""A fleet learns with each model in virtual time, and leaves a folder that tells of it."""

import json
from pathlib import Path

import pytest

from devices.learning.models import LOCAL_EPOCHS
from fleetbeat import judge
from fleetbeat.report import model as page
from fleetbeat.saved_run import SavedRun
from tests.learning.federation import EACH_MODEL
from tests.world.ground import TINY, assert_same_bytes, results, run

STRANGERS = 10


def sets(name: str) -> tuple[str, ...]:
    strategy = "fedxgbbagging" if name == "xgboost" else "fedavg"
    return (
        f"learning.model={name}",
        f"learning.strategy={strategy}",
        "learning.task=sleep-wake",
        "learning.history_nights=1",
        "learning.round_every_s=3600",
        "ideal=true",
    )


@pytest.mark.parametrize("name", EACH_MODEL)
def test_wearers_in_no_device_are_told_sleep_from_wake(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judge, "STRANGERS", STRANGERS)

    ran = run(TINY, tmp_path / "run", *sets(name), rounds=3)

    found = results(ran.path)
    assert (ran.cause, ran.aggregated) == ("rounds_done", True)
    assert found["final"]["auc"] > 0.7
    assert found["references"]["central"]["auc"] > 0.6
    assert f"local_epochs = {LOCAL_EPOCHS[name]}" in (ran.path / "fleet.toml").read_text()
    words = json.loads((ran.path / "model.json").read_text())
    assert words["task"] == "sleep-wake"
    assert words.get("model", "logistic") == name
    assert bool(found["final"]["coefficients"]) == (name == "logistic")
    section = page.section(SavedRun(ran.path))
    assert section is not None


@pytest.mark.slow
@pytest.mark.parametrize("name", EACH_MODEL)
def test_one_and_two_workers_give_the_same_bytes(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge, "STRANGERS", STRANGERS)

    for workers in (1, 2):
        run(TINY, tmp_path / str(workers), *sets(name), rounds=2, workers=workers)

    assert_same_bytes(tmp_path / "1", tmp_path / "2")
