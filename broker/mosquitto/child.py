"""One Mosquitto process of ours: it hears nothing of Ctrl-C, and dies when we die, however we die.

Ctrl-C is for us to handle, while the devices still need their broker; a small shell at the other end
of a pipe ends Mosquitto when we end: by return, crash or SIGKILL.
"""

import os
import subprocess
from pathlib import Path

from broker.open_files import allow_many_files

_STOPS_WITHIN_S = 5.0

_WATCH = 'read -r _; kill "$1"; rm -rf "$2"'
"""Read our end of the pipe until nobody holds it any more, then clear up."""

_lifelines: set[int] = set()


def _let_go() -> None:
    """A forked child must not hold the pipe, or Mosquitto would live as long as it."""
    for descriptor in _lifelines:
        os.close(descriptor)
    _lifelines.clear()


os.register_at_fork(after_in_child=_let_go)


class Child:
    """Runs *program* with *folder*'s ``conf``; its words go to *folder*'s ``log``."""

    def __init__(self, program: str, folder: Path) -> None:
        allow_many_files()
        with (folder / "log").open("ab") as log:
            self._said_before = log.tell()
            self._broker = subprocess.Popen(
                [program, "-c", str(folder / "conf")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._log = folder / "log"
        try:
            self._watch = subprocess.Popen(
                ["/bin/sh", "-c", _WATCH, "sh", str(self._broker.pid), str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except BaseException:
            self._broker.kill()
            self._broker.wait()
            raise
        assert self._watch.stdin is not None
        self._lifeline = self._watch.stdin
        _lifelines.add(self._lifeline.fileno())

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._broker.pid

    @property
    def exit_code(self) -> int | None:
        """How it ended; None while it runs."""
        return self._broker.poll()

    def ended_within(self, seconds: float) -> bool:
        """Wait up to so many *seconds* (of the wall) for its end; return whether it came."""
        try:
            self._broker.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def last_words(self) -> str:
        """Return the end of what this process, not an earlier one, said."""
        with self._log.open("rb") as log:
            log.seek(self._said_before)
            words = log.read().decode(errors="replace").split("\n")
        return " / ".join(line.strip() for line in words[-6:] if line.strip()) or "(none)"

    def end(self, *, at_once: bool = False) -> None:
        """End it, in order or *at_once* (SIGKILL); does nothing the second time."""
        if at_once:
            self._broker.kill()
        else:
            self._broker.terminate()
        self._watch.kill()  # before the process id is free for others; and it would clear the folder away
        self._watch.wait()
        if not self._lifeline.closed:
            _lifelines.discard(self._lifeline.fileno())
            self._lifeline.close()
        if not self.ended_within(_STOPS_WITHIN_S):
            self._broker.kill()
            self._broker.wait()
