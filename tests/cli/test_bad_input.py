"""Whatever is wrong with what was given: exit code 2, one line, what was found and what was expected."""

import gzip
import re
import socket
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from broker.access import Access
from broker.certificates import new_authority
from broker.mosquitto import Door, PrivateMosquitto, find_mosquitto
from broker.mosquitto.configuration import password_file
from tests.broker.patience import until
from tests.cli.conftest import Answer, Command
from tests.world.ground import TINY

RECORDED = """schema = 1
name = "x"
learning.task = "sleep-wake"
[[group]]
kind = "smartwatch"
recordings = "night"
"""
PERSON = """schema = 1
title = "t"
source = "s"
licence = "l"
notes = "n"
[channels]
heart_rate = "beat/min"
[[person]]
id = "anna"
start = 2018-03-12T18:00:00
night_s = [0, 3600]
"""


def complaint(answer: Answer) -> str:
    """The one line that a command said."""
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("fleetbeat: ")
    assert answer.err.count("\n") == 1, answer.err
    return answer.err.removeprefix("fleetbeat: ").strip()


FLEETS = {
    "an unknown key": ("seed = 7", "sede = 7", r'sede: unknown key; did you mean "seed"\?'),
    "a wrong type": ("rounds = 2", 'rounds = "two"', r'learning.rounds: found "two", expected a whole number'),
    "a negative number": ("rounds = 2", "rounds = -2", r"learning.rounds: found -2, expected a whole number from 1"),
    "an absurd number": ("days = 2", "days = 1e9", r"days: found 1000000000.0|1e\+?09, expected a number"),
    "not a number": ("days = 2", "days = nan", r"days: found nan, expected a number"),
    "an unknown kind": ('"phone"', '"fone"', r'group.0.kind: found "fone", .* did you mean "phone"\?'),
    "an unknown task": (
        "rounds = 2",
        'rounds = 2\ntask = "snoring"',
        r'learning.task: found "snoring", expected one of',
    ),
    "an unknown strategy": (
        "rounds = 2",
        'rounds = 2\nstrategy = "fedavgg"',
        r'found "fedavgg".* did you mean "fedavg"\?',
    ),
    "an unknown event": (
        "[[group]]",
        '[[event]]\nat_s = 1\ndevice = "phone-1"\ndo = "explode"\n\n[[group]]',
        r'event.0.do: found "explode", expected',
    ),
    "an event of nobody": (
        "[[group]]",
        '[[event]]\nat_s = 1\ndevice = "phone-9"\ndo = "crash"\n\n[[group]]',
        r'event.0.device: found "phone-9"',
    ),
    "an empty fleet": (TINY[TINY.index("[[group]]") :], "", r"group: missing, expected at least one"),
    "no TOML": ("schema = 1", "schema is 1", r"is not TOML"),
}


@pytest.mark.parametrize("what", FLEETS)
@pytest.mark.parametrize("command", ["run", "check", "devices"])
def test_a_fleet_file_that_cannot_be(what: str, command: str, fleetbeat: Command, tmp_path: Path) -> None:
    old, new, expected = FLEETS[what]
    file = tmp_path / "mine.toml"
    file.write_text(TINY.replace(old, new, 1))

    said = complaint(fleetbeat(command, str(file)))

    assert said.startswith(f"{file}: ")
    assert re.search(expected, said), said


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["run", "houshold"], r'houshold: no such file.*did you mean "household"\?'),
        (["run", "household", "--set", "learning.rounds"], "--set learning.rounds"),
        (["run", "household", "--set", "learning.ronds=3"], r'learning.ronds.*did you mean "rounds"\?'),
        (["run", "household", "--days", "nan"], "^--days: found nan, expected a number"),
        (["run", "household", "--rounds", "-1"], "^--rounds: found -1, expected a whole number from 1"),
        (["run", "household", "--seed", "-1"], "^--seed: found -1, expected a whole number from 0"),
        (["run", "household", "--strategy", "fedbest"], 'strategy.*"fedbest"'),
        (["run", "household", "--strategy", "nowhere.py:Mine"], "found no file .*nowhere.py"),
        (["run", "household", "--broker", "mosqito"], "--broker mosqito: expected one of auto, mosquitto, memory"),
        (["run", "household", "--broker", "mqtt://:1"], "mqtt://:1"),
        (
            ["run", "household", "--broker", "memory", "--broker-ca", "ca.pem"],
            "--broker-ca are for a broker of your own",
        ),
        (["run", "household", "--set", "learning.strategy_options.eat=1"], "fedavg has no such option"),
        (["check", "household", "--set", "learning.strategy_options.eat=1"], "fedavg has no such option"),
        (
            ["check", "household", "--strategy", "fedadam", "--set", "learning.strategy_options.eat=1"],
            r"eat: fedadam has no such option; did you mean 'eta'\?",
        ),
        (["kinds", "fone"], r'found "fone".*did you mean "phone"\?'),
        (["report", "nowhere"], "nowhere: no such folder; expected a run folder"),
        (["why", ".", "phone-1", "1"], "no journal.jsonl in it; expected a run folder"),
        (["evaluate", "nowhere", "nights"], "nowhere: no such folder"),
    ],
)
def test_a_word_that_cannot_be(words: list[str], expected: str, fleetbeat: Command) -> None:
    said = complaint(fleetbeat(*words))

    assert re.search(expected, said), said


