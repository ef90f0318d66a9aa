"""Whole runs of small fleets: repeatable to the byte, and honest however they end."""

from collections.abc import Callable
from pathlib import Path
from statistics import mean

import pytest

from broker.link import Message
from broker.memory import MemoryBroker, MemoryLink, MemoryWire
from broker.seal import VERSION
from devices.fleet_file import load_fleet
from devices.kinds import kind_named
from devices.overrides import Overrides
from devices.residents import residents
from fleetbeat.costs import day_costs, foreseen_work
from fleetbeat.price import prices
from fleetbeat.rehearsal import Ran
from fleetbeat.saved_run import SavedRun
from fleetbeat.world import Onlookers, World
from tests.learning.federation import EACH_MODEL
from tests.world.ground import TINY, assert_same_bytes, journal, results, run, table


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """One tiny run that many stories look at."""
    return run(TINY, tmp_path_factory.mktemp("world") / "tiny")


def test_a_run_ends_when_its_rounds_are_done(ran: Ran) -> None:
    assert (ran.cause, ran.aggregated) == ("rounds_done", True)
    assert [line["round"] for line in table(ran.path, "rounds.csv")] == ["1", "2"]
    assert journal(ran.path)[-1]["cause"] == results(ran.path)["account"]["ended"] == "rounds_done"


def test_the_same_fleet_and_seed_give_the_same_bytes(ran: Ran, tmp_path: Path) -> None:
    again = run(TINY, tmp_path / "again")

    assert_same_bytes(ran.path, again.path)


def test_the_frozen_fleet_repeats_the_run(ran: Ran, tmp_path: Path) -> None:
    again = run(ran.path / "fleet.toml", tmp_path / "again")

    assert_same_bytes(ran.path, again.path)


@pytest.mark.needs_broker
def test_a_real_broker_gives_the_same_bytes(ran: Ran, tmp_path: Path) -> None:
    real = run(TINY, tmp_path / "real", broker="mosquitto")

    assert_same_bytes(ran.path, real.path)


@pytest.mark.parametrize("broker", ["memory", pytest.param("mosquitto", marks=pytest.mark.needs_broker)])
def test_seals_change_no_figure(broker: str, ran: Ran, tmp_path: Path) -> None:
    sealed = run(TINY, tmp_path / "sealed", "wire.seal=true", broker=broker)

    told = (sealed.path / "fleet.toml").read_text()
    assert "[wire]\nseal = true\n" in told
    (sealed.path / "fleet.toml").write_text(told.replace("seal = true", "seal = false"))
    assert_same_bytes(ran.path, sealed.path)


class Overheard(MemoryWire):
    """A wire on which somebody notes the readings that go by."""

    def __init__(self) -> None:
        super().__init__(MemoryBroker())
        self.readings: list[bytes] = []

    def link(self, name: str, keepalive_s: float = 0.0) -> MemoryLink:
        link = super().link(name, keepalive_s)
        publish = link.publish

        def note(message: Message, acknowledged: Callable[[], None] | None = None) -> None:
            if message.topic.endswith("/biometrics"):
                self.readings.append(message.payload)
            publish(message, acknowledged)

        link.publish = note  # type: ignore[method-assign]  # what goes by is the same
        return link


