"""Every strategy by its name runs a round, or says in words why it cannot."""

from pathlib import Path

import pytest

from aggregator.strategies import OURS, STRATEGIES
from broker.errors import SettingsError
from devices.learning_table import OF_TREES
from tests.world.ground import TINY, assert_same_bytes, results, run, table

OWN = """
from flwr.serverapp.strategy import FedAvg


class Mine(FedAvg):
    def aggregate_train(self, server_round, replies):
        raise {error}
"""


@pytest.mark.parametrize("strategy", [name for name in STRATEGIES if name not in (*OF_TREES, *OURS)])
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


@pytest.mark.parametrize("strategy", OF_TREES)
def test_a_strategy_of_trees_wants_a_model_of_trees(strategy: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=rf"found '{strategy}', which is for boosted trees .*with model 'logistic'"):
        run(TINY, tmp_path / "run", strategy=strategy)


SIX = """schema = 1
name = "six"
seed = 7
days = 1

[learning]
strategy = "{strategy}"
strategy_options = {options}
rounds = 3
round_every_s = 7200
round_deadline_s = {deadline_s}
history_nights = 4
fraction_evaluate = 0.5
work = {{ gflop = 1270, mb_down = 5, mb_up = 5 }}

[[group]]
kind = "tablet"
with = ["band"]
count = 4

[[group]]
kind = "phone-low"
with = ["ring"]
count = 2
"""
"""By night: tablets on their chargers, who take four minutes for a fit, and slow phones."""


CASES = [
    ("deadline", "{ over_selection = 2.0 }", 7200, {("delivered", ""), ("rejected", "surplus")}),
    ("deadline", '{ over_selection = 1.0, late = "keep" }', 320, {("delivered", ""), ("late", "slow_compute")}),
    ("fedbuff", "{ buffer_size = 2, max_staleness = 0 }", 7200, {("delivered", ""), ("rejected", "stale")}),
    ("energy-aware", "{}", 7200, {("delivered", "")}),
    ("fair", '{ rule = "weight" }', 7200, {("delivered", "")}),
]


def six(strategy: str, options: str, deadline_s: float) -> str:
    return SIX.format(strategy=strategy, options=options, deadline_s=deadline_s)


@pytest.mark.parametrize(("strategy", "options", "deadline_s", "ends"), CASES)
def test_of_each_for_fleets_the_account_closes_and_tells_what_became_of_whom(
    strategy: str, options: str, deadline_s: float, ends: set[tuple[str, str]], tmp_path: Path
) -> None:
    ran = run(six(strategy, options, deadline_s), tmp_path / "run")

    rounds = table(ran.path, "rounds.csv")
    trained = [line for line in table(ran.path, "outcomes.csv") if line["phase"] == "train"]
    found = [(line["outcome"], line["reason"]) for line in trained]
    assert ran.cause == "rounds_done"
    assert [line["round"] for line in rounds] == ["1", "2", "3"]
    assert sum(int(line["selected"]) for line in rounds) == len(trained)
    assert sum(int(line["aggregated"]) for line in rounds) == found.count(("delivered", ""))
    assert set(found) >= ends


@pytest.mark.slow
@pytest.mark.parametrize(("strategy", "options", "deadline_s", "_ends"), CASES)
def test_workers_change_no_byte_of_it(
    strategy: str, options: str, deadline_s: float, _ends: object, tmp_path: Path
) -> None:
    ran = [
        run(six(strategy, options, deadline_s), tmp_path / f"{workers}-workers", workers=workers) for workers in (1, 2)
    ]

    assert_same_bytes(ran[0].path, ran[1].path)
