"""The live server on a real SuperLink and a real Mosquitto, both over TLS; its nodes are stock SuperNodes."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flwr.app import ArrayRecord, Message, MetricRecord, RecordDict
from flwr.supercore.inflatable.inflatable_object import get_all_nested_objects, get_object_tree
from flwr.supernode.fleet_http_connection import http_request_response

from aggregator.accounting import Account, Glance
from broker import events as ev
from broker.access import OBSERVER_USER, SERVER_USER, Access
from broker.certificates import new_authority, server_certificate
from broker.lasting import LastingClient
from broker.mosquitto import Door, PrivateMosquitto
from broker.narration import Follower
from broker.pace import Pace, tell_clock
from broker.ports import PortTaken
from devices.fleet_file import Overrides, freeze, load_fleet
from devices.learning.models import initial_arrays
from devices.learning.task import TASKS
from devices.settings import Fleet
from fleetbeat.apps.pair import own_run_config
from fleetbeat.chronicle import in_order
from fleetbeat.flower_programs import find_program, flower_environment
from fleetbeat.live_app import BROKER, BROKER_CA, BROKER_CREDENTIALS, FLEET
from fleetbeat.submission import Connection, Standing, Submission, SuperLinkRefused, submit
from fleetbeat.superlink import Certificates, PrivateSuperLink
from tests.processes import is_alive

pytestmark = [pytest.mark.live, pytest.mark.needs_broker]

ROOT = Path(__file__).parents[2]
SPEED = 720.0
ROUNDS = 3


def until(claim: Callable[[], bool], within_s: float, what: str) -> None:
    """Return once *claim* holds; fail if that takes too long."""
    end_s = time.monotonic() + within_s
    while not claim():
        assert time.monotonic() < end_s, f"not within {within_s:g} s: {what}"
        time.sleep(0.1)  # noqa: TID251  # real programs take real time


def awaited(ask: Callable[[], Any], within_s: float, what: str) -> Any:
    """Return the first answer that is one."""
    answers: list[Any] = []

    def answered() -> bool:
        answers.append(ask())
        return bool(answers[-1])

    until(answered, within_s, what)
    return answers[-1]


@dataclass
class Stage:
    """A broker with the fleet's clock, a SuperLink that knows both, and somebody who follows."""

    fleet: Fleet
    folder: Path
    mosquitto: PrivateMosquitto
    superlink: PrivateSuperLink
    server: LastingClient
    diary: list[ev.Event] = field(default_factory=list)

    @property
    def connection(self) -> Connection:
        return Connection(self.superlink.address, self.superlink.authority)

    def settle_on(self, *sets: str) -> None:
        """Write another fleet where the server will look for it."""
        self.fleet = the_fleet(*sets)
        (self.folder / "fleet.toml").write_text(freeze(self.fleet), encoding="utf-8")

    def start_life(self, speed: float = SPEED) -> None:
        tell_clock(self.server, self.fleet.name, Pace(time.time(), speed))  # noqa: TID251  # life begins now

    def submit(self, **settings: Any) -> Submission:
        return submit(self.connection, {**own_run_config(self.fleet), **settings})

    def node(self, stack: ExitStack, number: int, of: int) -> None:
        """Start a stock SuperNode that stands for one of the fleet's wearers."""
        home = self.folder / f"node-{number}"
        home.mkdir()
        command = [find_program("flower-supernode"), "--superlink", self.superlink.address, "--root-certificates"]
        command += [str(self.superlink.authority), "--host", "127.0.0.1", "--port", str(9_470 + number)]
        command += ["--node-config", f"partition-id={number} num-partitions={of}"]
        with (self.folder / f"node-{number}.log").open("wb") as log:
            node = subprocess.Popen(command, env=flower_environment(home, environment()), stdout=log, stderr=log)
        stack.callback(node.wait)
        stack.callback(node.terminate)

    def of(self, kind: type[ev.Event]) -> list[Any]:
        return [event for event in self.diary if type(event) is kind]

    def await_end(self, within_s: float) -> ev.ServerEnded:
        until(lambda: bool(self.of(ev.ServerEnded)), within_s, f"an end; so far {self.diary[-5:]}")
        (end,) = self.of(ev.ServerEnded)
        assert isinstance(end, ev.ServerEnded)
        return end


