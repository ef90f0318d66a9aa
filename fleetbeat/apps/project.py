"""A guest's project: what the pyproject.toml of a Flower App says, checked before anything of it is imported."""

import tomllib
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from aggregator.flower import UserConfig, flatten_dict, get_project_config
from broker.errors import SettingsError
from devices.complaints import did_you_mean
from devices.settings import GuestApp


@dataclass(frozen=True, slots=True)
class Project:
    """A Flower App as its files describe it. *server* and *client* are ``module:attribute``."""

    folder: Path
    name: str
    server: str
    client: str
    config: UserConfig
    """What its context will say, flat: ``[tool.flwr.app.config]`` with the fleet's overrides."""
    dependencies: tuple[str, ...]
    """``[project] dependencies``, as written there."""


def read_project(app: GuestApp) -> Project:
    """Return the project of *app*; raises SettingsError saying what is wrong with it.

    Flower's own validator reads the file. A requirement on flwr that the installed version does not meet is refused:
    the app was written for another.
    """
    folder = app.path
    if not folder.is_dir():
        found = "is a file" if folder.is_file() else "no such folder"
        raise SettingsError(f"app: {folder}: {found}, expected the folder of a Flower App (with a pyproject.toml)")
    file = folder / "pyproject.toml"
    if not file.is_file():
        raise SettingsError(
            f"app: {folder}: no pyproject.toml in it, expected the folder of a Flower App: `flwr new` makes one"
        )
    try:
        tomllib.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise SettingsError(f"app: {file}: is not TOML: {error}") from None
    try:
        document = get_project_config(folder)
    except ValueError as error:
        wrong = [line.strip(" -") for line in str(error).splitlines()]
        said = "; ".join(line for line in wrong if line and not line.startswith("Invalid pyproject.toml"))
        raise SettingsError(f"app: {file}: is no Flower App's: {said}") from None
    components = document["tool"]["flwr"]["app"]["components"]
    for kind in ("serverapp", "clientapp"):
        reference = components.get(kind)
        if not isinstance(reference, str) or not all(reference.partition(":")):
            found = "nothing" if reference is None else repr(reference)
            raise SettingsError(
                f"app: {file}: [tool.flwr.app.components] {kind}: found {found}, expected module:attribute"
            )
    dependencies = tuple(document["project"].get("dependencies", ()))
    _check_flower(file, dependencies)
    return Project(
        folder=folder,
        name=str(document["project"]["name"]),
        server=components["serverapp"],
        client=components["clientapp"],
        config=_config(file, document["tool"]["flwr"]["app"].get("config", {}), app),
        dependencies=dependencies,
    )


def requirements(dependencies: tuple[str, ...]) -> dict[str, Requirement]:
    """Return *dependencies* by their canonical names; what cannot be read is left out."""
    found: dict[str, Requirement] = {}
    for line in dependencies:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        found[canonicalize_name(requirement.name)] = requirement
    return found


def _check_flower(file: Path, dependencies: tuple[str, ...]) -> None:
    needed, here = requirements(dependencies).get("flwr"), version("flwr")
    if needed is not None and not needed.specifier.contains(here, prereleases=True):
        raise SettingsError(
            f"app: {file}: needs {needed}, but flwr {here} is installed: the app was written for another version of "
            "Flower; if it runs with this one, say so in its dependencies"
        )


def _config(file: Path, own: dict[str, object], app: GuestApp) -> UserConfig:
    """Return the app's settings with the fleet's overrides: of keys that it has, as Flower asks, too."""
    config = flatten_dict(own)
    try:
        overrides = flatten_dict(dict(app.config))
    except ValueError as error:
        raise SettingsError(f"app.config: {error}") from None
    for key in overrides:
        if key not in config:
            hint = did_you_mean(key, config) or f"; it has {', '.join(config) or 'none'}"
            raise SettingsError(f"app.config.{key}: no such key under [tool.flwr.app.config] in {file}{hint}")
    return config | overrides
