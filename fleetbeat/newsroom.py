"""The newsroom: follows what a live fleet tells, and keeps its run folder up to date, in a thread of its own."""

import threading
import time
from collections.abc import Callable

from broker import events as ev
from fleetbeat.chronicle import Chronicle
from fleetbeat.results import Results
from fleetbeat.run_folder import RunFolder

SHORTEST_REST_S = 1.0
RESTS_PER_WORK = 4.0
"""Telling all anew takes longer the longer a run has lasted: the newsroom rests four times as long as it works."""

_NEWS = (ev.SelectionMade, ev.ReplyReceived, ev.DeviceGivenUp, ev.ErrorReceived, ev.RoundEnded, ev.ServerEnded)


class Newsroom:
    """Hears events in any thread, writes in its own; `close` tells the end."""

    def __init__(
        self,
        chronicle: Chronicle,
        results: Results,
        folder: RunFolder,
        round_told: Callable[[ev.RoundEnded], None],
        over: Callable[[], None],
    ) -> None:
        """*round_told* is called in the newsroom's thread, once the tables of that round are written.

        *over* is called, in any thread, when the server has come to its end, or nothing can be written any more.
        """
        self._chronicle = chronicle
        self._results = results
        self._folder = folder
        self._round_told = round_told
        self._over = over
        self._rounds: list[ev.RoundEnded] = []
        self._news = threading.Event()
        self._closing = threading.Event()
        self._trouble: Exception | None = None
        self.latest_s = 0.0
        """The latest moment of life that anybody told of."""
        self.server_ended = False
        self._thread = threading.Thread(target=self._work, name="newsroom", daemon=True)
        self._thread.start()

    def hear(self, event: ev.Event) -> None:
        """Take note of *event*; may be called from any thread."""
        self._chronicle.hear(event)
        self.latest_s = max(self.latest_s, event.t_s)
        if isinstance(event, ev.RoundEnded) and event.round > 0:
            self._rounds.append(event)
        if isinstance(event, ev.ServerEnded):
            self.server_ended = True
            self._over()
        if isinstance(event, _NEWS):
            self._news.set()

    def close(self, ended_s: float, cause: str, lived_s: float) -> None:
        """Tell the end: nothing stays open, the journal is put in order; raises what went wrong on the way.

        The run ended at *ended_s*; devices may have lived on until *lived_s*, while it was being stopped: the journal
        ends with them.
        """
        self.leave()
        if self._trouble is not None:
            raise self._trouble
        rounds = self._take_rounds()
        self._chronicle.hear(ev.RunFinished(lived_s, None, cause))
        self._chronicle.retell(ended_s=ended_s)
        self._tell(rounds)
        self._results.write(lived_s, cause)
        self._folder.rewrite_journal(self._chronicle.journal())

    def leave(self) -> None:
        """Write no more, and tell no end."""
        self._closing.set()
        self._news.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._closing.is_set():
            self._news.wait()
            self._news.clear()
            rounds = self._take_rounds()
            began_s = time.monotonic()
            try:
                self._chronicle.retell()
                self._results.write(self.latest_s, None)
            except Exception as error:  # told to whoever waits for the end of the run
                self._trouble = error
                self._over()
                return
            self._tell(rounds)
            self._closing.wait(max(SHORTEST_REST_S, RESTS_PER_WORK * (time.monotonic() - began_s)))

    def _take_rounds(self) -> list[ev.RoundEnded]:
        """Return the rounds that ended since the last time: what they came to is told after the next retelling."""
        rounds, self._rounds = self._rounds, []
        return rounds

    def _tell(self, rounds: list[ev.RoundEnded]) -> None:
        for round_ in rounds:
            self._round_told(round_)
