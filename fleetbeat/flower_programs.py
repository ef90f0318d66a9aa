"""Flower's own programs: where they are, and the environment that lets them run by themselves and offline."""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from broker.errors import UsageError
from broker.ports import HERE

OFFLINE = {
    "FLWR_TELEMETRY_ENABLED": "0",
    "FLWR_DISABLE_UPDATE_CHECK": "1",
    "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION": "1",
}
"""Flower reports, looks for updates and installs what an app depends on, unless told: no run of ours needs that."""
QUIET = {"FLWR_LOG_LEVEL": "WARNING"}
"""Otherwise a SuperLink logs each request, some 200 a second of a large fleet."""


def flower_environment(home: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Return *environment* for Flower's programs: a home of their own, no network, and each other on PATH.

    (They start each other by bare name; ``NO_PROXY`` keeps calls within this machine off any proxy, beside those that
    are kept off it already.)
    """
    beside = str(Path(sys.executable).parent)
    path = environment.get("PATH", os.defpath)
    known = environment.get("no_proxy") or environment.get("NO_PROXY")  # curl's order; Python reads either
    near = ",".join(filter(None, (known, HERE, "localhost")))
    return {
        **QUIET,
        **environment,
        **OFFLINE,
        "PATH": path if beside in path.split(os.pathsep) else f"{beside}{os.pathsep}{path}",
        "FLWR_HOME": str(home),
        "NO_PROXY": near,
        "no_proxy": near,
    }


def find_program(name: str) -> str:
    """Return one of Flower's programs, from beside this Python or from PATH; raises UsageError."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.is_file() else shutil.which(name)
    if found is None:
        raise UsageError(
            f"no program {name} beside {sys.executable} nor on PATH: is flwr installed in this environment?"
        )
    return found
