"""`docker compose up` as it comes: three containers live, stream and train; one is restarted on the way."""

import json
import time
from dataclasses import dataclass
from itertools import pairwise

import pytest

from fleetbeat.saved_run import SavedRun
from tests.compose.stage import Seen, Stage, check_account

pytestmark = pytest.mark.compose

ROUNDS = 3
WITHIN_S = 480.0
"""From `up` to the end of the third round, with images built."""
LOOKS_FOR_S = 60
DEVICES = ("smartwatch", "phone", "tablet")
LASTING = (*DEVICES, "broker", "superlink")


@dataclass
class Lived:
    """What came of it."""

    stage: Stage
    took_s: float
    code: int
    seen: Seen
    """By an observer."""
    own: Seen
    """By the phone's own account."""

    @property
    def run(self) -> SavedRun:
        return SavedRun(self.stage.runs / "household-7")


@pytest.fixture(scope="module")
def lived(stage: Stage) -> Lived:
    began_s = time.monotonic()
    stage.compose("up", "--detach", within_s=300.0)
    with stage.looking_on("observer", LOOKS_FOR_S) as seen, stage.looking_on("wearer", LOOKS_FOR_S) as own:
        stage.awaits_line("aggregator", "round 1:", 180.0)
        stage.compose("restart", "phone")
        stage.compose("kill", "tablet")
        stage.compose("start", "tablet")
    code = stage.awaits_end("aggregator", WITHIN_S - (time.monotonic() - began_s))
    return Lived(stage, time.monotonic() - began_s, code, seen, own)


def test_three_rounds_are_done_in_time_and_the_aggregator_ends_well(lived: Lived) -> None:
    print(f"from up to the end of round {ROUNDS}: {lived.took_s:.0f} s")  # noqa: T201  # shown with -s
    assert lived.code == 0, lived.stage.logs("aggregator")
    assert lived.took_s < WITHIN_S


def test_the_run_folder_is_there_and_its_account_closes(lived: Lived) -> None:
    check_account(lived.run, ROUNDS)
    assert lived.run.results["clock"] == "live"
    assert (lived.run.path / "report.html").is_file()
    assert all(array.size for array in lived.run.arrays())


def test_life_has_no_gap_where_a_container_was_restarted(lived: Lived) -> None:
    spans: dict[str, list[tuple[float, float]]] = {}
    for line in lived.run.table("life.csv"):
        spans.setdefault(line["device"], []).append((float(line["from_s"]), float(line["to_s"])))

    gaps = {
        device: [(before, after) for (_, before), (after, _) in pairwise(its) if after != before]
        for device, its in spans.items()
    }
    assert gaps == {"smartwatch-1": [], "phone-1": [], "band-1": [], "tablet-1": [], "ring-1": []}


def test_a_container_that_is_stopped_switches_its_devices_off_in_order(lived: Lived) -> None:
    log = lived.stage.logs("phone")

    assert "phone-1  switched off in order" in log
    assert "phone-1  disconnected" in log
    assert "phone-1  switched on" in log


def test_one_that_is_killed_says_so_when_it_is_back(lived: Lived) -> None:
    log = lived.stage.logs("tablet")

    assert "tablet-1  its software failed: ProcessKilled" in log
    assert "tablet-1  switched on" in log


def test_an_observer_sees_how_devices_are_and_no_reading(lived: Lived) -> None:
    assert {"$state", "telemetry", "events", "$clock"} <= lived.seen.leaves
    assert "biometrics" not in lived.seen.leaves


def test_a_wearers_own_account_sees_sealed_readings(lived: Lived) -> None:
    assert lived.own.leaves == {"biometrics"}
    assert not any(b'"bn":"urn:dev:fleetbeat' in line for line in lived.own.lines)


@pytest.mark.usefixtures("lived")
@pytest.mark.parametrize("service", LASTING)
def test_what_lasts_is_healthy_and_confined(stage: Stage, service: str) -> None:
    found = stage.container(service)

    assert found["State"]["Health"]["Status"] == "healthy"
    assert found["Config"]["User"] not in ("", "0", "root", "0:0")
    assert found["HostConfig"]["ReadonlyRootfs"]
    assert found["HostConfig"]["CapDrop"] == ["ALL"]
    assert found["HostConfig"]["Memory"] > 0
    assert not found["HostConfig"]["PortBindings"]


@pytest.mark.usefixtures("lived")
def test_each_service_sees_its_own_secrets_and_no_others(stage: Stage) -> None:
    seen = {service: stage.compose("exec", "-T", service, "find", "/secrets", "-type", "f") for service in LASTING}
    credentials = stage.compose("exec", "-T", "phone", "cut", "-d:", "-f1", "/secrets/credentials")

    assert not [service for service, files in seen.items() if "ca.key" in files]
    assert [service for service, files in seen.items() if "/keys/wearer-2" in files] == ["phone"]
    assert [service for service, files in seen.items() if "superlink.key" in files] == ["superlink"]
    assert [service for service, files in seen.items() if "passwords" in files] == ["broker"]
    assert credentials.split() == ["phone", "phone-1", "band-1"]


def test_the_journal_is_in_order_and_whole(lived: Lived) -> None:
    lines = [json.loads(line) for line in (lived.run.path / "journal.jsonl").read_text().splitlines()]

    assert [line["kind"] for line in (lines[0], lines[-1])] == ["run_started", "run_finished"]
    moments = [line["t_s"] for line in lines]
    assert moments == sorted(moments)


@pytest.mark.usefixtures("lived")
def test_another_up_begins_another_life_and_stopping_it_leaves_what_was_done(stage: Stage) -> None:
    stage.compose("up", "--detach", settings={"FLEETBEAT_SPEED": "1440"})
    stage.awaits_line("aggregator", "round 1:", 120.0)
    stage.compose("stop", "aggregator")

    assert "another life was told" in stage.logs("smartwatch")
    assert stage.container("aggregator")["State"]["ExitCode"] == 130
    run = SavedRun(stage.runs / "household-7-2")
    assert run.results["account"]["ended"] == "stopped"
    assert run.table("rounds.csv")[0]["aggregated"] != "0"
    assert {line["readings_dropped"] for line in run.table("devices.csv")} == {"0"}
