"""A strategy of one's own: ``path.py:Class``, loaded from a file."""

import difflib
import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType

from flwr.serverapp.strategy import Strategy

from broker.errors import SettingsError


def strategy_class(reference: str) -> type[Strategy]:
    """Return the class that *reference* names; raises SettingsError saying what is wrong with it."""
    path, colon, name = reference.rpartition(":")
    if not colon or not path.endswith(".py") or not name.isidentifier():
        raise SettingsError(f"learning.strategy: found {reference!r}, expected path.py:Class")
    module = _module(Path(path), reference)
    found = getattr(module, name, None)
    if isinstance(found, type) and issubclass(found, Strategy) and not inspect.isabstract(found):
        return found
    candidates = [
        key
        for key, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, Strategy) and value.__module__ == module.__name__
    ]
    if found is None:
        close = difflib.get_close_matches(name, candidates, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        there = ", ".join(candidates) or "none"
        raise SettingsError(f"learning.strategy: {path} has no class {name!r}{hint} (strategies in it: {there})")
    raise SettingsError(f"learning.strategy: {name} in {path} is no complete flwr.serverapp.strategy.Strategy")


def strategy_path(reference: str) -> Path | None:
    """Return the file of ``path.py:Class``; None for a strategy by name."""
    path = reference.rpartition(":")[0]
    return Path(path) if path else None


def _module(path: Path, reference: str) -> ModuleType:
    if not path.is_file():
        raise SettingsError(f"learning.strategy: found {reference!r}, but there is no file {path}")
    name = f"fleetbeat_strategy_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise SettingsError(f"learning.strategy: {path} cannot be loaded as Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever a stranger's file raises when it is read
        raise SettingsError(f"learning.strategy: {path} failed to load: {type(error).__name__}: {error}") from error
    return module
