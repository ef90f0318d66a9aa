"""The hall clock: what ``$clock`` says of a fleet's life, for a process that outlives it and lives the next one."""

import logging
import threading
import time
from collections.abc import Callable

from broker.lasting import LastingClient
from broker.pace import MalformedClock, Pace, follow_clock

_log = logging.getLogger(__name__)


class HallClock:
    """Hears in the client's thread; everybody else may ask from any."""

    def __init__(self, client: LastingClient, fleet: str) -> None:
        self._told = threading.Condition()
        self._pace: Pace | None = None
        self._ring: Callable[[Pace], None] = lambda _: None
        follow_clock(client, fleet, self._hear)

    def another_than(self, lived: Pace | None, patience_s: float) -> Pace | None:
        """Return the pace that was told last if it is not the one that was *lived*, as soon as there is such a one.

        None after *patience_s* wall seconds.
        """
        until_s = time.monotonic() + patience_s
        with self._told:
            while self._pace in (None, lived):
                if not self._told.wait(until_s - time.monotonic()):
                    return None
            return self._pace

    def on_another(self, lived: Pace, ring: Callable[[], None]) -> None:
        """Have *ring* called, in the client's thread or at once, when another pace than *lived* is told."""
        with self._told:
            self._ring = lambda pace: ring() if pace != lived else None
            if self._pace is not None:
                self._ring(self._pace)

    def _hear(self, news: Pace | MalformedClock) -> None:
        if isinstance(news, MalformedClock):
            _log.warning("the fleet's clock makes no sense: %s", news)
            return
        with self._told:
            self._pace = news
            self._told.notify_all()
            self._ring(news)
