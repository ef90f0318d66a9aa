"""`fleetbeat up` as its user sees it: typed words, Ctrl-C whenever, and a broker and a SuperLink of one's own."""

import json
import os
import shlex
import signal
from collections import Counter
from pathlib import Path

import pytest

from broker import events as ev
from devices.fleet_file import load_fleet
from devices.learning.models import missing_library
from devices.residents import residents
from fleetbeat.live_app import BROKER, BROKER_CA, BROKER_CREDENTIALS, FLEET
from fleetbeat.own_broker import write_everything
from fleetbeat.superlink import Certificates, PrivateSuperLink
from tests.live.faults.stage import STEADY
from tests.live.stock import flwr
from tests.live.test_own_broker import listens, running
from tests.live.user import ROOT, TWO, awaited, until, up

pytestmark = [pytest.mark.live, pytest.mark.needs_broker]


def test_pulling_the_plug_by_a_typed_word_interrupts_that_very_fit(tmp_path: Path) -> None:
    with up(tmp_path, "two.toml", "--speed", "720") as user, user.looked_on() as heard:
        user.type("phone-1 plug")
        user.type("phone-3 plug")
        user.type("phone-1 unplugg")

        awaited(heard, ev.WorkStarted, 60.0, device="phone-1")
        user.type("phone-1 unplug")
        user.reads("phone-1 is off its charger now")
        code = user.ends(60.0)

    assert code == 0, user.screen
    ends = {line["device"]: (line["outcome"], line["reason"]) for line in user.run.table("outcomes.csv")}
    assert ends == {"phone-1": ("interrupted", "unplugged"), "phone-2": ("delivered", "")}
    assert [line for line in user.screen if line.startswith("no device is called phone-3")]
    assert [line for line in user.screen if line.startswith("unplugg: expected one of")]
    assert user.left_behind() == []


def test_ctrl_c_within_a_round_closes_the_account_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with up(tmp_path, "two.toml", "--speed", "360", "--rounds", "3") as user, user.looked_on() as heard:
        awaited(heard, ev.TaskRefused, 60.0, device="phone-1")
        awaited(heard, ev.WorkStarted, 60.0, device="phone-2")

        code = user.interrupt()

    assert code == 130
    assert user.left_behind() == []
    outcomes = Counter((line["device"], line["outcome"], line["reason"]) for line in user.run.table("outcomes.csv"))
    assert outcomes == {("phone-1", "refused", "not_charging"): 1, ("phone-2", "rejected", "run_ended"): 1}
    assert user.run.results["account"]["ended"] == "stopped"
    assert not [line for line in user.screen if "Traceback" in line]


@pytest.mark.extra
@pytest.mark.skipif(missing_library("xgboost") is not None, reason="xgboost is not installed")
def test_trees_are_grown_and_bagged_live_as_well(tmp_path: Path) -> None:
    trees = ("--set", "learning.model=xgboost", "--set", "learning.strategy=fedxgbbagging")

    always = "".join(f'[[event]]\nat_s = 0\ndevice = "phone-2"\ndo = "{do}"\n' for do in STEADY["phone"])

    with up(tmp_path, "two.toml", "--speed", "1440", "--rounds", "2", *trees, text=TWO + always) as user:
        code = user.ends(90.0)

    assert code == 0, user.screen
    assert [line["delivered"] for line in user.run.table("rounds.csv")] == ["1", "1"]
    (model,) = user.run.arrays()
    assert len(json.loads(model.tobytes())["learner"]["gradient_booster"]["model"]["trees"]) == 2
    assert user.left_behind() == []


def test_who_stops_it_before_life_began_is_told_so_and_has_no_folder(tmp_path: Path) -> None:
    with up(tmp_path, "two.toml") as user:
        user.reads("live at")

        code = user.interrupt(signal.SIGTERM)

    assert code == 130
    assert user.screen[1:] == ["stopped before life began; nothing was written"]
    assert not user.out.exists()
    assert user.left_behind() == []


