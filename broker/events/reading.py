"""Reading events back: the inverse of `as_record`, for what another process told of itself.

JSON has no word for what is not a number: where a field's type has no None, null means NaN.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from types import UnionType
from typing import Any, Final, TypeAlias, Union, get_args, get_origin, get_type_hints

from broker import events, topics
from broker.events.event import Event, kind_of

_GROUPS: Final = (events.Event, events.Work)
"""What several events have in common; nothing that happens."""

Read: TypeAlias = Callable[[Any], Any]
"""Returns a field's value, or raises ValueError with what was expected."""


class MalformedEvent(ValueError):
    """A record that is no event of ours; the message says why."""


def event_from(record: Mapping[str, Any]) -> Event:
    """Return the event of which *record*, parsed from JSON, tells; raises MalformedEvent, and nothing else."""
    kind = record.get("kind")
    known = _KINDS.get(kind) if isinstance(kind, str) else None
    if known is None:
        raise MalformedEvent(f"kind is {kind!r:.50}: no event of that kind is known")
    cls, reads = known
    if record.keys() - {"kind"} != reads.keys():
        missing, strange = reads.keys() - record.keys(), record.keys() - reads.keys() - {"kind"}
        raise MalformedEvent(f"{kind}: missing {_list(missing)}, unknown {_list(strange)}")
    values = {}
    for name, read in reads.items():
        try:
            values[name] = read(record[name])
        except ValueError as error:
            raise MalformedEvent(f"{kind}: {name} is {record[name]!r:.50}, expected {error}") from None
    return cls(**values)


def _moment(value: Any) -> float:
    if type(value) not in (int, float) or not -math.inf < value < math.inf:
        raise ValueError("seconds of life")
    moment: float = value
    return moment


def _device(value: Any) -> str | None:
    if value is None or (isinstance(value, str) and re.fullmatch(topics.NAME, value)):
        return value
    raise ValueError("a device's name or null")


def _number(value: Any) -> float:
    if value is None:
        return math.nan
    if type(value) not in (int, float):
        raise ValueError("a number")
    number: float = value
    return number


def _exactly(*types: type) -> Read:
    names = " or ".join(cls.__name__ for cls in types)

    def read(value: Any) -> Any:
        if type(value) not in types:
            raise ValueError(names)
        return value

    return read


def _table(read: Read) -> Read:
    def read_table(value: Any) -> Any:
        if type(value) is not dict or not all(type(key) is str for key in value):
            raise ValueError("an object")
        return {key: read(item) for key, item in value.items()}

    return read_table


def _reads(hint: Any) -> Read:
    """Return how a field of that type is read."""
    if hint is float:
        return _number
    if hint in (int, bool, str):
        return _exactly(hint)
    if get_origin(hint) in (UnionType, Union):
        members = set(get_args(hint))
        return _exactly(*sorted(members | ({int} if float in members else set()), key=lambda cls: cls.__name__))
    if get_origin(hint) is Mapping:
        return _table(_reads(get_args(hint)[1]))
    raise TypeError(f"no way to read a field of type {hint}")


def _fields(cls: type[Event]) -> dict[str, Read]:
    hints = get_type_hints(cls)
    reads = {field.name: _reads(hints[field.name]) for field in fields(cls) if field.name not in ("t_s", "device")}
    return {"t_s": _moment, "device": _device, **reads}


def _list(names: set[str]) -> str:
    return ", ".join(sorted(str(name)[:50] for name in names)[:5]) or "nothing"


EVENTS: Final = tuple(
    cls for cls in vars(events).values() if isinstance(cls, type) and issubclass(cls, Event) and cls not in _GROUPS
)
"""Every kind of event there is."""

_KINDS: Final[dict[str, tuple[type[Event], dict[str, Read]]]] = {kind_of(cls): (cls, _fields(cls)) for cls in EVENTS}
