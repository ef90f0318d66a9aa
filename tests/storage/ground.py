"""What tests of storage share: readings, and a disk that fills up when told to."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from broker.messages import Channels
from devices.storage.database import Database

READINGS = 60


def span(seq: int, readings: int = READINGS) -> Channels:
    """Return readings that tell by time and value which batch they came with."""
    return {"heart_rate": (seq * 1_000.0 + np.arange(float(readings)), np.full(readings, float(seq)))}


def fill(database: Database) -> None:
    """Let the file grow no more: SQLite then answers "database or disk is full", as on a full disk."""
    ((pages,),) = database.read("PRAGMA page_count")
    database.read(f"PRAGMA max_page_count={pages}")


def clear(database: Database) -> None:
    """Let the file grow again."""
    database.read("PRAGMA max_page_count=4294967294")


@contextmanager
def full(database: Database) -> Iterator[None]:
    """Have no room for a while."""
    fill(database)
    try:
        yield
    finally:
        clear(database)
