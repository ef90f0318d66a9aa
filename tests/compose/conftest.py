"""What needs a container engine is skipped where there is none; in CI that is a failure."""

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.compose.stage import Stage
from tests.conftest import in_ci

NO_ENGINE = "no container engine with Compose answers: what runs in containers was not tested"


def engine_answers() -> bool:
    try:
        for words in (["version"], ["compose", "version"]):
            subprocess.run(["docker", *words], capture_output=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return False
    return True


@pytest.fixture(scope="session")
def engine() -> None:
    if not engine_answers():
        if in_ci():
            pytest.fail(f"{NO_ENGINE}; in CI that is a failure", pytrace=False)
        pytest.skip(NO_ENGINE)


@pytest.fixture(scope="module")
def stage(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """An image that is built, and nothing that runs; whatever happens, nothing is left."""
    folder: Path = tmp_path_factory.mktemp("compose")
    made = Stage(folder)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # else whoever is out of patience leaves containers
    try:
        made.compose("build", within_s=600.0)
        yield made
    finally:
        made.remove()
