"""Any Flower App on a fleet: it lives in virtual time, is accounted like our own, and repeats to the byte."""

import builtins
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from devices.fleet_file import Overrides, load_fleet
from devices.residents import residents
from fleetbeat.apps.effort import with_effort
from fleetbeat.apps.loading import forget_guests
from fleetbeat.check import warnings
from fleetbeat.rehearsal import Ran
from fleetbeat.report import write_report
from fleetbeat.saved_run import SavedRun
from fleetbeat.why import chain, story
from tests.apps.ground import MESSAGE_API, NUMPY_CLIENT, SERVER_FN, copied, lives
from tests.world.ground import TINY, assert_same_bytes, journal, results, run, table

DELIVERED = ("train", "delivered")
UNIX_START = 1_767_636_000  # the fleet's start, as SenML takes it


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The Message API's app on a living fleet, that many stories look at; its clients sleep for ten minutes."""
    return lives(MESSAGE_API, tmp_path_factory.mktemp("guest") / "run", "app.config.naps.client-s=600")


def metrics(folder: Path, name: str, place: int = -1) -> dict[str, float]:
    found: dict[str, float] = results(folder)["rounds"][place][name]
    return found


def test_a_guests_device_rounds_are_accounted_as_our_own(ran: Ran) -> None:
    assert (ran.cause, ran.aggregated) == ("rounds_done", True)
    rounds, outcomes = table(ran.path, "rounds.csv"), table(ran.path, "outcomes.csv")
    assert [line["round"] for line in rounds] == ["1", "2"]
    assert float(rounds[1]["t_start_s"]) >= 28_800 + 86_400
    for line in rounds:
        mine = [o["outcome"] for o in outcomes if (o["round"], o["phase"]) == (line["round"], "train")]
        assert len(mine) == int(line["selected"]) > 0
        assert mine.count("delivered") == int(line["delivered"]) == int(line["aggregated"])
    assert all(float(o["energy_j"]) > 0 for o in outcomes if o["outcome"] == "delivered")


def test_its_metrics_and_arrays_are_its_own(ran: Ran) -> None:
    assert {"own-loss"} <= set(metrics(ran.path, "evaluate_metrics_clientapp"))
    assert results(ran.path)["final"]["loss"] == metrics(ran.path, "evaluate_metrics_serverapp")["loss"]
    line = table(ran.path, "rounds.csv")[-1]
    assert float(line["server_loss"]) == pytest.approx(results(ran.path)["final"]["loss"], abs=1e-6)
    assert line["server_balanced_accuracy"] == line["majority_share"] == ""
    (arrays,) = SavedRun(ran.path).arrays()
    assert arrays.shape == (2,)
    assert not (ran.path / "model.json").exists()


def test_its_report_and_the_chains_behind_its_outcomes_can_be_read(ran: Ran) -> None:
    saved = SavedRun(ran.path)

    page = write_report(saved).read_text()

    assert "learn the Flower App message_api" in page
    assert page.count(">clients own-loss</th>") == 2  # over rounds, and beside who delivered in them
    assert "night quality" not in page
    line = table(ran.path, "outcomes.csv")[0]
    assert f"{line['device']}, round 1 (train): {line['outcome']}" in story(chain(saved, line["device"], 1))


def test_a_client_that_sleeps_takes_longer_in_life_and_not_here(ran: Ran, tmp_path: Path) -> None:
    awake = lives(MESSAGE_API, tmp_path / "awake")

    of_each = [
        {(o["device"], o["round"]): o for o in table(folder, "outcomes.csv") if (o["phase"], o["outcome"]) == DELIVERED}
        for folder in (ran.path, awake.path)
    ]
    asleep, awake_too = (lines[min(set(of_each[0]) & set(of_each[1]))] for lines in of_each)
    assert float(asleep["compute_s"]) == pytest.approx(float(awake_too["compute_s"]) + 600)
    assert float(asleep["energy_j"]) == pytest.approx(float(awake_too["energy_j"]))
    assert metrics(ran.path, "train_metrics_clientapp")["slept-s"] == pytest.approx(600)
    assert results(ran.path)["rounds"][0]["train_metrics_clientapp"]["hour"] == 2