@pytest.mark.parametrize(
    "words", [["run", "household", "--workers", "-1"], ["run", "household", "--workers", "many"], ["fly"], ["run"]]
)
def test_the_command_line_itself_knows_its_words(words: list[str], fleetbeat: Command) -> None:
    answer = fleetbeat(*words)

    assert (answer.code, answer.out) == (2, "")
    assert "Usage" in answer.err


def test_a_run_folder_is_never_overwritten(fleetbeat: Command, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")

    said = complaint(fleetbeat("run", "household", "--out", "mine", "--broker", "memory"))

    assert said == "--out mine: holds files already; nothing is ever overwritten, choose another folder"
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def test_a_file_is_no_folder(fleetbeat: Command, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("")

    assert complaint(fleetbeat("run", "household", "--out", "mine", "--broker", "memory")).startswith(
        "--out mine: is a file"
    )
    said = complaint(fleetbeat("run", "household", "--out", "mine/run", "--broker", "memory", "-q"))
    assert "mine/run: cannot be written (Not a directory)" in said


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("0,60\n120,61\n60,62\n", "line 4: found 60"),
        ("0,60\n60,fast\n", "line 3: found '60,fast'"),
        ("0,60\n60,7000\n", "line 3: found 7000"),
        ("0,60\n60,nan\n", "line 3: found nan"),
    ],
)
def test_a_recording_that_cannot_be(rows: str, expected: str, fleetbeat: Command, tmp_path: Path) -> None:
    (tmp_path / "night" / "anna").mkdir(parents=True)
    (tmp_path / "night" / "recordings.toml").write_text(PERSON)
    with gzip.open(tmp_path / "night" / "anna" / "heart_rate.csv.gz", "wt") as lines:
        lines.write("time_s,value\n" + rows)
    file = tmp_path / "mine.toml"
    file.write_text(RECORDED)

    said = complaint(fleetbeat("run", str(file), "--broker", "memory", "-q"))

    assert "heart_rate.csv.gz" in said
    assert expected in said, said
    assert not (tmp_path / "runs").exists()


def test_nobody_listening_is_said_before_anything_is_written(fleetbeat: Command, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]  # bound, but nobody listens

        said = complaint(fleetbeat("run", "household", "--broker", f"mqtt://127.0.0.1:{port}", "-q"))

    assert f"127.0.0.1:{port}" in said
    assert list(tmp_path.iterdir()) == []


def _child(*words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.fixture
async def strict(tmp_path: Path) -> AsyncIterator[int]:
    """A Mosquitto of somebody else's with one user; its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    (tmp_path / "passwords").write_text(password_file({"somebody": "secret"}))
    (tmp_path / "conf").write_text(
        f"user root\nlistener {port} 127.0.0.1\nallow_anonymous false\npassword_file {tmp_path / 'passwords'}\n"
    )
    program = find_mosquitto()
    assert program is not None
    process = _child(program, "-c", str(tmp_path / "conf"))

    def listens() -> bool:
        with socket.socket() as door:
            return door.connect_ex(("127.0.0.1", port)) == 0

    try:
        await until(listens)
        yield port
    finally:
        process.terminate()
        process.wait()


@pytest.mark.needs_broker
def test_a_broker_that_refuses_the_password_is_said_without_telling_it(
    strict: int, fleetbeat: Command, tmp_path: Path
) -> None:
    (tmp_path / "users").write_text("*:somebody:hunter2\n")

    answer = fleetbeat(
        "run", "household", "--broker", f"mqtt://127.0.0.1:{strict}", "--broker-credentials", "users", "-q"
    )

    assert "refuses server (somebody)" in complaint(answer)
    assert "hunter2" not in answer.err
    assert not (tmp_path / "runs").exists()


@pytest.mark.needs_broker
def test_a_device_whose_password_is_wrong_is_named_before_anything_is_written(
    strict: int, fleetbeat: Command, tmp_path: Path
) -> None:
    (tmp_path / "users").write_text("*:somebody:secret\nband-1:hunter2\n")

    answer = fleetbeat(
        "run", "household", "--broker", f"mqtt://127.0.0.1:{strict}", "--broker-credentials", "users", "-q"
    )

    assert "refuses band-1" in complaint(answer)
    assert not (tmp_path / "runs").exists()


@pytest.mark.needs_broker
def test_a_broker_nobody_vouches_for_is_told_before_anything_is_written(fleetbeat: Command, tmp_path: Path) -> None:
    with PrivateMosquitto(Access("household", {}), Door(authority=new_authority("somebody else's", 2))) as broker:
        said = complaint(fleetbeat("run", "household", "--broker", str(broker.address), "-q"))

    assert "no safe connection" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("up", "household", "--speed", "nan"), "--speed nan: expected a finite number"),
        (("up", "household", "--broker-ca", "ca.crt"), "--broker-ca are for a broker of your own"),
        (("up", "household", "--broker", "memory"), "live devices need a real broker"),
        (("broker", "household", "--out", "b", "--house", "a=phone-1", "--house", "a=tablet-1"), "a was said before"),
        (("broker", "household", "--out", "b", "--days", "9999999"), "36500"),
    ],
)
def test_what_cannot_be_live_is_said_before_anything_is_written(
    words: tuple[str, ...], says: str, fleetbeat: Command, tmp_path: Path
) -> None:
    answer = fleetbeat(*words)

    assert answer.code == 2
    assert says in " ".join(answer.err.split())
    assert not (tmp_path / "runs").exists()
