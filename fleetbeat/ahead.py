"""Ahead of time: workers tell what lives will bring while this process lives them, a little at a time.

Nobody waits for them: what is asked for before it was told is made here, and is the same. Where both have much to do
at once (the past, and the first day), they begin at opposite ends.
"""

import logging
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from typing import Any

from devices.foresight import DAY, PAST, Key
from devices.residents import Device
from devices.seer import Seer
from devices.settings import Fleet
from devices.table import DAY_S

AT_ONCE = 8
"""Of so many wearers a worker tells at once: some 40 ms of its time, for which a fit may have to wait."""

KEPT_DAYS = 3
"""What nobody asked for within so many days is forgotten."""

_log = logging.getLogger(__name__)

_seer: Seer | None = None  # this worker process's own


def _tell(fleet: Fleet | None, wearers: Sequence[str], day: int | None) -> dict[Key, Any]:
    """Tell the past of *wearers* (*day* None) or one day; the first time it is said of which *fleet*."""
    global _seer  # stays as long as the process: what one day has in common with the next is made once
    if fleet is not None:
        _seer = Seer(fleet)
    assert _seer is not None
    return _seer.past(wearers) if day is None else _seer.day(wearers, day)


@dataclass(eq=False)
class _Teller:
    """One worker: the wearers of whom it tells, and what it has still to tell of them; a past is of day None."""

    process: Executor
    wearers: list[str]
    asked: deque[tuple[list[str], int | None]]
    busy: bool = False
    knows_fleet: bool = False

    def ask(self, day: int | None, *, backwards: bool) -> None:
        """Put a *day* of everybody at the end of what is asked for."""
        wearers = self.wearers[::-1] if backwards else self.wearers
        self.asked += [(wearers[start : start + AT_ONCE], day) for start in range(0, len(wearers), AT_ONCE)]


class Ahead:
    """The `devices.foresight.Foresight` of a fleet whose wearers live by habits; of recorded lives nothing is told."""

    def __init__(self, fleet: Fleet, residents: Sequence[Device], workers: Sequence[Executor]) -> None:
        """Have *workers*, each a process of its own, begin with the past and the first day."""
        self._fleet = fleet
        self._devices: dict[str, list[Device]] = {}
        for resident in residents:
            if resident.recording is None:
                self._devices.setdefault(resident.wearer, []).append(resident)
        wearers = list(self._devices)
        self._tellers = [
            _Teller(worker, wearers[number :: len(workers)], deque()) for number, worker in enumerate(workers)
        ]
        self._told: dict[Key, Any] = {}
        self._made_here: set[Key] = set()
        self._arriving = threading.Lock()
        self._today = -2
        for teller in self._tellers:
            teller.ask(None, backwards=True)
        self.moment(-DAY_S)

    def __call__(self, what: str, whose: str, number: int) -> Any:
        """Return what was told, once; None if it has to be made here.

        No lock: a step of Python's own dictionaries and sets is whole. What is made here and told at the very same
        moment is forgotten in `KEPT_DAYS`.
        """
        key = (what, whose, number)
        thing = self._told.pop(key, None)
        if thing is None:
            self._made_here.add(key)
        return thing

    def moment(self, now_s: float) -> None:
        """Have the next day told as soon as this one has begun; in an ideal world workers have fits to do all day."""
        today = int(now_s // DAY_S)
        if today > self._today:
            with self._arriving:
                self._today = today
                self._told = {key: thing for key, thing in self._told.items() if key[2] > today - KEPT_DAYS}
                self._made_here = {key for key in self._made_here if key[2] > today - KEPT_DAYS}
                if not self._fleet.ideal and today + 1 < self._fleet.days:
                    for teller in self._tellers:
                        teller.ask(today + 1, backwards=today < 0)
        for teller in [*self._tellers]:
            self._go_on(teller)

    def forget(self) -> None:
        """Nobody will ask any more."""
        with self._arriving:
            self._tellers, self._told, self._made_here = [], {}, set()

    def _go_on(self, teller: _Teller) -> None:
        """Give a worker that has nothing to tell the next of what it was asked."""
        with self._arriving:
            work = None if teller.busy or teller not in self._tellers else self._next(teller)
            if work is None:
                return
            teller.busy = True
        fleet = None if teller.knows_fleet else self._fleet
        teller.knows_fleet = True
        try:
            telling = teller.process.submit(_tell, fleet, *work)
        except RuntimeError:  # the process is gone, or the run is over
            self._lose(teller)
            return
        telling.add_done_callback(partial(self._take, teller))

    def _next(self, teller: _Teller) -> tuple[list[str], int | None] | None:
        """Return what to tell next: nothing that is over, and of no wearer of whom this process makes the same."""
        while teller.asked:
            wearers, day = teller.asked.popleft()
            if self._today > (-1 if day is None else day):
                continue
            in_time = [wearer for wearer in wearers if not self._made_here.intersection(self._keys(wearer, day))]
            if in_time:
                return in_time, day
        return None

    def _keys(self, wearer: str, day: int | None) -> list[Key]:
        what, number = (PAST, 0) if day is None else (DAY, day)
        return [(what, device.name, number) for device in self._devices[wearer]]

    def _take(self, teller: _Teller, done: "Future[dict[Key, Any]]") -> None:
        if done.cancelled():
            return  # the run is over
        if (error := done.exception()) is not None:  # whatever it is, nothing is lost but time
            if not isinstance(error, BrokenProcessPool):
                _log.warning("a worker tells nothing ahead of time any more: %s: %s", type(error).__name__, error)
            self._lose(teller)
            return
        with self._arriving:
            if teller in self._tellers:
                self._told |= {key: thing for key, thing in done.result().items() if key not in self._made_here}
            teller.busy = False
        self._go_on(teller)

    def _lose(self, teller: _Teller) -> None:
        """Ask a worker nothing any more."""
        with self._arriving:
            self._tellers = [other for other in self._tellers if other is not teller]
