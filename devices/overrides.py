"""Overrides: what the command line changes about a fleet file, key by key."""

import copy
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from broker.errors import SettingsError

DECIDED_BY_THE_APP = (
    "model",
    "strategy",
    "strategy_options",
    "rounds",
    "fraction_train",
    "fraction_evaluate",
    "round_deadline_s",
    "local_epochs",
    "class_weight",
)
"""Keys of ``[learning]`` that mean nothing where a Flower App brings its own server and clients."""


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the command line changes; None leaves a key as it is. *sets* are ``KEY=VALUE``: ``group.0.count=3``."""

    seed: int | None = None
    days: float | None = None
    rounds: int | None = None
    strategy: str | None = None
    sets: tuple[str, ...] = ()
    app: str | None = None

    def applied(self, document: dict[str, Any]) -> dict[str, Any]:
        """Return *document* with all changes; raises SettingsError for one that has no place in it."""
        changed = copy.deepcopy(document)
        for option, given, key, value in self._changes():
            _put(changed, key, value, f"{option}{given}")
        return changed

    def blamed(self, complaint: str) -> str | None:
        """Return *complaint* as one of the option that brought the key it begins with; None if the file brought it."""
        where = complaint.partition(":")[0]
        for option, given, key, _ in reversed([*self._changes()]):
            if where == key:
                return f"{option}{complaint.removeprefix(key)}"
            if where.startswith(f"{key}.") or key.startswith(f"{where}."):
                return f"{option}{given}: {complaint}"
        return None

    def decided_by_an_app(self) -> Iterator[str]:
        """Yield what was given in vain where a Flower App is trained: its own server decides these things."""
        for option, _, key, _ in self._changes():
            name = key.removeprefix("learning.")
            if name != key and name.partition(".")[0] in DECIDED_BY_THE_APP:
                found = option if option == f"--{name}" else f"--set {key}"
                yield (
                    f"{found} does not apply to a Flower App, whose own server decides it; its settings are in its "
                    "pyproject.toml under [tool.flwr.app.config]: --set app.config.KEY=VALUE"
                )

    def _changes(self) -> Iterator[tuple[str, str, str, object]]:
        """Yield the option, what it was given, key and value of every change, in the order in which they apply."""
        for pair in self.sets:
            key, sign, text = pair.partition("=")
            if not sign or not all(step.strip() for step in key.split(".")):
                raise SettingsError(f"--set {pair}: expected KEY=VALUE with a dotted key, such as learning.rounds=5")
            yield f"--set {key.strip()}", f"={text.strip()}", key.strip(), _value(text.strip())
        direct = {
            "seed": self.seed,
            "days": self.days,
            "learning.rounds": self.rounds,
            "learning.strategy": self.strategy,
            "app.path": self.app,
        }
        for key, value in direct.items():
            if value is not None:
                yield f"--{'app' if key == 'app.path' else key.rpartition('.')[2]}", f" {value}", key, value


def _put(document: dict[str, Any], key: str, value: object, option: str) -> None:
    *way, last = key.split(".")
    table: Any = document
    for step in way:
        table = table[_place(table, step, option)] if isinstance(table, list) else table.setdefault(step, {})
        if not isinstance(table, dict | list):
            raise SettingsError(f"{option}: {step} holds a value, expected a table or a list")
    table[_place(table, last, option) if isinstance(table, list) else last] = value


def _place(entries: list[Any], step: str, option: str) -> int:
    if not step.isdecimal() or int(step) >= len(entries):
        expected = f"a number from 0 to {len(entries) - 1}" if entries else "no number: the list is empty"
        raise SettingsError(f"{option}: found {step!r} as a place in a list of {len(entries)}, expected {expected}")
    return int(step)


def _value(text: str) -> object:
    """Return *text* read as a TOML value; what is none is a word."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