def test_life_goes_on_while_a_client_sleeps(ran: Ran, tmp_path: Path) -> None:
    lines = [line for line in table(ran.path, "outcomes.csv") if (line["outcome"], line["round"]) == ("delivered", "1")]
    asleep = next(line for line in lines if line["device"].startswith("phone") and line["phase"] == "train")
    event = f'[[event]]\nat_s = {float(asleep["t_end_s"]) - 300}\ndevice = "{asleep["device"]}"\ndo = "unplug"\n'

    ended = lives(MESSAGE_API, tmp_path / "run", "app.config.naps.client-s=600", fleet=f"{TINY}\n{event}")

    (line,) = (
        line
        for line in table(ended.path, "outcomes.csv")
        if (line["device"], line["round"], line["phase"]) == (asleep["device"], "1", "train")
    )
    assert (line["outcome"], line["reason"]) == ("interrupted", "unplugged")


def test_its_server_sleeps_and_looks_at_clocks_in_virtual_time(tmp_path: Path) -> None:
    ended = lives(MESSAGE_API, tmp_path / "run", "app.config.naps.server-s=7200", "ideal=true")

    judged = metrics(ended.path, "evaluate_metrics_serverapp")
    assert judged["unix-s"] == pytest.approx(UNIX_START + results(ended.path)["virtual_s"])
    assert judged["hour"] == 4  # the round begins at two, and the server sleeps for two hours


def test_dates_of_what_it_imports_late_are_virtual_too(tmp_path: Path) -> None:
    late = '__import__("lateness").hour()'
    app = copied(MESSAGE_API, tmp_path, "message_server.py", "datetime.now().hour", late)
    (app / "lateness.py").write_text(
        "from datetime import datetime\n\n\ndef hour():\n    import datetime as late\n\n"
        "    assert late.datetime.now() == datetime.now()\n    return datetime.now().hour\n"
    )

    ended = lives(app, tmp_path / "run", "app.config.naps.server-s=7200", "ideal=true")

    assert metrics(ended.path, "evaluate_metrics_serverapp")["hour"] == 4


def test_nodes_are_partitions_and_settings_can_be_overridden(tmp_path: Path) -> None:
    one = lives(MESSAGE_API, tmp_path / "one", "ideal=true", "app.config.steps.rate=0.25", seed=3)
    other = lives(MESSAGE_API, tmp_path / "other", "ideal=true", seed=3)

    trained = metrics(one.path, "train_metrics_clientapp")
    assert trained["partition"] == 1.0  # the mean of 0, 1 and 2
    assert not np.array_equal(SavedRun(one.path).arrays()[0], SavedRun(other.path).arrays()[0])


def test_the_same_bytes_with_worker_processes_and_from_the_frozen_file(ran: Ran, tmp_path: Path) -> None:
    again = run(ran.path / "fleet.toml", tmp_path / "again", workers=1)

    assert_same_bytes(ran.path, again.path)


def test_work_left_out_is_measured_once_and_frozen(tmp_path: Path) -> None:
    first = lives(MESSAGE_API, tmp_path / "first", "learning.work=measured", "app.config.naps.client-s=5")

    frozen = tomllib.loads((first.path / "fleet.toml").read_text())
    assert 0 < frozen["learning"]["work"]["gflop"] < 5  # milliseconds of arithmetic: the naps are no part of it
    assert frozen["learning"]["work"]["mb_down"] == pytest.approx(0.00114, rel=0.2)
    assert frozen["app"]["path"] == str(MESSAGE_API)
    again = run(first.path / "fleet.toml", tmp_path / "again")
    assert_same_bytes(first.path, again.path)