def test_sigterm_while_life_begins_leaves_a_whole_folder_and_nothing_behind(tmp_path: Path) -> None:
    with up(tmp_path, "two.toml") as user:
        user.reads("SuperLink")

        code = user.interrupt(signal.SIGTERM)

    assert code == 130
    assert user.run.ended == "stopped"
    assert user.left_behind() == []
    assert not [line for line in user.screen if "Traceback" in line]


def test_who_presses_ctrl_c_twice_has_the_journal_and_is_told(tmp_path: Path) -> None:
    with up(tmp_path, "two.toml") as user:
        user.reads("submitted")
        user.process.send_signal(signal.SIGINT)
        user.reads("stopping")

        code = user.interrupt()

    assert code == 130
    assert user.screen[-1] == f"cut short: {user.out} has what was written until now"
    assert (user.out / "journal.jsonl").is_file()  # with whatever had come to the disk by then
    assert user.left_behind() == []
    assert not [line for line in user.screen if "Traceback" in line or "lost its broker" in line]


def test_an_option_that_cannot_be_is_told_before_anything_else(tmp_path: Path) -> None:
    with up(tmp_path, "two.toml", "--broker", "memory") as user:
        code = user.ends(60.0)

    assert code == 2
    assert [line.partition(":")[0] for line in user.screen] == ["fleetbeat"]


def test_a_kill_leaves_no_process_and_no_secret_behind(tmp_path: Path) -> None:
    with up(tmp_path, "two.toml") as user:
        user.reads("submitted")

        user.interrupt(signal.SIGKILL)

    until(lambda: not user.survivors(), 60.0, lambda: f"the end of {user.survivors()}")
    assert user.left_behind() == []


def test_a_superlink_that_is_not_there_is_told_before_a_folder_is_made(tmp_path: Path, unused_tcp_port: int) -> None:
    with up(tmp_path, "two.toml", "--superlink", f"127.0.0.1:{unused_tcp_port}") as user:
        code = user.ends(60.0)

    assert code == 2
    assert f"no SuperLink at 127.0.0.1:{unused_tcp_port} (with TLS, trusting" in user.screen[-1]
    assert not user.out.exists()


def test_a_run_by_hand_on_a_broker_and_a_superlink_of_ones_own(tmp_path: Path, unused_tcp_port: int) -> None:
    (tmp_path / "two.toml").write_text(TWO)
    own = tmp_path / "own"
    written = write_everything("two", residents(load_fleet(tmp_path / "two.toml")), own)
    configuration = own / "mosquitto.conf"
    configuration.write_text(configuration.read_text().replace("listener 8883 ", f"listener {unused_tcp_port} "))
    start, use, _look = written.commands("two.toml")
    theirs = shlex.split(use.replace("localhost:8883", f"localhost:{unused_tcp_port}"))[3:]
    environment = os.environ | {
        FLEET: str(tmp_path / "two.toml"),
        BROKER: f"mqtts://localhost:{unused_tcp_port}",
        BROKER_CA: str(own / "ca.crt"),
        BROKER_CREDENTIALS: str(own / "credentials" / "server"),
        "PYTHONPATH": str(ROOT),
    }
    files = Certificates(own / "ca.crt", own / "server.crt", own / "server.key")

    with running(start, tmp_path), PrivateSuperLink(tmp_path / "superlink", environment, files) as superlink:
        until(lambda: listens(unused_tcp_port), 10.0, lambda: "a broker")
        mine = ("--superlink", superlink.address, "--superlink-ca", str(own / "ca.crt"), "--wait", "--speed", "720")
        with up(tmp_path, "two.toml", *theirs, *mine) as user:
            user.reads("SuperLink")
            flwr(superlink, tmp_path / "flwr-home", "run", str(ROOT), "live", "--run-config", "strategy='fedmedian'")
            code = user.ends(60.0)
        listing = flwr(superlink, tmp_path / "flwr-home", "list", "--format", "json")

    assert code == 0, user.screen
    assert [line["delivered"] for line in user.run.table("rounds.csv")] == ["1"]
    assert user.left_behind() == []
    assert "finished:completed" in listing
