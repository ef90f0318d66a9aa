"""Offspring: the processes that a child of ours started, which outlive it for a while, or for ever."""

import os
import signal
import threading
from contextlib import suppress
from pathlib import Path

_PROCESSES = Path("/proc")
_PARENT, _BORN = 1, 19
"""Places in /proc/PID/stat after the name and the state: see proc(5)."""
_END_BY_THEMSELVES_WITHIN_S = 1.0
"""Flower's processes look for their parent five times a second. (They take a zombie for one that lives.)"""
_END_WHEN_TOLD_WITHIN_S = 8.0
"""They take at most 5 s to end."""
_LOOK_EVERY_S = 0.1


class Offspring:
    """All descendants of a process as they are now; where there is no /proc, nobody: they must end by themselves."""

    def __init__(self, pid: int) -> None:
        parents = {child: stat[_PARENT] for child in _all() if (stat := _stat(child))}
        family = {pid}
        while more := {child for child, parent in parents.items() if int(parent) in family} - family:
            family |= more
        self._born = {child: stat[_BORN] for child in family - {pid} if (stat := _stat(child))}

    def end(self) -> None:
        """Wait for their end, tell who does not come to it, and kill who does not listen."""
        if not self._gone_within(_END_BY_THEMSELVES_WITHIN_S):
            self._tell(signal.SIGTERM)
        if not self._gone_within(_END_WHEN_TOLD_WITHIN_S):
            self._tell(signal.SIGKILL)

    def _gone_within(self, seconds: float) -> bool:
        never = threading.Event()
        for _ in range(round(seconds / _LOOK_EVERY_S)):
            if not self._alive():
                return True
            never.wait(_LOOK_EVERY_S)
        return not self._alive()

    def _tell(self, word: signal.Signals) -> None:
        for pid in self._alive():
            with suppress(ProcessLookupError):
                os.kill(pid, word)

    def _alive(self) -> list[int]:
        """Return who still lives: an id may be another's by now, and a zombie only waits to be buried."""
        return [pid for pid, born in self._born.items() if (stat := _stat(pid)) and stat[_BORN] == born]


def _all() -> list[int]:
    return [int(entry.name) for entry in _PROCESSES.glob("[0-9]*")]


def _stat(pid: int) -> list[str] | None:
    """Return what the system says of a process after its name; None if it is no more."""
    try:
        said = (_PROCESSES / str(pid) / "stat").read_text()
    except OSError:
        return None
    fields = said.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else fields