def test_work_that_the_fleet_declares_is_said_to_be_the_fleets(tmp_path: Path) -> None:
    file = tmp_path / "fleet.toml"
    file.write_text(TINY)
    work = "learning.work={ gflop = 800, mb_down = 20, mb_up = 5 }"
    fleet = load_fleet(file, Overrides(app=str(MESSAGE_API), sets=(work,)))
    said: list[str] = []

    assert with_effort(fleet, residents(fleet), said.append) == fleet

    assert said == [
        "work of a fit: declared by tiny (800 GFLOP, 20 MB down, 5 MB up); "
        "--set learning.work=measured measures the app's own"
    ]


def test_rounds_that_are_the_apps_own_are_not_warned_of(tmp_path: Path) -> None:
    file = tmp_path / "fleet.toml"
    file.write_text(TINY.replace("rounds = 2", "rounds = 99").replace("min_train_devices = 1", "min_train_devices = 9"))

    ours, apps = (load_fleet(file, Overrides(app=app)) for app in (None, str(MESSAGE_API)))

    assert len(list(warnings(ours, residents(ours)))) == 2
    assert list(warnings(apps, residents(apps))) == []


def test_a_client_that_raises_crashed_by_that_name(tmp_path: Path) -> None:
    ended = lives(MESSAGE_API, tmp_path / "run", "ideal=true", "app.config.fails-on=1")

    by_device = {
        (o["device"], o["outcome"], o["reason"]) for o in table(ended.path, "outcomes.csv") if o["phase"] == "train"
    }
    assert by_device == {
        ("phone-1", "delivered", ""),
        ("phone-2", "crashed", "ArithmeticError"),
        ("smartwatch-1", "delivered", ""),
    }


def test_a_server_that_raises_ends_the_run_as_failed_and_says_where(tmp_path: Path) -> None:
    ended = lives(MESSAGE_API, tmp_path / "run", "app.config.server-fails-in=1")

    assert ended.cause == "failed"
    assert results(ended.path)["account"]["ended"] == "failed"
    reason = results(ended.path)["account"]["reason"]
    assert reason.startswith("KeyError in the ServerApp: 'no such model' (")
    assert "message_server.py, line " in reason


def test_devices_without_our_examples_may_train(tmp_path: Path) -> None:
    ended = lives(MESSAGE_API, tmp_path / "run", "learning.history_nights=0", "learning.first_round_s=0", "ideal=true")

    assert {o["outcome"] for o in table(ended.path, "outcomes.csv")} == {"delivered"}


def test_a_guest_that_waits_for_more_devices_than_there_are_ends_as_too_few(tmp_path: Path) -> None:
    app = copied(MESSAGE_API, tmp_path, "message_server.py", "min_available_nodes=1", "min_available_nodes=9")

    ended = lives(app, tmp_path / "run", days=9)

    assert (ended.cause, ended.aggregated) == ("too_few_devices", False)
    assert "more devices" in results(ended.path)["account"]["reason"]


def test_measuring_a_guest_that_waits_for_what_does_not_come_ends_too(tmp_path: Path) -> None:
    app = copied(MESSAGE_API, tmp_path, "message_server.py", "min_available_nodes=1", "min_available_nodes=9")

    ended = lives(app, tmp_path / "run", "learning.work=measured", days=9)

    assert (ended.cause, ended.aggregated) == ("too_few_devices", False)
    assert "work" not in tomllib.loads((ended.path / "fleet.toml").read_text())["learning"]


STUBBORN = """
    while True:
        try:
            list(grid.get_node_ids())
            time.sleep(3600)
        except Exception as error:
            {does}
"""


@pytest.mark.parametrize("does", ["raise ValueError('it broke') from error", "pass"], ids=["wraps it", "goes on"])
def test_a_guest_that_the_end_of_the_days_surprises_did_not_fail(does: str, tmp_path: Path) -> None:
    app = copied(MESSAGE_API, tmp_path, "message_server.py", "    FedAvg(", STUBBORN.format(does=does) + "    FedAvg(")

    ended = lives(app, tmp_path / "run", days=1)

    account = results(ended.path)["account"]
    assert (ended.cause, account["ended"], account["reason"]) == ("days_over", "days_over", "")


