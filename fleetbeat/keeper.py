"""The keeper: a private broker or SuperLink that dies is started again, without a person."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from broker.errors import UsageError

LOOK_EVERY_WALL_S = 0.5
MOST_IN_A_ROW = 5
SOON_WALL_S = 60.0
"""What dies for the sixth time, each time within a minute after it was started, is given up."""

_log = logging.getLogger(__name__)


class Mortal(Protocol):
    """What may die and can be started again: `PrivateMosquitto`, `PrivateSuperLink`."""

    @property
    def is_running(self) -> bool:
        """Whether its process lives."""

    def start_again(self) -> None:
        """Start it where it was; raises UsageError if that cannot be."""


@contextmanager
def kept(charges: Mapping[str, Mortal], given_up: Callable[[str], None]) -> Iterator[None]:
    """Keep *charges*, by what they are called, alive for as long as the block lasts.

    *given_up* is told, in a thread of the keeper's, which one will not live again, in words.
    """
    over = threading.Event()
    threads = [
        threading.Thread(target=_keep, args=(name, charge, given_up, over), name=f"keeper of {name}", daemon=True)
        for name, charge in charges.items()
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def _keep(name: str, charge: Mortal, given_up: Callable[[str], None], over: threading.Event) -> None:
    deaths, started_s = 0, time.monotonic()
    while not over.wait(LOOK_EVERY_WALL_S):
        if charge.is_running:
            continue
        died_s = time.monotonic()
        deaths = deaths + 1 if died_s - started_s < SOON_WALL_S else 1
        if deaths > MOST_IN_A_ROW:
            words = f"{name} died {deaths} times, each time soon after it was started: it is not started any more"
            _log.error("%s", words)
            given_up(words)
            return
        started_s = died_s
        try:
            charge.start_again()
        except (UsageError, OSError) as error:
            _log.warning("%s died and does not start: %s", name, error)
        else:
            started_s = time.monotonic()
            _log.warning("%s died and was started again, which took %.1f s", name, started_s - died_s)
