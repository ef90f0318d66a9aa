"""Study files: read by path or by name, refused with words that help, frozen into a study's folder."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import tomli_w
from pydantic import ValidationError

from aggregator.strategies import check_strategy
from broker.errors import SettingsError, UsageError
from devices.complaints import complaints, shown
from devices.fleet_file import freeze, load_fleet, locate, plain, read_toml, rooted, wrong
from devices.learning.models import missing_library
from devices.learning.task import TASKS
from devices.overrides import Overrides
from devices.settings import Fleet
from fleetbeat.judge import nobody_judges
from fleetbeat.study.settings import DEFAULT_SEEDS, Study

SHIPPED = Path(str(files("studies")))

SAME_FOR_ALL = {
    "schema": "it says how the file is read",
    "name": "it stands in every topic",
    "seed": "arms share the seeds of the study, and so live the same days",
    "start": "arms live the same days",
    "days": "arms live the same days",
    "life": "arms live the same days",
    "learning.task": "arms are judged by one yardstick",
    "learning.epochs": "arms are judged by one yardstick",
    "learning.test_persons": "arms are judged by one yardstick",
}
"""Keys of a fleet that no arm changes, and why; the study's own ``set`` may."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A study that can be run: what stands in its file, and the fleet that each arm means."""

    study: Study
    fleets: Mapping[str, Fleet]
    """Of the fleet itself, of the ideal world and of every arm of the file, in this order; with the fleet's seed."""

    def seeds(self, count: int | None = None) -> tuple[int, ...]:
        """Return the seeds of the study: the first *count* of its list; or, without one, from the fleet's own on.

        Raises UsageError if its list is shorter.
        """
        own = self.study.seeds
        if not own:
            first = self.fleets["fleet"].seed
            return tuple(range(first, first + (count or DEFAULT_SEEDS)))
        if count is not None and count > len(own):
            raise UsageError(f"--seeds {count}: {self.study.name} lists {len(own)} seeds, expected so many or fewer")
        return own[:count]

    def frozen(self) -> tuple[str, str]:
        """Return the study as TOML that loads to an equal plan, beside its fleet as the other file, ``fleet.toml``."""
        document = self.study.model_dump(mode="python", by_alias=True, exclude_none=True)
        document |= {"fleet": "fleet.toml", "set": {}}
        for arm in document["arm"]:
            if "learning.model" in arm["set"]:  # the frozen fleet says its own epochs: those of this model must be said
                epochs = self.fleets[arm["name"]].learning.local_epochs
                arm["set"] = {"learning.local_epochs": epochs, **arm["set"]}
        words = "# A study as it ran. `fleetbeat study` on this file, beside its fleet.toml, repeats it.\n"
        return words + tomli_w.dumps(plain(document)), freeze(self.fleets["fleet"])


def shipped_studies() -> list[str]:
    """Return the names of the studies that ship."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def load_study(source: str | Path) -> Plan:
    """Return the study of a TOML file, or of one that ships by its name, with the fleets of its arms.

    Raises SettingsError, each message with file and key (of an arm: under the arm), what was found and what was
    expected, a library that a model needs among it; RecordingError if a recordings folder is not one.
    """
    path = locate(source, shipped=SHIPPED, what="study")
    try:
        study = Study.model_validate(read_toml(path))
    except ValidationError as error:
        raise wrong(path, complaints(error, Study), Overrides()) from None
    common = _rooted(study.set_, path)
    base = _changed(path, study.fleet, "set", common)
    if found := [*_contradictions(study, base), *_changes_too_much(study)]:
        raise wrong(path, found, Overrides())
    fleets = {"fleet": base, "ideal": base.model_copy(update={"ideal": True})}
    arms = [arm.model_copy(update={"set_": _rooted(arm.set_, path)}) for arm in study.arm]
    for place, arm in enumerate(arms):
        fleets[arm.name] = _changed(path, study.fleet, f"arm.{place}.set", arm.set_, common)
    return Plan(study.model_copy(update={"arm": tuple(arms)}), fleets)


@dataclass(frozen=True, slots=True)
class _Changes(Overrides):
    """What a study's table *where* changes about a fleet, after what the study changes for all arms alike."""

    where: str = ""
    own: Mapping[str, object] | None = None
    common: Mapping[str, object] | None = None

    def _changes(self) -> Iterator[tuple[str, str, str, object]]:
        for where, changes in (("set", self.common), (self.where, self.own)):
            for key, value in (changes or {}).items():
                yield f"{where}.{key}", "", key, value