def test_what_a_guest_imports_late_is_forgotten_with_it(tmp_path: Path) -> None:
    app = copied(MESSAGE_API, tmp_path, "message_server.py", "    assert list", "    import lateness\n    assert list")
    (app / "lateness.py").write_text("REMEMBERED = []\n")
    lives(app, tmp_path / "run")
    assert "lateness" in sys.modules

    forget_guests()

    assert "lateness" not in sys.modules


def test_a_guests_module_knows_what_was_put_into_builtins_before_it_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builtins, "_", None, raising=False)  # so that what the app puts there goes after the test
    install = 'import gettext\n\ngettext.install("x")\nimport words\n'
    app = copied(MESSAGE_API, tmp_path, "message_server.py", "import time\n", "import time\n" + install)
    (app / "words.py").write_text('SAID = _("a")\n')

    lives(app, tmp_path / "run")

    assert sys.modules["words"].SAID == "a"


@pytest.fixture(scope="module")
def legacy(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """A legacy ``server_fn``, whose threads are gone."""
    return lives(SERVER_FN, tmp_path_factory.mktemp("legacy") / "run")


def test_a_legacy_server_repeats_to_the_byte(legacy: Ran, tmp_path: Path) -> None:
    again = lives(SERVER_FN, tmp_path / "again")

    assert (legacy.cause, legacy.aggregated) == ("rounds_done", True)
    assert metrics(legacy.path, "evaluate_metrics_clientapp")["number"] > 0
    assert [
        float(line["t_start_s"]) > 28_800 + day * 86_400 - 1
        for day, line in enumerate(table(legacy.path, "rounds.csv"))
    ]
    assert_same_bytes(legacy.path, again.path)


def test_a_legacy_server_may_ask_a_client_for_parameters_and_evaluate_nothing(tmp_path: Path) -> None:
    sets = ("app.config.asks-for-parameters=true", "app.config.fraction-evaluate=0.0", "ideal=true")

    ended = lives(SERVER_FN, tmp_path / "run", *sets)

    assert (ended.cause, ended.aggregated) == ("rounds_done", True)
    rounds = table(ended.path, "rounds.csv")
    assert [float(line["t_start_s"]) for line in rounds] == pytest.approx([28_800, 28_800 + 86_400], abs=60)
    assert results(ended.path)["account"]["evaluate"]["selected"] == 0
    (arrays,) = SavedRun(ended.path).arrays()
    assert arrays[0] == pytest.approx(0.2 * 3 / 4)  # half way to the mean of 0.1, 0.2 and 0.3, twice


def test_a_loop_of_its_own_is_accounted_and_keeps_the_timetable(tmp_path: Path) -> None:
    ended = lives(NUMPY_CLIENT, tmp_path / "run", "ideal=true")

    assert (ended.cause, ended.aggregated) == ("rounds_done", True)
    begun = [event["t_s"] for event in journal(ended.path, "selection_made")]
    assert begun == pytest.approx([28_800, 28_800 + 86_400], abs=60)
    assert {o["outcome"] for o in table(ended.path, "outcomes.csv")} == {"delivered"}
    assert not (ended.path / "model.npz").exists()
    assert "told no metric" in write_report(SavedRun(ended.path)).read_text()


@pytest.mark.slow
def test_the_repository_itself_is_an_app_like_any_other(tmp_path: Path) -> None:
    ended = run("household", tmp_path / "run", app=str(Path(__file__).parents[2]))

    assert (ended.cause, ended.aggregated) == ("rounds_done", True)
    assert results(ended.path)["final"]["balanced_accuracy"] > 0.55
    assert [line["round"] for line in table(ended.path, "rounds.csv")] == ["1", "2", "3"]
