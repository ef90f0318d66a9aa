"""What storage costs in memory and time, with room for a slow machine."""

import subprocess
import sys
from pathlib import Path

import pytest

MEASURE = """
import pathlib, sys, time
from devices.storage.store import SqliteStore
from tests.storage.ground import span

def resident_kb():
    return int(pathlib.Path("/proc/self/smaps_rollup").read_text().split("Private_Dirty:")[1].split()[0])

store, before = SqliteStore(pathlib.Path(sys.argv[1])), resident_kb()
devices = [(store.outbox(f"d{n}", 20_000), store.buffer(f"d{n}", 2_000)) for n in range(300)]
began = time.perf_counter()
for seq in range(1, 41):
    for outbox, buffer in devices:
        outbox.put(span(seq))
        batch = outbox.leave()
        outbox.sent()
        buffer.accept("d", seq, batch.channels)
        outbox.confirmed(seq)
print((resident_kb() - before) / 300, 1e3 * (time.perf_counter() - began) / 40 / 300)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc how much memory is in use")
def test_300_devices_cost_about_100_kb_and_a_millisecond_a_batch_each(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", MEASURE, str(tmp_path)]
    told = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout

    kilobytes, milliseconds = map(float, told.split())
    assert kilobytes < 130
    assert milliseconds < 3
