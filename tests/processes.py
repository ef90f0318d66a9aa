"""Processes of this machine, as tests look at them: any of them may end between two looks."""

import subprocess
from pathlib import Path

import pytest

PROC = Path("/proc")

needs_proc = pytest.mark.skipif(not PROC.exists(), reason="looks for processes in /proc")
"""For who asks for `children`."""


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that ended and that nobody has buried yet does not."""
    if PROC.exists():
        return (fields := _stat(PROC / str(pid))) is not None and fields[0] not in "ZX"
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and not state.startswith("Z")


def children(parent: int) -> dict[int, str]:
    """Return the children of a process, and by what command they were started; nobody where there is no ``/proc``."""
    found = {}
    for entry in PROC.glob("[0-9]*"):
        fields = _stat(entry)
        if fields and fields[1] == str(parent):
            found[int(entry.name)] = _command(entry)
    return found


def _stat(entry: Path) -> list[str] | None:
    """Return what follows the name in ``/proc/PID/stat``: state, parent …; None if the process is no more."""
    try:
        return (entry / "stat").read_text().rpartition(")")[2].split()
    except OSError:  # no such file before it is opened, no such process after
        return None


def _command(entry: Path) -> str:
    try:
        return (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""
