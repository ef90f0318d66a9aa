"""The lifeline: what must not outlive us does not, however we end."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.broker.patience import until

ROOT = Path(__file__).resolve().parents[2]
HOLDS = """
from broker.lifeline import fleeting_folder
with fleeting_folder("fleetbeat-test-") as folder:
    (folder / "secret").write_text("x")
    print(folder, flush=True)
    input()
"""


def holder() -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", HOLDS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


async def test_a_folder_of_secrets_does_not_outlive_a_process_that_was_killed() -> None:
    with holder() as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        assert (folder / "secret").exists()

        process.send_signal(signal.SIGKILL)

    await until(lambda: not folder.exists())


def test_nor_one_that_ends_in_order() -> None:
    with holder() as process:
        said, _ = process.communicate("\n")

    assert not Path(said.strip()).exists()
