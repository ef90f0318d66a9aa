"""A family of processes: what a child of ours owes its parent, and what it is spared. Quickly imported."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


def ends_with_parent() -> None:
    """End this process as soon as its parent has, in whatever way: nobody waits for its answers then.

    To be called first in a child: what it imports and loads may take long.
    """
    threading.Thread(target=_end_with_parent, name="end with parent", daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


@contextmanager
def deaf_to_ctrl_c() -> Iterator[None]:
    """Let processes that start here ignore a terminal's Ctrl-C from their first moment on: we end them in order."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
