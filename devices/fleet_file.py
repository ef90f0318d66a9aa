"""Fleet files: read by path or by name, refused with words that help, frozen into a run folder."""

import os
import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import tomli_w
from pydantic import ValidationError

from broker.errors import RecordingError, SettingsError
from devices.body.recordings import CONTENTS, read_recordings
from devices.complaints import closest, complaints, did_you_mean, shown
from devices.life_file import read_life_file
from devices.overrides import Overrides
from devices.residents import residents
from devices.settings import NIGHTS_FOR_QUALITY, Fleet
from devices.table import DAY_S

SHIPPED = Path(str(files("fleets")))

__all__ = [
    "SHIPPED",
    "Overrides",
    "freeze",
    "load_fleet",
    "locate",
    "locate_recordings",
    "plain",
    "read_toml",
    "rooted",
    "shipped_fleets",
    "wrong",
]


def shipped_fleets() -> list[str]:
    """Return the names of the fleets that ship."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def load_fleet(source: str | Path, overrides: Overrides | None = None) -> Fleet:
    """Return the validated fleet of a TOML file, or of one that ships by its name.

    Raises SettingsError: one message with everything that is wrong, each with file and key, what was found
    and what was expected; RecordingError if a recordings folder is not one.
    """
    overrides = overrides or Overrides()
    path = locate(source)
    document = overrides.applied(rooted(read_toml(path), path.parent.resolve()))
    document = rooted(document, Path.cwd())
    try:
        fleet = Fleet.model_validate(document)
    except ValidationError as error:
        raise wrong(path, complaints(error, Fleet), overrides) from None
    if fleet.app is not None and (vain := list(overrides.decided_by_an_app())):
        raise SettingsError("\n  ".join(vain))
    if found := list(_contradictions(fleet)):
        raise wrong(path, found, overrides)
    return fleet


def freeze(fleet: Fleet) -> str:
    """Return *fleet* as TOML that loads to an equal fleet: shipped data by name, the user's own by absolute path."""
    document = fleet.model_dump(mode="python", by_alias=True, exclude_none=True)
    if fleet.life is not None:
        document["life"] = str(fleet.life)
    if fleet.app is not None:
        document["app"]["path"] = str(fleet.app.path)
    recorded = False
    for group, model in zip(document["group"], fleet.group, strict=True):
        if model.recordings is not None:
            recorded = True
            inside = model.recordings.is_relative_to(SHIPPED)
            group["recordings"] = (model.recordings.relative_to(SHIPPED) if inside else model.recordings).as_posix()
    if recorded:
        del document["learning"]["history_nights"]
    return "# A fleet as it ran. `fleetbeat run` on this file repeats the run.\n" + tomli_w.dumps(plain(document))


def locate(source: str | Path, *, shipped: Path = SHIPPED, what: str = "fleet") -> Path:
    """Return the file of a fleet (or *what* else *shipped* has) that is given by its path, or its name if it ships."""
    path = Path(source)
    if path.is_file():
        return path
    names = sorted(file.stem for file in shipped.glob("*.toml"))
    if str(source) in names:
        return shipped / f"{source}.toml"
    found = "is a folder" if path.is_dir() else "no such file"
    raise SettingsError(
        f"{source}: {found}, expected a {what} file (TOML) or the name of a {what} that ships: "
        f"{', '.join(names)}{_meant(path, names)}"
    )


def locate_recordings(source: str) -> Path:
    """Return the folder of recordings that is given by its path, or its name if it ships."""
    if Path(source).exists():
        return Path(source)
    names = sorted(contents.parent.name for contents in SHIPPED.glob(f"recordings/*/{CONTENTS}"))
    if source in names:
        return SHIPPED / "recordings" / source
    raise RecordingError(
        f"{source}: no such folder, expected a folder of recordings or the name of one that ships: "
        f"{', '.join(names)}{did_you_mean(source, names)}"
    )


def _meant(path: Path, shipped: list[str]) -> str:
    """Return ``; did you mean …?`` with the name that is closest: of the files beside *path*, or that ships."""
    known = {name: name for name in shipped} | {file.stem: str(file) for file in path.parent.glob("*.toml")}
    close = closest(path.stem, known)
    return f'; did you mean "{known[close]}"?' if close else ""


