"""A device and its trainer in one process, to be killed: writes as fast as it can and tells what is written.

``python -m tests.storage.writer FOLDER``: for each line on stdin a child is born that prints its process id, then one
line for each write that has returned; when it is dead, "dead" is printed, or "failed" if nobody killed it. Forking
spares the imports each time.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from devices.buffer import Examples
from devices.storage.store import SqliteStore
from tests.storage.ground import span

OUTBOX_READINGS, BUFFER_READINGS = 1_200, 6_000


def night(number: int) -> Examples:
    """Return a night's examples that tell which night it is."""
    return Examples(np.full((50, 4), number, np.float16), np.ones(50, np.int8), np.full(50, float(number)))


def live(folder: Path, tell: Callable[[str], object]) -> None:
    """Measure, send, take in, confirm, note; for ever."""
    store = SqliteStore(folder)
    outbox, buffer, notes = (
        store.outbox("band-1", OUTBOX_READINGS),
        store.buffer("phone-1", BUFFER_READINGS),
        store.notes("phone-1"),
    )
    number = int(notes.get("number") or 0)
    while True:
        number += 1
        for _ in range(1 + number % 2):
            seq = outbox.tally().sensed // 60 + 1
            tell(f"put {seq} {outbox.put(span(seq))}")
        for _ in range(2 if number % 20 else 6):
            batch = outbox.leave()
            if batch is None:
                break
            outbox.sent()
            buffer.accept("band-1", batch.seq, batch.channels)
            tell(f"accepted {batch.seq}")
            if number % 7:  # now and then the broker dies before it can answer
                outbox.confirmed(batch.seq)
                tell(f"confirmed {batch.seq}")
        if not number % 7:
            outbox.recall()
        buffer.keep_night(number % 10, night(number), fresh=True)
        notes.put("number", str(number).encode())
        tell(f"noted {number}")


def main() -> None:
    """Give birth to a writer for each line on stdin, and bury it."""
    folder = Path(sys.argv[1])
    for _ in sys.stdin:
        child = os.fork()
        if not child:
            os.write(1, f"{os.getpid()}\n".encode())
            live(folder, lambda line: os.write(1, f"{line}\n".encode()))
        _, how = os.waitpid(child, 0)
        os.write(1, b"dead\n" if os.WIFSIGNALED(how) else b"failed\n")


if __name__ == "__main__":
    main()
