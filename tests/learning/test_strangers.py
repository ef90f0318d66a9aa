"""Who is not lived for, strangers of the judge and nodes of Flower's simulation, is measured as the fleet's own are."""

from pathlib import Path

import numpy as np
import pytest

from devices.fleet_file import load_fleet
from devices.learning.partition import buffer_of_partition
from fleetbeat import judge

WATCHES = """schema = 1
name = "watches"
seed = 7
days = 3

[learning]
task = "sleep-wake"
epochs = "all"
history_nights = 0

[[group]]
kind = "smartwatch"
count = 1
wearers = {{ sport_share = 1.0 }}
set = {{ "senses_in_session.heart_rate" = {every_s} }}
"""


def watches(folder: Path, every_s: int, more: str = "") -> str:
    file = folder / f"watches-{every_s}-{len(more)}.toml"
    file.write_text(more + WATCHES.format(every_s=every_s))
    return str(file)


def test_strangers_are_in_session_at_their_sport_unless_the_world_is_ideal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judge, "STRANGERS", 8)

    often, usual, ideal = (
        judge.judge_for(load_fleet(watches(tmp_path, every_s, more)))
        for every_s, more in ((5, ""), (60, ""), (5, "ideal = true\n"))
    )

    assert often is not None
    assert usual is not None
    assert ideal is not None
    assert np.array_equal(often.examples.labels, usual.examples.labels)
    assert 0 < (often.examples.features != usual.examples.features).any(axis=1).mean() < 1
    assert np.array_equal(ideal.examples.features, usual.examples.features)


def test_a_partitions_watch_is_in_session_at_its_wearers_sport(tmp_path: Path) -> None:
    often, usual = (buffer_of_partition(0, 1, {"fleet": watches(tmp_path, every_s)}).nights() for every_s in (5, 60))

    for dense, seldom in zip(often, usual, strict=True):
        changed = (dense.examples.features != seldom.examples.features).any(axis=1)
        assert 0 < changed.mean() < 1