@contextmanager
def by_hand(stage: Stage) -> Iterator[tuple[Callable[[], Any], Callable[..., Any], Callable[..., None]]]:
    """A node that does what a test says, by Flower's own client: how to receive, send a head, and push an object."""
    assert stage.superlink.authority is not None
    trusted = stage.superlink.authority.read_bytes()
    with http_request_response(stage.superlink.address, insecure=False, root_certificates=trusted) as node:
        _, receive, send, _, _, _, push_object, _ = node
        yield receive, send, push_object


def update(stage: Stage, instruction: Message) -> Message:
    arrays = ArrayRecord([array + 1.0 for array in initial_arrays(TASKS[stage.fleet.learning.task])])
    metrics = MetricRecord({"num-examples": 10, "loss": 0.5})
    reply = Message(RecordDict({"arrays": arrays, "metrics": metrics}), reply_to=instruction)
    reply.metadata.__dict__["_message_id"] = reply.object_id
    return reply


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}


def the_fleet(*sets: str) -> Fleet:
    own = ("first_round_s=0", "round_every_s=0", "round_deadline_s=36000", "fraction_evaluate=0", *sets)
    fast = (f"rounds={ROUNDS}", "history_nights=10", *own)
    return load_fleet("household", Overrides(sets=tuple(f"learning.{line}" for line in fast)))


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    fleet = the_fleet()
    frozen = tmp_path / "fleet.toml"
    frozen.write_text(freeze(fleet), encoding="utf-8")
    authority = new_authority("a test", 1)
    pair = server_certificate(authority, ("127.0.0.1", "localhost"), 1)
    files = Certificates(tmp_path / "ca.crt", tmp_path / "superlink.crt", tmp_path / "superlink.key")
    for path, content in zip(
        (files.authority, files.certificate, files.key),
        (authority.certificate, pair.certificate, pair.key),
        strict=True,
    ):
        path.write_bytes(content)
    with ExitStack() as stack:
        mosquitto = stack.enter_context(
            PrivateMosquitto(Access(fleet.name, {"phone-1": ()}), Door(authority=authority))
        )
        credentials = tmp_path / "server.credentials"
        credentials.write_text(mosquitto.credentials_file([SERVER_USER]), encoding="utf-8")
        told = {
            FLEET: str(frozen),
            BROKER: str(mosquitto.address),
            BROKER_CA: str(mosquitto.ca_file),
            BROKER_CREDENTIALS: str(credentials),
        }
        superlink = stack.enter_context(PrivateSuperLink(tmp_path / "superlink", environment() | told, files))
        server = LastingClient(mosquitto.address, mosquitto.credentials.of(SERVER_USER), "the test's clock")
        stack.callback(server.close, 1.0)
        server.connect(10.0)
        stage = Stage(fleet, tmp_path, mosquitto, superlink, server)
        follower = Follower(mosquitto.address, mosquitto.credentials, OBSERVER_USER, fleet.name, stage.diary.append)
        stack.callback(follower.close)
        follower.connect(10.0)
        yield stage


def test_stock_nodes_train_three_rounds_and_the_account_closes(stage: Stage) -> None:
    stage.start_life()
    with ExitStack() as nodes:
        for number in range(2):
            stage.node(nodes, number, 2)

        submission = stage.submit()
        end = stage.await_end(240.0)

    assert (end.cause, end.reason) == ("rounds_done", "")
    until(lambda: standing_of(submission).finished, 20.0, "Flower's own end of the run")
    assert standing_of(submission).status == "finished:completed"
    chosen = sorted((event.round, event.device) for event in stage.of(ev.DeviceSelected))
    assert chosen == [(round_, f"supernode-{number}") for round_ in (1, 2, 3) for number in (1, 2)]
    assert [event.updates for event in stage.of(ev.ModelAggregated)] == [2] * ROUNDS
    assert [event.round for event in stage.of(ev.RoundEnded)] == [1, 2, 3]
    assert [event.round for event in stage.of(ev.ModelShared)] == [0, 1, 2, 3]
    assert [event.round for event in stage.of(ev.ModelScored)] == [0, 1, 2, 3]
    assert {(event.name, event.round) for event in stage.of(ev.MetricsNoted)} >= {("train_metrics_clientapp", 3)}
    assert stage.diary == in_order(stage.diary), "events came in the order of life"
    account = Account(lambda _device: Glance(0.0, "none"))
    for event in stage.diary:
        account.record(event)
    account.close(end.t_s)
    account.check(ended=True)
    assert account.outcomes(1, "train")["delivered"] == 2


