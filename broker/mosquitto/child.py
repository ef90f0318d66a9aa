"""One Mosquitto process of ours: it hears nothing of Ctrl-C, and dies when we die, however we die.

Ctrl-C is for us to handle, while the devices still need their broker; a small shell at the other end
of a pipe ends Mosquitto when we end: by return, crash or SIGKILL.
"""

import subprocess
from pathlib import Path

from broker.lifeline import Lifeline
from broker.open_files import allow_many_files

_STOPS_WITHIN_S = 5


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
            self._lifeline = Lifeline(self._broker.pid, _STOPS_WITHIN_S, folder)
        except BaseException:
            self._broker.kill()
            self._broker.wait()
            raise

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
        self._lifeline.cut()  # before the process id is free for others; and it would clear the folder away
        if not self.ended_within(_STOPS_WITHIN_S):
            self._broker.kill()
            self._broker.wait()