def test_readings_travel_in_the_clear_unless_sealed(tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(TINY)
    begins: list[set[bytes]] = []

    for sets in ((), ("wire.seal=true",)):
        fleet, wire = load_fleet(tmp_path / "tiny.toml", Overrides(days=0.1, sets=sets)), Overheard()
        World(fleet, residents(fleet), wire, 0, None, Onlookers(Deaf(), Deaf(), Deaf())).run()
        begins.append({payload[:1] for payload in wire.readings})

    assert begins == [{b"["}, {bytes([VERSION])}]


class Deaf:
    """Hears of everything, and does nothing about it."""

    def __call__(self, _: object) -> None: ...


@pytest.mark.slow
def test_worker_processes_give_the_same_bytes(ran: Ran, tmp_path: Path) -> None:
    many = run(TINY, tmp_path / "many", workers=2)

    assert_same_bytes(ran.path, many.path)


def test_a_day_costs_what_was_foretold_where_everything_was_delivered(ran: Ran) -> None:
    saved = SavedRun(ran.path)

    foretold = {cost.kind: cost for cost in day_costs(saved.fleet, residents(saved.fleet))}
    paid = {price.kind: price for price in prices(saved)}

    watch = paid["smartwatch"]
    outcomes = {line["outcome"] for line in table(ran.path, "outcomes.csv") if line["device"] == "smartwatch-1"}
    assert outcomes == {"delivered"}
    assert foretold["smartwatch"].learning_mb == pytest.approx(watch.mb_a_day, rel=0.01)
    assert foretold["smartwatch"].learning_j == pytest.approx(watch.learning_j / watch.devices / watch.days, rel=0.02)
    for kind in ("smartwatch", "band"):
        assert foretold[kind].learning_battery_min == pytest.approx(paid[kind].battery_min_a_day, rel=0.1)


@pytest.mark.parametrize("model", EACH_MODEL)
def test_work_that_is_left_out_is_foretold_for_each_model(model: str, tmp_path: Path) -> None:
    strategy = "fedxgbbagging" if model == "xgboost" else "fedavg"
    fleet = "\n".join(line for line in TINY.splitlines() if not line.startswith("work = "))
    asked = ("learning.task=sleep-wake", f"learning.model={model}", f"learning.strategy={strategy}")

    saved = SavedRun(run(fleet, tmp_path / "run", *asked).path)

    foretold = foreseen_work(saved.fleet, residents(saved.fleet))
    fits = [line for line in saved.table("outcomes.csv") if (line["device"], line["phase"]) == ("phone-2", "train")]
    took = {column: mean(float(fit[column]) for fit in fits) for column in ("bytes_down", "bytes_up", "compute_s")}
    fit_s = kind_named("phone").processor.seconds(foretold.gflop, in_use=False)
    near = 0.5 if model == "xgboost" else 0.01  # it grows by a tree of each who delivers: two of three
    assert 1e6 * foretold.mb_down == pytest.approx(took["bytes_down"], rel=near)
    assert 1e6 * foretold.mb_up == pytest.approx(took["bytes_up"], rel=near)
    assert fit_s == pytest.approx(
        took["compute_s"], rel=0.5
    )  # a fifth is held out, and a night is not always eight hours


def test_another_seed_is_another_life(ran: Ran, tmp_path: Path) -> None:
    other = run(TINY, tmp_path / "other", seed=8)

    assert (other.path / "life.csv").read_bytes() != (ran.path / "life.csv").read_bytes()


def test_a_new_device_changes_nobodys_life(ran: Ran, tmp_path: Path) -> None:
    more = run(TINY + '\n[[group]]\nkind = "tablet"\nwith = ["ring"]\ncount = 1\n', tmp_path / "more")

    lived: list[dict[str, list[tuple[float, str, object]]]] = []
    for folder in (ran.path, more.path):
        lived.append({})
        for event in journal(folder, "life_changed"):
            lived[-1].setdefault(event["device"], []).append((event["t_s"], event["what"], event["value"]))
    assert set(lived[1]) - set(lived[0]) == {"tablet-1", "ring-1"}
    last_s = min(results(folder)["virtual_s"] for folder in (ran.path, more.path))
    for device, changes in lived[0].items():
        assert [c for c in changes if c[0] < last_s] == [c for c in lived[1][device] if c[0] < last_s]


def test_in_the_ideal_world_everybody_delivers(tmp_path: Path) -> None:
    ideal = run(TINY, tmp_path / "ideal", "ideal=true")

    outcomes = table(ideal.path, "outcomes.csv")
    assert {line["outcome"] for line in outcomes} == {"delivered"}
    assert len(outcomes) == 3 * 2 * 2
    assert {line["power"] + line["charging"] for line in table(ideal.path, "life.csv")} == {"truetrue"}


NOSY = """
import shutil
from flwr.serverapp.strategy import FedAvg

class Nosy(FedAvg):
    def configure_train(self, server_round, arrays, config, grid):
        if server_round == 2:
            shutil.copytree({run!r}, {aside!r})
        return super().configure_train(server_round, arrays, config, grid)
"""


def test_tables_between_rounds_tell_all_that_was_lived_until_then(ran: Ran, tmp_path: Path) -> None:
    file, folder, aside = tmp_path / "nosy.py", tmp_path / "run", tmp_path / "aside"
    file.write_text(NOSY.format(run=str(folder), aside=str(aside)))

    run(TINY, folder, strategy=f"{file}:Nosy")

    now = table(aside, "rounds.csv")[0]["t_end_s"]
    lines, at_the_end = table(aside, "life.csv"), table(ran.path, "life.csv")
    for device in {line["device"] for line in at_the_end}:
        own = [line for line in lines if line["device"] == device]
        assert [line["from_s"] for line in own] == ["0", *(line["to_s"] for line in own[:-1])]
        assert own[-1]["to_s"] == now
    worn = {line["device"]: float(line["worn_share"]) for line in table(aside, "devices.csv")}
    for device, share in worn.items():
        spans = [(float(line["to_s"]) - float(line["from_s"]), line) for line in lines if line["device"] == device]
        assert share == pytest.approx(
            sum(span for span, line in spans if line["worn"] == "true") / float(now), abs=1e-6
        )
    assert (folder / "life.csv").read_bytes() == (ran.path / "life.csv").read_bytes()


def test_days_that_end_in_the_middle_of_a_round_reject_what_is_open(tmp_path: Path) -> None:
    cut = run(TINY, tmp_path / "cut", "ideal=false", "learning.work.gflop=100000", days=28_860 / 86_400)

    assert (cut.cause, cut.aggregated) == ("days_over", False)
    ends = {(line["outcome"], line["reason"]) for line in table(cut.path, "outcomes.csv")}
    assert ("rejected", "run_ended") in ends
    (line,) = table(cut.path, "rounds.csv")
    assert line["t_end_s"] == ""
    assert results(cut.path)["virtual_s"] == pytest.approx(28_860)


def test_too_few_devices_end_the_run_with_an_honest_account(tmp_path: Path) -> None:
    lonely = run(TINY, tmp_path / "lonely", "learning.min_train_devices=9", days=9)

    assert (lonely.cause, lonely.aggregated) == ("too_few_devices", False)
    account = results(lonely.path)["account"]
    assert account["ended"] == "too_few_devices"
    assert "more devices" in account["reason"]
    assert account["train"]["selected"] == 0
    assert journal(lonely.path, "too_few_devices")[0]["needed"] == 9
    assert results(lonely.path)["virtual_s"] < 9 * 86_400


def test_every_outcome_shows_all_nine(tmp_path: Path) -> None:
    shown = run("every-outcome", tmp_path / "shown")

    reasons = {
        (line["outcome"], line["reason"]) for line in table(shown.path, "outcomes.csv") if line["phase"] == "train"
    }
    assert reasons >= {
        ("delivered", ""),
        ("refused", "not_charging"),
        ("interrupted", "unplugged"),
        ("unreachable", "far_link_down"),
        ("lost_power", "training"),
        ("lost_link", "training"),
        ("late", "slow_compute"),
        ("rejected", "run_ended"),
        ("crashed", "SoftwareCrash"),
    }
