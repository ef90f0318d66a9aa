"""Flower's strategies by name, your own by file; whatever is wrong with either is said in words."""

import asyncio
from pathlib import Path

import pytest

from aggregator.strategies import STRATEGIES, Cohort, check_strategy, make_strategy
from broker import events as ev
from broker.errors import SettingsError
from tests.aggregator.fleet import Fleet, answer, failing

COHORT = Cohort(devices=10, fraction_train=0.5, min_train_devices=3)


@pytest.mark.virtual_time
@pytest.mark.parametrize("name", STRATEGIES)
async def test_every_strategy_that_ships_trains(name: str) -> None:
    fleet = Fleet(6)

    await fleet.learn(name, rounds=2)

    assert (fleet.course.cause, fleet.course.reason) == ("rounds_done", "")
    assert len(fleet.course.arrays) == 2
    assert sorted(fleet.course.train_metrics_clientapp) == [1, 2]


def test_a_strategy_gets_its_options_and_the_cohort() -> None:
    strategy = make_strategy("fedadam", {"eta": 1, "beta_1": 0.8}, COHORT)

    assert vars(strategy).items() >= {"eta": 1, "beta_1": 0.8, "fraction_train": 0.5, "min_train_nodes": 3}.items()


@pytest.mark.virtual_time
@pytest.mark.parametrize("name", ["dp_fixed", "dp_adaptive", "dp_client_fixed", "dp_client_adaptive"])
async def test_a_private_strategy_skips_a_round_with_an_error_and_goes_on(name: str) -> None:
    fleet = Fleet(3)
    fleet.devices["phone-2"].answering = lambda message: (
        failing(message) if len(fleet.devices["phone-2"].fetched) == 1 else answer(message)
    )

    await fleet.learn(name, rounds=2)

    assert (fleet.course.cause, fleet.course.reason) == ("rounds_done", "")
    assert [event.round for event in fleet.events(ev.ModelAggregated)] == [2]
    assert {(event.round, event.device) for event in fleet.events(ev.UpdateRejected)} == {
        (1, "phone-1"),
        (1, "phone-3"),
    }


@pytest.mark.virtual_time
@pytest.mark.parametrize("name", ["dp_adaptive", "dp_client_adaptive"])
async def test_adaptive_clipping_cannot_do_without_any_update_and_says_so(name: str) -> None:
    fleet = Fleet(3, work_s=900.0)

    await fleet.learn(name, rounds=1, deadline_s=600.0)

    reason = "round 1: no update came, and the strategy cannot do without (float division by zero)"
    assert (fleet.course.cause, fleet.course.reason) == ("failed", reason)


@pytest.mark.parametrize("name", ["dp_fixed", "dp_client_fixed"])
def test_options_of_a_private_strategy_go_where_they_belong(name: str) -> None:
    strategy = make_strategy(name, {"noise_multiplier": 0.3}, COHORT)

    assert vars(strategy)["noise_multiplier"] == 0.3
    assert vars(strategy)["num_sampled_clients"] == 5


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("fedag", {}, r"found 'fedag'; did you mean 'fedavg'\? \(expected one of fedavg, fedprox"),
        ("fedxgbcyclic", {}, "boosted trees"),
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
    assert (fleet.course.cause, fleet.course.reason) == ("failed", f"round 1: KeyError: 'oops' ({mine}, line {line})")


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
            r"has no class 'Patiend'; did you mean 'Patient'\? \(strategies in it: Patient, Broken, Mistaken, Hasty\)",
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
