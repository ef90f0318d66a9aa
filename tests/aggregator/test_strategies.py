"""Flower's strategies by name, your own by file; whatever is wrong with either is said in words."""

import asyncio
import json
from pathlib import Path

import numpy as np
import pytest
from flwr.app import ArrayRecord, Message, MetricRecord, RecordDict

from aggregator.strategies import STRATEGIES, Cohort, check_strategy, make_strategy
from broker import events as ev
from broker.errors import SettingsError
from tests.aggregator.fleet import Fleet, answer

COHORT = Cohort(devices=10, fraction_train=0.5, min_train_devices=3)


TREES = ("fedxgbbagging", "fedxgbcyclic")


@pytest.mark.virtual_time
@pytest.mark.parametrize("name", [name for name in STRATEGIES if name not in TREES])
async def test_every_strategy_that_ships_trains(name: str) -> None:
    fleet = Fleet(6)

    await fleet.learn(name, rounds=2)

    assert (fleet.course.cause, fleet.course.reason) == ("rounds_done", "")
    assert len(fleet.course.arrays) == 2
    assert sorted(fleet.course.train_metrics_clientapp) == [1, 2]


@pytest.mark.virtual_time
@pytest.mark.parametrize("name", TREES)
async def test_trees_of_devices_are_put_together(name: str) -> None:
    fleet = Fleet(3, answering=planting)
    fleet.course.arrays = [np.empty(0, dtype=np.uint8)]

    await fleet.learn(name, rounds=2)

    assert (fleet.course.cause, fleet.course.reason) == ("rounds_done", "")
    (booster,) = fleet.course.arrays
    model = json.loads(booster.tobytes())["learner"]["gradient_booster"]["model"]
    assert booster.dtype == np.uint8
    assert [tree["id"] for tree in model["trees"]] == (list(range(6)) if name == "fedxgbbagging" else [0])


def planting(message: Message) -> Message:
    """Reply as Flower's quickstart-xgboost does: one tree more, as the bytes of its JSON."""
    model = {
        "gbtree_model_param": {"num_trees": "1", "num_parallel_tree": "1"},
        "iteration_indptr": [0, 1],
        "tree_info": [0],
        "trees": [{"id": 0}],
    }
    booster = json.dumps({"learner": {"gradient_booster": {"model": model}}}).encode()
    content = RecordDict({"metrics": MetricRecord({"num-examples": 10, "loss": 0.5})})
    if message.metadata.message_type != "evaluate":
        content["arrays"] = ArrayRecord([np.frombuffer(booster, dtype=np.uint8)])
    return Message(content, reply_to=message)


