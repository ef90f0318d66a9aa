"""The clerk of a live run: hands it in, sees to its end, and hands it in again when its server died on the way.

A ServerApp dies with its SuperLink, and a SuperLink without a database forgets its runs. The next one goes on where the
last one left its standing (`fleetbeat.standing`).
"""

import logging
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from broker import events as ev
from fleetbeat.live_app import RESUMES
from fleetbeat.submission import Connection, Settings, Submission, SuperLinkAway, SuperLinkRefused, submit

LOOK_EVERY_WALL_S = 5.0
"""How often Flower is asked how the run stands, in case its ServerApp dies without a word."""
LISTENS_EVERY_WALL_S = 1.0
LAST_WORDS_WALL_S = 5.0
LATE_WORDS_WALL_S = 30.0
"""Of a server that came to its end in order they surely come, if the broker was away even so late: twice as long as it
takes everybody to find it again."""
MOST_IN_A_ROW = 5
"""A run whose servers die so often without ending a round is given up: something is wrong with it."""
_LOST = "the server died"

Ended = Callable[[str, str], None]
"""Is told why the run ended, in a word and in words."""

_log = logging.getLogger(__name__)


class Clerk:
    """Works in a thread of its own, for Flower's command takes a second or two, until `close`."""

    def __init__(
        self, connection: Connection, settings: Settings, said: Settings, say: Callable[[str], None], ended: Ended
    ) -> None:
        """*settings* and *said* as `fleetbeat.submission.submit` takes them; *say* is for the person who watches."""
        self._connection = connection
        self._settings = settings
        self._said = said
        self._say = say
        self._ended = ended
        self._closing = threading.Event()
        self._news = threading.Event()
        self._over = False
        self._end: ev.ServerEnded | None = None
        self._lost_in_a_row = 0
        self._submission: Submission | None = None
        self._thread = threading.Thread(target=self._work, name="the run's clerk", daemon=True)
        self._thread.start()

    def heard(self, event: ev.Event) -> None:
        """Take note of what the server tells, from any thread."""
        if isinstance(event, ev.RoundEnded):
            self._lost_in_a_row = 0
        elif isinstance(event, ev.ServerEnded):
            if event.cause == "stopped":  # by somebody, or because its SuperLink ended: Flower knows
                self._end = event
            else:
                self._over = True
            self._news.set()

    def close(self) -> None:
        """Stop the run if it goes on."""
        self._closing.set()
        self._news.set()
        self._thread.join()

    def _work(self) -> None:
        try:
            self._hand_in(self._settings)
            while not self._closing.is_set():
                self._news.wait(LOOK_EVERY_WALL_S)
                self._news.clear()
                if self._over or self._closing.is_set():
                    break
                self._look()
            self._stop()
        except SuperLinkRefused as error:
            self._stop()  # what cannot be followed any more must not go on at somebody's SuperLink
            if not self._closing.is_set():
                self._finish("failed", str(error))
        except Exception as error:  # a missing program, a full disk: whoever waits for the end must hear
            _log.info("the run's clerk failed", exc_info=True)
            self._finish("failed", f"{type(error).__name__}: {error}")

    def _stop(self) -> None:
        if self._submission is None or self._over:
            return
        try:
            self._submission.stop()
        except SuperLinkRefused as error:
            _log.info("run %d was not stopped: %s", self._submission.run_id, error)

    def _look(self) -> None:
        assert self._submission is not None
        try:
            standing = self._submission.status()
        except SuperLinkAway:
            self._await_superlink()
            return
        if standing is None:
            self._lost("its SuperLink forgot the run")
        elif standing.finished:
            patience_s = LATE_WORDS_WALL_S if standing.status.endswith("completed") else LAST_WORDS_WALL_S
            if self._told_within(patience_s):
                return
            if standing.status.endswith("stopped"):
                self._finish("stopped", self._end.reason if self._end else "the run was stopped")
            elif standing.told_by_the_app:
                self._finish("failed", standing.details)
            else:
                self._lost(standing.details or standing.status)

    def _told_within(self, wall_s: float) -> bool:
        """Wait for the server's word on how it ended; return whether there is nothing more to do."""
        until_s = time.monotonic() + wall_s
        while not (self._over or self._closing.is_set() or self._end) and time.monotonic() < until_s:
            self._news.wait(LISTENS_EVERY_WALL_S)
            self._news.clear()
        return self._over or self._closing.is_set()

    def _lost(self, how: str) -> None:
        self._lost_in_a_row += 1
        if self._lost_in_a_row > MOST_IN_A_ROW:
            self._finish("failed", f"{_LOST} {MOST_IN_A_ROW} times and ended no round in between: {how}")
            return
        self._end = None
        self._say(f"{_LOST} ({how}): the run is handed in again and goes on after its last round")
        self._hand_in({**self._settings, RESUMES: True})

    def _hand_in(self, settings: Settings) -> None:
        while not self._closing.is_set():
            try:
                self._submission = submit(self._connection, settings, self._said)
            except SuperLinkAway:
                if RESUMES not in settings:
                    raise
                self._await_superlink()
            else:
                self._say(f"run {self._submission.run_id} submitted")
                return

    def _await_superlink(self) -> None:
        """Whoever keeps it starts it again; it is asked for no more than whether it listens."""
        host, _, port = self._connection.address.rpartition(":")
        while not self._closing.wait(LISTENS_EVERY_WALL_S):
            with suppress(OSError), socket.create_connection((host.strip("[]"), int(port)), LISTENS_EVERY_WALL_S):
                self._news.set()
                return

    def _finish(self, cause: str, reason: str) -> None:
        self._over = True
        self._ended(cause, reason)
