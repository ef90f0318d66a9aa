"""The example strategy runs as its first lines say."""

from pathlib import Path

import numpy as np
import pytest

from broker.errors import SettingsError
from fleetbeat.saved_run import SavedRun
from tests.world.ground import TINY, run, table

EXAMPLE = Path(__file__).parents[2] / "examples" / "my_strategy.py"
CAUTIOUS = f"{EXAMPLE}:Cautious"


def test_a_cautious_model_goes_as_far_as_there_are_updates(tmp_path: Path) -> None:
    sets = ("ideal=true", "learning.strategy_options.full_step_at=6")

    bold = run(TINY, tmp_path / "bold", "ideal=true", rounds=1, days=0.5)
    cautious = run(TINY, tmp_path / "cautious", *sets, strategy=CAUTIOUS, rounds=1, days=0.5)

    assert [line["aggregated"] for line in table(cautious.path, "rounds.csv")] == ["3"]
    for half, whole in zip(SavedRun(cautious.path).arrays(), SavedRun(bold.path).arrays(), strict=True):
        assert np.allclose(half, whole / 2), "three of the six that make a whole step, from a model of zeros"


def test_an_option_that_cannot_be_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="`full_step_at` must be 1 or more, found 0"):
        run(TINY, tmp_path / "run", "learning.strategy_options.full_step_at=0", strategy=CAUTIOUS)
