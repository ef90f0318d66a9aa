"""The command line as a user meets it: words in, exit code, stdout and stderr out."""

import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from fleetbeat.__main__ import main
from tests.world.ground import TINY, run


@dataclass(frozen=True)
class Answer:
    """What a command gave back."""

    code: int
    out: str
    err: str


Command = Callable[..., Answer]


@pytest.fixture
def fleetbeat(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Command]:
    """Run one command in a folder of the test's own."""
    before, handlers = signal.getsignal(signal.SIGTERM), list(logging.getLogger().handlers)
    environment = dict(os.environ)
    monkeypatch.chdir(tmp_path)

    def command(*words: str) -> Answer:
        monkeypatch.setattr(sys, "argv", ["fleetbeat", *words])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return Answer(code, out, err)

    yield command
    signal.signal(signal.SIGTERM, before)
    logging.getLogger().handlers[:] = handlers
    os.environ.clear()
    os.environ.update(environment)


@pytest.fixture(scope="session")
def a_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny run."""
    return run(TINY, tmp_path_factory.mktemp("cli") / "tiny").path