def test_a_strategy_gets_its_options_and_the_cohort() -> None:
    strategy = make_strategy("fedadam", {"eta": 1, "beta_1": 0.8}, COHORT)

    assert vars(strategy).items() >= {"eta": 1, "beta_1": 0.8, "fraction_train": 0.5, "min_train_nodes": 3}.items()


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("fedag", {}, r"found 'fedag'; did you mean 'fedavg'\? \(expected one of fedavg, fedprox"),
        ("fedxgbcyclic", {"cap": 1}, "fedxgbcyclic has no such option"),
        ("deadline", {"late": "kep"}, r"late: found 'kep'; did you mean 'keep'\? \(expected one of drop, keep\)"),
        ("deadline", {"late": 1}, r"late: found 1 \(expected one of drop, keep\)"),
        ("deadline", {"over_selection": 0.9}, "`over_selection` must be 1 or more, found 0.9"),
        ("fedbuff", {"buffer_size": 2.5}, "found 2.5, expected int"),
        ("fedbuff", {"concurrency": -1}, "`concurrency` and `buffer_size` must be 0 or more"),
        ("fedbuff", {"server_learning_rate": 0}, "`server_learning_rate` and `patience_s` must be above 0"),
        ("energy-aware", {"battery_weight": 2}, r"`battery_weight` must be in the range \[0, 1\], found 2"),
        ("fair", {"rule": "weights"}, r"found 'weights'; did you mean 'weight'\? \(expected one of cap, weight\)"),
        ("fair", {"cap": 0}, "`cap` and `cutoff` must be 1 or more, found 0 and 50"),
        ("dp_client_fixed", {"initial_clipping_norm": 1.0}, r"did you mean 'clipping_norm'\?"),
        ("fedadam", {"beta1": 0.9}, r"strategy_options.beta1: fedadam has no such option; did you mean 'beta_1'\?"),
        ("fedavg", {"eta": 0.1}, "fedavg has no such option"),
        ("fedavg", {"fraction_train": 0.1}, "set learning.fraction_train instead"),
        ("fedavg", {"weighted_by_key": "x"}, "no such option"),
        ("fedadam", {"eta": "fast"}, "found 'fast', expected float"),
        ("krum", {"num_malicious_nodes": True}, "found True, expected int"),
        ("fedtrimmedavg", {"beta": 0.7}, r"fedtrimmedavg: `beta` must be in the range"),
        ("dp_fixed", {"clipping_norm": -1}, "clipping norm should be a positive value"),
        ("dp_fixed", {"nose_multiplier": 1}, r"did you mean 'noise_multiplier'\?"),
        ("nowhere.py:Mine", {}, "there is no file nowhere.py"),
        ("mine.py", {}, "expected path.py:Class"),
    ],
)
def test_what_cannot_be_is_said(name: str, options: dict[str, object], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        check_strategy(name, options)


MINE = """
import json
from time import sleep, time
from flwr.app import ConfigRecord
from flwr.serverapp.strategy import FedAvg

class Patient(FedAvg):
    def __init__(self, rest_s: float = 0.0, **rest):
        super().__init__(**rest)
        self.rest_s = rest_s

    def configure_train(self, server_round, arrays, config, grid):
        sleep(self.rest_s)
        return super().configure_train(server_round, arrays, config, grid)

class Broken(FedAvg):
    def aggregate_train(self, server_round, replies):
        raise KeyError("oops")

class Dividing(FedAvg):
    def aggregate_train(self, server_round, replies):
        return 1 / 0

class Mistaken(FedAvg):
    def configure_train(self, server_round, arrays, config, grid):
        return self.read("no JSON")

    def read(self, text):
        return json.loads(text)

class Hasty(FedAvg):
    # a loop of its own: takes the first update that comes, one round each

    def start(self, grid, initial_arrays, num_rounds, timeout, evaluate_fn):
        arrays = initial_arrays
        evaluate_fn(0, arrays)
        for round_ in range(1, num_rounds + 1):
            open_ = grid.push_messages(self.configure_train(round_, arrays, ConfigRecord(), grid))
            while not (replies := grid.pull_messages(open_)):
                sleep(1)
            arrays, _ = self.aggregate_train(round_, replies)
            evaluate_fn(round_, arrays)

class NotOne:
    pass
"""


@pytest.fixture
def mine(tmp_path: Path) -> str:
    path = tmp_path / "mine.py"
    path.write_text(MINE)
    return str(path)


@pytest.mark.virtual_time
async def test_a_strategy_of_ones_own_sleeps_in_virtual_time(mine: str) -> None:
    fleet = Fleet(3)

    await fleet.learn(f"{mine}:Patient", rounds=1, options={"rest_s": 4_000.0})

    assert fleet.course.cause == "rounds_done"
    assert asyncio.get_running_loop().time() > 4_000.0


@pytest.mark.virtual_time
async def test_a_strategy_with_a_loop_of_its_own_runs_as_it_is(mine: str) -> None:
    fleet = Fleet(3)
    fleet.devices["phone-2"].work_s = 20.0

    await fleet.learn(f"{mine}:Hasty", rounds=2)

    assert (fleet.course.cause, fleet.course.reason) == ("rounds_done", "")
    assert [(e.round, e.updates, e.examples) for e in fleet.events(ev.ModelAggregated)] == [(1, 1, 10), (2, 1, 10)]
    assert {event.device for event in fleet.events(ev.ReplyReceived) if event.round == 1} == {"phone-2"}


@pytest.mark.virtual_time
async def test_a_strategy_of_ones_own_that_fails_ends_the_run_with_its_reason(mine: str) -> None:
    fleet = Fleet(3)

    await fleet.learn(f"{mine}:Broken")

    line = MINE.splitlines().index('        raise KeyError("oops")') + 1
    assert (fleet.course.cause, fleet.course.reason) == (
        "failed",
        f"round 1: KeyError in the strategy: 'oops' ({mine}, line {line})",
    )


@pytest.mark.virtual_time
async def test_a_division_in_ones_own_file_is_not_laid_on_the_weights_of_updates(mine: str) -> None:
    fleet = Fleet(3)

    await fleet.learn(f"{mine}:Dividing")

    line = MINE.splitlines().index("        return 1 / 0") + 1
    assert fleet.course.reason == (
        f"round 1: ZeroDivisionError in the strategy: division by zero ({mine}, line {line})"
    )


@pytest.mark.virtual_time
@pytest.mark.parametrize("name", ["fedavg", "fedbuff"])
async def test_updates_that_all_weigh_nothing_are_told_as_that(name: str) -> None:
    fleet = Fleet(3, answering=lambda message: answer(message, **{"num-examples": 0}))

    await fleet.learn(name)

    assert "the updates cannot be weighed, all weights are 0" in fleet.course.reason


@pytest.mark.virtual_time
async def test_the_line_told_is_the_last_one_in_ones_own_file_however_deep_the_trouble_lies(mine: str) -> None:
    fleet = Fleet(3)

    await fleet.learn(f"{mine}:Mistaken")

    line = MINE.splitlines().index("        return json.loads(text)") + 1
    assert fleet.course.reason.startswith("JSONDecodeError in the strategy: Expecting value")
    assert fleet.course.reason.endswith(f" ({mine}, line {line})")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "Patiend",
            r"has no class 'Patiend'; did you mean 'Patient'\? \(strategies in it: Patient, Broken, Dividing, ",
        ),
        ("NotOne", "is no complete flwr.serverapp.strategy.Strategy"),
    ],
)
def test_a_class_that_cannot_be_is_said(mine: str, name: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        check_strategy(f"{mine}:{name}", {})


def test_a_file_that_does_not_load_is_said(tmp_path: Path) -> None:
    path = tmp_path / "bad.py"
    path.write_text("import nothing_of_this_name")

    with pytest.raises(SettingsError, match=r"bad.py failed to load: ModuleNotFoundError"):
        check_strategy(f"{path}:Mine", {})