def test_an_upload_that_breaks_off_holds_up_nobody_beyond_the_deadline(stage: Stage) -> None:
    stage.settle_on("rounds=1", "round_deadline_s=14400")  # 20 s; Flower's own grid would wait for 180 s
    stage.start_life()
    stage.submit()
    with by_hand(stage) as torn, by_hand(stage) as whole:
        for receive, send, push_object in (torn, whole):
            instruction, _tree = awaited(receive, 60.0, "a task")
            reply = update(stage, instruction)
            missing, session = send(reply, get_object_tree(reply), 0.1)
            if receive is whole[0]:
                for key, part in get_all_nested_objects(reply).items():
                    if key in missing:
                        push_object(reply.metadata.run_id, session, key, part.deflate())

        end = stage.await_end(60.0)

    assert end.cause == "rounds_done"
    (phase,), (start,) = stage.of(ev.PhaseEnded), stage.of(ev.SelectionMade)
    assert phase.t_s - start.t_s == pytest.approx(14_400, abs=2 * SPEED)
    assert len(stage.of(ev.ReplyReceived)) == 1
    assert [event.cause for event in stage.of(ev.DeviceGivenUp)] == ["deadline"]


def standing_of(submission: Submission) -> Standing:
    standing = submission.status()
    assert standing is not None
    return standing


def test_a_fleet_without_a_clock_is_refused_in_words(stage: Stage) -> None:
    submission = stage.submit()

    until(lambda: standing_of(submission).finished, 60.0, "the end of a run without a clock")

    standing = standing_of(submission)
    assert standing.status == "finished:failed"
    assert "nobody told the time of the fleet household" in standing.details


def test_a_run_that_is_stopped_says_so(stage: Stage) -> None:
    stage.start_life()
    submission = stage.submit()
    until(lambda: bool(stage.of(ev.ModelShared)), 60.0, "the server's first words")

    submission.stop()
    submission.stop()  # it is over already: that is no error

    assert stage.await_end(60.0).cause == "stopped"
    assert standing_of(submission).status == "finished:stopped"


def test_a_superlink_that_dies_takes_its_server_along_which_says_so(stage: Stage) -> None:
    stage.start_life()
    stage.submit()
    until(lambda: bool(stage.of(ev.ModelShared)), 60.0, "the server's first words")

    stage.superlink.kill()

    end = stage.await_end(20.0)
    assert end.cause == "stopped", end.reason
    stage.superlink.start_again()
    assert stage.superlink.is_running


def test_too_few_devices_for_too_long_end_the_run(stage: Stage) -> None:
    stage.start_life(speed=8_640.0)  # its patience of two days takes twenty seconds, the fleet's four days forty
    stage.submit()

    end = stage.await_end(90.0)

    assert (end.cause, end.reason) == (
        "too_few_devices",
        "the server waited 48.0 h for more devices to select from than 0",
    )


def test_a_superlink_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SuperLinkRefused, match=r"no SuperLink at 127\.0\.0\.1:1 \(without TLS\)"):
        submit(Connection("127.0.0.1:1", insecure=True), {"rounds": 1})


def test_a_port_that_is_taken_is_named(stage: Stage, tmp_path: Path) -> None:
    port = int(stage.superlink.address.rpartition(":")[2])

    with pytest.raises(PortTaken, match=f"port {port} of 127.0.0.1 is taken"):
        PrivateSuperLink(tmp_path / "second", os.environ, port=port)


def test_a_superlink_ends_with_its_owner_even_by_sigkill(tmp_path: Path) -> None:
    story = (
        "import os, pathlib\n"
        "from fleetbeat.superlink import PrivateSuperLink\n"
        f"print(PrivateSuperLink(pathlib.Path({str(tmp_path)!r}), os.environ).pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )

    ran = subprocess.run([sys.executable, "-c", story], env=environment(), capture_output=True, text=True, timeout=90)

    pid = int(ran.stdout)
    until(lambda: not is_alive(pid), 25.0, f"the end of {pid}")