def _changed(
    path: Path, fleet: str, where: str, own: Mapping[str, object], common: Mapping[str, object] | None = None
) -> Fleet:
    """Return *fleet* with changes; what is wrong with one is told under its key in the study file *path*."""
    beside = path.parent / fleet
    try:
        source = locate(beside if fleet.endswith(".toml") else fleet)
    except SettingsError as error:
        raise SettingsError(f"{path}: fleet: {error}") from None
    try:
        changed = load_fleet(source, _Changes(where=where, own=own, common=common))
    except SettingsError as error:
        of_the_fleet = str(error).startswith(f"{source}: ")
        raise SettingsError(f"{path}: {'fleet: ' if of_the_fleet else ''}{error}") from None
    try:
        check_strategy(changed.learning.strategy, changed.learning.strategy_options)
    except SettingsError as error:
        own_strategy = any(key.startswith("learning.strategy") for key in own)
        raise SettingsError(f"{path}: {where if own_strategy else 'fleet'}: {error}") from None
    if (missing := missing_library(changed.learning.model)) is not None:
        raise SettingsError(f"{path}: {f'{where}.' if 'learning.model' in own else 'fleet: '}{missing}")
    return changed


def _contradictions(study: Study, fleet: Fleet) -> Iterator[str]:
    """Yield what is wrong with keys that are right each by itself."""
    if nobody_judges(fleet):
        yield (
            f"fleet: found {shown(study.fleet)}, whose recorded persons are all in the fleet, expected some kept aside "
            "to judge models on, in the study's own set: learning.test_persons"
        )
    classes = len(TASKS[fleet.learning.task].classes)
    room = 1 - 1 / classes
    thresholds = study.thresholds
    why = (
        f"expected less than {room:.2g}: no arm can meet more, chance is {1 / classes:.2g} among {classes} classes, "
        "and no balanced accuracy is above 1"
    )
    for name in ("central_above_chance", "gain_over_local"):
        if getattr(thresholds, name) >= room:
            yield f"thresholds.{name}: found {getattr(thresholds, name):g}, {why}"


def _changes_too_much(study: Study) -> Iterator[str]:
    for place, arm in enumerate(study.arm):
        for key in _flat(arm.set_):
            fixed = next((one for one in SAME_FOR_ALL if key == one or key.startswith(f"{one}.")), None)
            if fixed is not None:
                yield f"arm.{place}.set.{key}: is the same for all arms: {SAME_FOR_ALL[fixed]}"


def _rooted(changes: Mapping[str, Any], path: Path) -> dict[str, object]:
    """Return *changes* by dotted keys, paths in them as seen from the study file *path*."""
    return _flat(rooted(_nested(changes), path.parent.resolve()))


def _flat(changes: Mapping[str, Any], before: str = "") -> dict[str, object]:
    """Take ``learning.rounds = 1`` for ``"learning.rounds" = 1``: every change is one value."""
    flat: dict[str, object] = {}
    for key, value in changes.items():
        if isinstance(value, Mapping) and value:
            flat |= _flat(value, f"{before}{key}.")
        else:
            flat[f"{before}{key}"] = value
    return flat


def _nested(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return *changes* as the tables that their dotted keys name."""
    nested: dict[str, Any] = {}
    for key, value in _flat(changes).items():
        *way, last = key.split(".")
        table = nested
        for step in way:
            table = table.setdefault(step, {})
        table[last] = value
    return nested
