"""An app that cannot be had: exit code 2, one message with what was found and what to do."""

import sys
from pathlib import Path

import pytest

from tests.apps.ground import MESSAGE_API, SERVER_FN, copied
from tests.cli.conftest import Answer, Command, fleetbeat
from tests.cli.test_bad_input import complaint
from tests.world.ground import TINY

__all__ = ["fleetbeat"]


def asked(fleetbeat: Command, folder: Path, app: Path, *words: str) -> Answer:
    (folder / "tiny.toml").write_text(TINY)
    return fleetbeat("run", str(folder / "tiny.toml"), "--broker", "memory", "-q", "--app", str(app), *words)


BROKEN = {
    "no components": (
        "pyproject.toml",
        "[tool.flwr.app.components]",
        "[tool.x]",
        r"Missing [tool.flwr.app.components]",
    ),
    "no client": ("pyproject.toml", "clientapp = ", "other = ", 'Property "clientapp" missing'),
    "no app": ("pyproject.toml", "tool.flwr.app", "tool.flwr.ap", "Missing [tool.flwr.app] section"),
    "no TOML": ("pyproject.toml", "[project]", "[project", "pyproject.toml: is not TOML"),
    "no reference": ("pyproject.toml", "message_server:app", "message_server", "expected module:attribute"),
    "no module": ("pyproject.toml", "message_server:app", "servers:app", "imports servers, which is neither in"),
    "no attribute": ("pyproject.toml", "message_server:app", "message_server:ap", "has no ap, expected a ServerApp"),
    "another thing": (
        "pyproject.toml",
        "message_server:app",
        "message_server:main",
        "is a function, expected a ServerApp",
    ),
    "apps exchanged": (
        "pyproject.toml",
        "message_server:app",
        "message_client:app",
        "is a ClientApp, expected a ServerApp",
    ),
    "a slip": ("message_client.py", "app = ClientApp()", "app = ClientApp(", "cannot be imported: SyntaxError"),
    "an error": ("message_client.py", "app = ClientApp()", "app = 1 / 0", "ZeroDivisionError: division by zero ("),
    "an exit": ("message_client.py", "app = ClientApp()", "raise SystemExit(3)", "cannot be imported: SystemExit: 3"),
    "another flwr": ("pyproject.toml", "flwr>=1.27.0", "flwr<1.20", "needs flwr<1.20, but flwr 1."),
    "old names": (
        "message_server.py",
        "from flwr.serverapp import Grid, ServerApp",
        "from flwr.serverapp import Driver, ServerApp",
        "the app was written for another version of Flower; installed is flwr 1.",
    ),
    "gone modules": (
        "message_client.py",
        "import numpy as np",
        "import flwr.dataset",
        "written for another version of Flower",
    ),
    "gone functions": (
        "message_client.py",
        "import numpy as np",
        "import flwr.serverapp\nflwr.serverapp.start()",
        "written for another version of Flower",
    ),
    "undeclared": (
        "message_client.py",
        "import numpy as np",
        "import nowhere_to_be_had",
        "add it there, and install it",
    ),
}


@pytest.mark.parametrize(("file", "old", "new", "says"), BROKEN.values(), ids=BROKEN)
def test_a_broken_app_is_told_what_is_wrong(
    file: str, old: str, new: str, says: str, fleetbeat: Command, tmp_path: Path
) -> None:
    app = copied(MESSAGE_API, tmp_path, file, old, new)

    said = complaint(asked(fleetbeat, tmp_path, app))

    assert said.startswith(f"app: {app}")
    assert says in said
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("dependency", "statement", "named"),
    [
        ("flwr_nothing[extra]>=3", "import flwr_nothing.partitioner", "flwr_nothing[extra]>=3"),
        ("opencv-python==4.0.0", "from cv2 import imread", "opencv-python==4.0.0"),
    ],
)
def test_a_missing_dependency_is_named_with_the_line_that_installs_it(
    dependency: str, statement: str, named: str, fleetbeat: Command, tmp_path: Path
) -> None:
    app = copied(MESSAGE_API, tmp_path, "message_client.py", "import numpy as np", statement)
    project = app / "pyproject.toml"
    project.write_text(project.read_text().replace('"numpy>=1.26"', f'"numpy>=1.26", "{dependency}"'))

    said = complaint(asked(fleetbeat, tmp_path, app))

    assert f"are missing: {named}; {sys.executable} -m pip install " in said
    assert f"{app / 'message_client.py'}, line " in said


@pytest.mark.parametrize(("there", "says"), [(False, "no such folder"), (True, "no pyproject.toml in it")])
def test_a_folder_that_is_none_or_holds_no_app(there: bool, says: str, fleetbeat: Command, tmp_path: Path) -> None:
    app = tmp_path / "app"
    if there:
        app.mkdir()

    assert f"app: {app}: {says}" in complaint(asked(fleetbeat, tmp_path, app))


def test_an_unknown_setting_of_the_app_meets_those_it_has(fleetbeat: Command, tmp_path: Path) -> None:
    said = complaint(asked(fleetbeat, tmp_path, SERVER_FN, "--set", "app.config.round=3"))

    assert said.startswith("app.config.round: no such key under [tool.flwr.app.config] in ")
    assert said.endswith('did you mean "rounds"?')


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["--strategy", "fedadam"], "--strategy"),
        (["--rounds", "2"], "--rounds"),
        (["--set", "learning.strategy_options.eta=0.1"], "--set learning.strategy_options.eta"),
        (["--set", "learning.model=logistic"], "--set learning.model"),
    ],
)
def test_what_the_apps_own_server_decides_is_refused(
    words: list[str], found: str, fleetbeat: Command, tmp_path: Path
) -> None:
    said = complaint(asked(fleetbeat, tmp_path, MESSAGE_API, *words))

    assert said.startswith(f"{found} does not apply to a Flower App")


def test_a_guest_does_not_live_on_the_walls_clock(fleetbeat: Command, tmp_path: Path) -> None:
    (tmp_path / "guest.toml").write_text(f'app = "{MESSAGE_API}"\n{TINY}')

    assert "only `fleetbeat run` trains a Flower App" in complaint(fleetbeat("up", str(tmp_path / "guest.toml")))


def test_a_failing_server_exits_with_1_and_its_reason(fleetbeat: Command, tmp_path: Path) -> None:
    answer = asked(fleetbeat, tmp_path, MESSAGE_API, "--set", "app.config.server-fails-in=2", "--set", "ideal=true")

    assert answer.code == 1
    assert "fleetbeat: the app failed: KeyError in the ServerApp: 'no such model' (" in answer.err
    assert (tmp_path / "runs" / "tiny-7" / "report.html").exists()


def test_what_an_app_prints_is_no_result_of_ours(fleetbeat: Command, tmp_path: Path) -> None:
    answer = asked(fleetbeat, tmp_path, MESSAGE_API, "--set", "ideal=true", "--json")

    assert answer.code == 0
    assert answer.out.startswith("{")
    assert "the app says something" in answer.err


def test_check_tells_of_the_app(fleetbeat: Command, tmp_path: Path) -> None:
    (tmp_path / "guest.toml").write_text(f'app = "{MESSAGE_API}"\n{TINY}')

    assert "The Flower App message-api (" in fleetbeat("check", str(tmp_path / "guest.toml")).out.replace("\n", " ")
