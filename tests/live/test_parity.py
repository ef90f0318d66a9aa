"""One fleet in both clocks: where nothing takes time, virtual time and live come to the same model."""

from pathlib import Path

import numpy as np
import pytest

from devices.fleet_file import Overrides, load_fleet
from fleetbeat.rehearsal import run
from fleetbeat.saved_run import SavedRun
from tests.live.user import up

pytestmark = [pytest.mark.live, pytest.mark.needs_broker]

SETS = (
    "ideal=true",
    "learning.rounds=2",
    "learning.first_round_s=14400",
    "learning.round_every_s=50400",
    "learning.round_deadline_s=43200",
)
"""Two rounds, one in the evening and one at noon: between them is a night that the second learns from."""
WHO_DID_WHAT = ("round", "phase", "device", "outcome", "reason", "examples", "examples_fresh")


def table(saved: SavedRun, name: str, columns: tuple[str, ...]) -> list[tuple[str, ...]]:
    return sorted(tuple(line[column] for column in columns) for line in saved.table(name))


def test_an_ideal_household_learns_the_same_in_virtual_time_and_live(tmp_path: Path) -> None:
    virtual = SavedRun(run(load_fleet("household", Overrides(sets=SETS)), out=tmp_path / "virtual", quiet=True).path)

    with up(tmp_path, "household", "--speed", "2000", *(f"--set={line}" for line in SETS)) as user:
        code = user.ends(150.0)

    assert code == 0, user.screen
    live = user.run
    assert table(live, "outcomes.csv", WHO_DID_WHAT) == table(virtual, "outcomes.csv", WHO_DID_WHAT)
    assert {line[6] for line in table(live, "outcomes.csv", WHO_DID_WHAT)} > {"0"}, "it learnt of the night between"
    for mine, theirs in zip(live.arrays(), virtual.arrays(), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-9)
    assert user.left_behind() == []
