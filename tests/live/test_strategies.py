"""Strategies for fleets at a real SuperLink: on Flower's own grid as they are, and on a fleet that lives."""

import os
from collections import Counter
from pathlib import Path

import pytest

from aggregator.strategies import OURS
from tests.live.stock import tiny_app
from tests.live.test_nodes import Founded, found, until
from tests.live.user import ROOT, up

__all__ = ["found"]
"""The fixture that starts a SuperLink, used here too."""

pytestmark = pytest.mark.live

SERVER = """
import json

import numpy as np
from flwr.app import ArrayRecord
from flwr.serverapp import ServerApp

from aggregator.strategies import OURS, Cohort, make_strategy

app = ServerApp()
OPTIONS = {"deadline": {"over_selection": 1.5}, "fedbuff": {"buffer_size": 2, "concurrency": 3}}


@app.main()
def main(grid, context):
    config = context.run_config
    while len(list(grid.get_node_ids())) < config["nodes"]:
        pass
    for name in OURS:
        cohort = Cohort(devices=config["nodes"], fraction_evaluate=0.0)
        strategy = make_strategy(name, OPTIONS.get(name, {}), cohort)
        result = strategy.start(grid, ArrayRecord([np.zeros(7)]), num_rounds=config["rounds"], timeout=30.0)
        model = [array.tolist() for array in result.arrays.to_numpy_ndarrays()]
        line = {"strategy": name, "grid": type(grid).__name__, "model": model}
        line["rounds"] = list(result.train_metrics_clientapp)
        with open(config["out"], "a") as file:
            file.write(json.dumps(line) + "\\n")
"""


async def test_each_of_ours_trains_on_flowers_own_grid(
    found: Founded,  # it is the fixture
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(os.environ, "PYTHONPATH", str(ROOT))
    fleet = await found()
    tiny_app(fleet.folder / "app")
    (fleet.folder / "app" / "tiny" / "server.py").write_text(SERVER, encoding="utf-8")
    fleet.live(*(fleet.device() for _ in range(3)))

    seen = await fleet.run(rounds=2, nodes=3)
    await until(lambda: len(seen()) == len(OURS), 90.0, f"each strategy's end; so far {seen()}")

    assert {line["grid"] for line in seen()} == {"HttpGrid"}
    assert [(line["strategy"], line["rounds"]) for line in seen()] == [(name, [1, 2]) for name in OURS]
    models = {line["strategy"]: line["model"][0] for line in seen()}
    assert {name: models[name] for name in OURS if name != "fedbuff"} == {
        name: pytest.approx([2.0] * 7) for name in OURS if name != "fedbuff"
    }
    assert 1.7 < models["fedbuff"][0] <= 2.0, "the third device's first update was a version old"


FOUR = """\
schema = 1
name = "four"
start = 2026-01-06T00:00:00
days = 1
[learning]
strategy = "{strategy}"
strategy_options = {options}
rounds = 2
min_train_devices = 1
first_round_s = 1800
round_every_s = 3600
round_deadline_s = 14400
fraction_evaluate = 0
history_nights = 10
work = {{ gflop = 1000, mb_down = 5, mb_up = 5 }}
[[group]]
kind = "tablet"
with = ["band"]
count = 3
[[group]]
kind = "phone"
with = ["band"]
count = 1
set = {{ charging_habit = "band" }}
"""
"""At midnight three are on their chargers; the phone is charged as rarely as a band."""


@pytest.mark.needs_broker
@pytest.mark.parametrize(("strategy", "options"), [("fedbuff", "{ buffer_size = 2 }"), ("energy-aware", "{}")])
def test_of_a_fleet_that_lives_the_account_closes(strategy: str, options: str, tmp_path: Path) -> None:
    text = FOUR.format(strategy=strategy, options=options)

    with up(tmp_path, "four.toml", "--speed", "720", text=text) as user:
        code = user.ends(90.0)

    assert code == 0, user.screen
    rounds, lines = user.run.table("rounds.csv"), user.run.table("outcomes.csv")
    assert [line["round"] for line in rounds] == ["1", "2"]
    assert sum(int(line["selected"]) for line in rounds) == len(lines)
    ends = Counter(line["outcome"] for line in lines)
    assert ends["delivered"] == sum(int(line["aggregated"]) for line in rounds) > 0
    if strategy == "energy-aware":
        assert ends["refused"] < 2, "the phone is not asked in both rounds (a report may be some minutes old)"
