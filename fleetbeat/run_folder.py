"""A run folder: the journal as it happens, the tables anew after every round, each file whole or not there."""

import errno
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import orjson

from broker.errors import RunFolderError
from broker.events import Event, as_record

_FLUSH_LINES = 2_000
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class WholeFiles:
    """Writes files into one folder, each in one step; a full disk or a forbidden path is one clear message."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, name: str, content: bytes) -> None:
        """Write a file in one step: readers see the old one or the new one, never half."""
        target = self.path / name
        part = target.with_name(name + ".part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(content)
            part.replace(target)
        except OSError as error:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            raise cannot_be_written(target, error) from None

    def write_json(self, name: str, document: Any) -> None:
        """Write *document* as readable JSON; numbers that are not known become null."""
        self.write(name, orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))

    def write_table(self, name: str, header: str, lines: Iterable[Sequence[object]]) -> None:
        """Write a CSV file; booleans as true/false, what is not known as nothing."""
        self.write_rows(name, header, map(row, lines))

    def write_rows(self, name: str, header: str, rows: Iterable[str]) -> None:
        """Write a CSV file whose lines are words already."""
        self.write(name, ("\n".join([header, *rows]) + "\n").encode())


class RunFolder(WholeFiles):
    """Adds the journal, line by line as it happens. Any thread may record."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._journal = (path / "journal.jsonl").open("wb")
        except OSError as error:
            raise cannot_be_written(path, error) from None
        self._lines: list[bytes] = []
        self._writing = threading.Lock()

    def record(self, event: Event) -> None:
        """Append *event* to the journal."""
        line = _line(event)
        with self._writing:
            self._lines.append(line)
        if len(self._lines) >= _FLUSH_LINES:
            self.flush()

    def flush(self) -> None:
        """Put what was recorded so far on disk."""
        with self._writing:
            lines, self._lines = self._lines, []
            try:
                self._journal.write(b"".join(lines))
                self._journal.flush()
            except OSError as error:
                raise cannot_be_written(self.path / "journal.jsonl", error) from None

    def close(self) -> None:
        """Finish the journal; does nothing the second time."""
        if self._journal.closed:
            return
        try:
            self.flush()
        finally:
            with suppress(OSError):  # that it cannot be written was said above
                self._journal.close()

    def discard(self) -> None:
        """Leave no folder behind that nothing was told to."""
        self.close()
        (self.path / "journal.jsonl").unlink()
        self.path.rmdir()

    def rewrite_journal(self, events: Iterable[Event]) -> None:
        """Write the whole journal anew, once nobody records any more: *events* in their final order."""
        self.close()
        self.write("journal.jsonl", b"".join(map(_line, events)))


def _line(event: Event) -> bytes:
    return orjson.dumps(as_record(event), option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY)


def row(line: Sequence[object]) -> str:
    """Return one line of a table, without its end."""
    return ",".join(map(cell, line))


def cell(value: object) -> str:
    """Return one cell of a table: shortest exact numbers, true/false, empty for None and NaN."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if value != value:
            return ""
        rounded = round(value, 6)
        return str(int(rounded)) if rounded == int(rounded) and abs(rounded) < 1e15 else repr(rounded)
    return str(value)


def new_folder(out: Path | None, fleet: str, seed: int) -> Path:
    """Return the folder for a new run: *out*, or ``runs/<fleet>-<seed>``, with -2, -3 … when that is taken.

    Raises RunFolderError if *out* exists and is not empty: runs are never overwritten.
    """
    if out is not None:
        return unused_folder(out)
    base = Path("runs") / f"{fleet}-{seed}"
    path, number = base, 1
    while path.exists() and any(path.iterdir()):
        number += 1
        path = base.with_name(f"{base.name}-{number}")
    return path


def unused_folder(out: Path) -> Path:
    """Return *out* if nothing lies there yet; raise RunFolderError if something does."""
    if out.exists() and not out.is_dir():
        raise RunFolderError(f"--out {out}: is a file, expected a folder that does not exist yet or is empty")
    if out.is_dir() and any(out.iterdir()):
        raise RunFolderError(f"--out {out}: holds files already; nothing is ever overwritten, choose another folder")
    return out


@contextmanager
def told_if_cut_short(path: Path, say: Callable[[str], None]) -> Iterator[None]:
    """*say* what is in the run folder *path* if Ctrl-C ends the block before its time."""
    try:
        yield
    except KeyboardInterrupt:
        if (path / "journal.jsonl").exists():
            say(f"cut short: {path} has what was written until now")
        else:
            say("stopped before life began; nothing was written")
        raise


def cannot_be_written(path: Path, error: OSError, remedy: str = "choose --out elsewhere") -> RunFolderError:
    """Return what to raise because of *error*; *remedy* says what to do, if it is not only that the disk is full."""
    reason = os.strerror(error.errno) if error.errno else error
    room = "free space or " if error.errno in _FULL else ""
    return RunFolderError(f"{path}: cannot be written ({reason}); {room}{remedy}")
