"""A lifeline: a small shell at the other end of a pipe that ends a process of ours when we end, however we end.

By return, crash or SIGKILL: the pipe closes in any case. A process that was told to end and does not is killed, and
what it leaves behind is cleared up.
"""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_WATCH = """
read -r _
kill "$1" 2>/dev/null
left=$2
while [ "$left" -gt 0 ] && kill -0 "$1" 2>/dev/null; do sleep 1; left=$((left - 1)); done
kill -9 "$1" 2>/dev/null
shift 2
rm -rf "$@"
"""
_CLEAR = """
read -r _
rm -rf "$@"
sleep 10
rm -rf "$@"
"""
"""Twice: a process that is about to end may write there once more."""

_held: set[int] = set()


def _let_go() -> None:
    """A forked child must not hold the pipe, or the process would live as long as it."""
    for descriptor in _held:
        os.close(descriptor)
    _held.clear()


os.register_at_fork(after_in_child=_let_go)


class Lifeline:
    """Holds the process with this *pid*, which is given *patience_s* to end in order when nobody holds it any more.

    Then its *folders* are removed.
    """

    def __init__(self, pid: int, patience_s: int, *folders: Path) -> None:
        self._watch = _Watch(_WATCH, str(pid), str(patience_s), *map(str, folders))

    def cut(self) -> None:
        """Watch no longer: we end the process ourselves (and its id may soon be another's)."""
        self._watch.end()


@contextmanager
def fleeting_folder(prefix: str) -> Iterator[Path]:
    """Give a folder for our eyes only, which does not outlive us, however we end."""
    with tempfile.TemporaryDirectory(prefix=prefix) as name:
        watch = _Watch(_CLEAR, name)
        try:
            yield Path(name)
        finally:
            watch.end()


class _Watch:
    """A shell that begins with its *script* when nobody holds the other end of its pipe any more."""

    def __init__(self, script: str, *words: str) -> None:
        self._shell = subprocess.Popen(
            ["/bin/sh", "-c", script, "sh", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert self._shell.stdin is not None
        self._pipe = self._shell.stdin
        _held.add(self._pipe.fileno())

    def end(self) -> None:
        """End the shell before it does anything."""
        self._shell.kill()
        self._shell.wait()
        if not self._pipe.closed:
            _held.discard(self._pipe.fileno())
            self._pipe.close()