def read_toml(path: Path) -> dict[str, Any]:
    """Return what stands in *path*; raises SettingsError if that is not TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: is not TOML: {error}") from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: is not TOML: byte {error.start} is not UTF-8") from None
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {os.strerror(error.errno or 0)}") from None


def rooted(document: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Make the paths in *document* absolute, as seen from *folder*; recordings not found there may be shipped."""
    rooted = dict(document)
    learning = document.get("learning")
    if isinstance(learning, dict) and isinstance(strategy := learning.get("strategy"), str):
        file, colon, name = strategy.rpartition(":")
        if colon and file.endswith(".py"):
            rooted["learning"] = learning | {"strategy": f"{(folder / file).resolve()}:{name}"}
    if isinstance(life := document.get("life"), str):
        rooted["life"] = str((folder / life).resolve())
    if (app := document.get("app")) is not None:
        rooted["app"] = _rooted_app(app, folder)
    if isinstance(groups := document.get("group"), list):
        rooted["group"] = [_rooted_group(group, folder) for group in groups]
    return rooted


def _rooted_app(app: Any, folder: Path) -> Any:
    """Take ``app = "DIR"`` for a table of its own, so that its other keys can be set, too."""
    table = {"path": app} if isinstance(app, str) else app
    if not isinstance(table, dict) or not isinstance(path := table.get("path"), str):
        return table
    return table | {"path": str((folder / path).resolve())}


def _rooted_group(group: Any, folder: Path) -> Any:
    if not isinstance(group, dict) or not isinstance(recordings := group.get("recordings"), str):
        return group
    near, shipped = (folder / recordings).resolve(), (SHIPPED / recordings).resolve()
    return group | {"recordings": str(shipped if shipped.exists() and not near.exists() else near)}


def _contradictions(fleet: Fleet) -> Iterator[str]:
    """Yield what is wrong with keys that are right each by itself: files, persons and devices that are not there."""
    file, colon, _ = fleet.learning.strategy.rpartition(":")
    if colon and fleet.app is None and not Path(file).is_file():
        yield f"learning.strategy: found no file {file}, expected path.py:Class"
    folders = {group.recordings: place for place, group in enumerate(fleet.group) if group.recordings is not None}
    persons = [person.id for folder in folders for person in read_recordings(folder).persons]
    if folders and fleet.learning.task == "night-quality" and len(persons) < NIGHTS_FOR_QUALITY:
        yield (
            f"learning.task: found night-quality for recordings of {len(persons)} nights, expected at least "
            f"{NIGHTS_FOR_QUALITY} nights: it has one example a night; sleep-wake and sleep-stage have one every 30 s"
        )
    for person in fleet.learning.test_persons:
        if person not in persons:
            hint = did_you_mean(person, persons)
            yield f"learning.test_persons: found {shown(person)}, expected persons of the recordings{hint}"
    if persons and set(persons) <= set(fleet.learning.test_persons):
        yield f"learning.test_persons: found all {len(persons)} persons, expected somebody left to learn from"
    names = {device.name for device in residents(fleet)} if fleet.event or fleet.life else set()
    if fleet.life is not None:
        yield from read_life_file(fleet.life).objections(sorted(names), fleet.days * DAY_S)
    for place, event in enumerate(fleet.event):
        if event.device not in names:
            hint = did_you_mean(event.device, names)
            yield f"event.{place}.device: found {shown(event.device)}, expected a device of the fleet{hint}"


def wrong(path: Path, found: list[str], overrides: Overrides) -> SettingsError:
    """Name the file for what stands in it, the option for what the command line brought."""
    blamed = [overrides.blamed(line) for line in found]
    if len(found) == 1:
        return SettingsError(blamed[0] or f"{path}: {found[0]}")
    where = "" if all(blamed) else f"{path}: "
    lines = (line or own for line, own in zip(blamed, found, strict=True))
    return SettingsError("\n  ".join([f"{where}{len(found)} things are wrong", *lines]))


def plain(value: Any) -> Any:
    """Return *value* without what is empty, paths as text."""
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items() if inner not in (None, (), {})}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value
