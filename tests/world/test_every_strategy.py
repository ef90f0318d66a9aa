"""Every strategy by its name runs a round, or says in words why it cannot."""

from pathlib import Path

import pytest

from devices.settings import STRATEGIES
from tests.world.ground import TINY, results, run, table

OWN = """
from flwr.serverapp.strategy import FedAvg


class Mine(FedAvg):
    def aggregate_train(self, server_round, replies):
        raise {error}
"""


@pytest.mark.parametrize(
    "strategy", [name for name in STRATEGIES if name != "fedxgbbagging"]
)  # tests/world/test_models.py
def test_a_round_of_each(strategy: str, tmp_path: Path) -> None:
    ran = run(TINY, tmp_path / "run", "ideal=true", strategy=strategy, rounds=1, days=0.5)

    account = results(ran.path)["account"]
    assert (ran.cause, ran.aggregated) == ("rounds_done", True) or (ran.cause == "failed" and account["reason"])
    assert account["train"]["selected"] == 3
    assert {line["outcome"] for line in table(ran.path, "outcomes.csv")} <= {"delivered", "rejected"}


def test_a_strategy_of_ones_own_that_fails_ends_the_run_with_its_words(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(OWN.format(error='ValueError("not today")'))

    ran = run(TINY, tmp_path / "run", "ideal=true", strategy=f"{file}:Mine", rounds=1)

    assert (ran.cause, ran.aggregated) == ("failed", False)
    assert "not today" in results(ran.path)["account"]["reason"]
    assert {(line["outcome"], line["reason"]) for line in table(ran.path, "outcomes.csv")} == {("rejected", "invalid")}
