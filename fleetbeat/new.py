"""A new fleet file to start from: one that explains every key, or a copy of another fleet."""

import json
import os
import re
from importlib.resources import files
from pathlib import Path

from broker.errors import SettingsError
from broker.topics import NAME
from devices.fleet_file import SHIPPED, load_fleet, locate

NAME_LINE = re.compile(r'^name\s*=\s*"[^"]*"', re.MULTILINE)
RECORDINGS_LINE = re.compile(r'^(\s*recordings\s*=\s*)(?:"([^"]*)"|\'([^\']*)\')', re.MULTILINE)


def write_new(path: Path, source: str | None = None) -> Path:
    """Write a commented fleet file to *path*, a copy of the fleet *source* if one is given; return *path*.

    Its name becomes the file's. Raises SettingsError if *path* is taken or cannot be written, or *source* is not valid.
    """
    if path.exists():
        raise SettingsError(f"{path}: is there already, expected a new file; files of yours are never overwritten")
    text = _template() if source is None else _copy(source)
    name = path.stem if re.fullmatch(NAME, path.stem) else "my-fleet"
    text = NAME_LINE.sub(f'name = "{name}"', text, count=1)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be written: {os.strerror(error.errno or 0)}") from None
    return path


def _template() -> str:
    return files("fleetbeat").joinpath("new_fleet.toml").read_text(encoding="utf-8")


def _copy(source: str) -> str:
    """Return the text of a valid fleet; its recordings are named by absolute path, unless they ship."""
    load_fleet(source)
    file = locate(source)
    text = file.read_text(encoding="utf-8")
    if file.is_relative_to(SHIPPED):
        return text
    return RECORDINGS_LINE.sub(lambda found: found[1] + _absolute(found[2] or found[3], file.parent), text)


def _absolute(recordings: str, folder: Path) -> str:
    near = (folder / recordings).resolve()
    return json.dumps(str(near) if near.exists() else recordings, ensure_ascii=False)
