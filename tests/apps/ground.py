"""Guests on a tiny fleet: the three apps beside this file, each in a style of its own, or broken copies of them."""

import shutil
from pathlib import Path
from typing import Any

from fleetbeat.rehearsal import Ran
from tests.world.ground import TINY, run

APPS = Path(__file__).parent
MESSAGE_API, NUMPY_CLIENT, SERVER_FN = (APPS / name for name in ("message_api", "numpy_client", "server_fn"))


def lives(app: Path, out: Path, *sets: str, fleet: str | Path = TINY, **options: Any) -> Ran:
    """Run *app* on the tiny fleet into *out*."""
    return run(fleet, out, *sets, app=str(app), **options)


def copied(app: Path, folder: Path, file: str, old: str, new: str) -> Path:
    """A copy of *app* in *folder*, with *old* replaced by *new* in one of its files."""
    copy = folder / app.name
    shutil.copytree(app, copy, ignore=shutil.ignore_patterns("__pycache__"))
    text = (copy / file).read_text()
    assert old in text
    (copy / file).write_text(text.replace(old, new))
    return copy
