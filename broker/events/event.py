"""An event: what every one of them has, and how it looks in the journal."""

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at *t_s* (seconds of life) to *device* (None: to the fleet)."""

    t_s: float
    device: str | None


Record = Callable[[Event], None]
"""Where events go: a journal's ``record``, or ``list.append`` in a test."""


def kind_of(event: Event | type[Event]) -> str:
    """Return the event's kind as it stands in the journal, such as ``battery_empty``."""
    cls = event if isinstance(event, type) else type(event)
    return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()


_LINES: dict[type[Event], tuple[str, tuple[str, ...]]] = {}
"""Of each type of event that was seen: its kind, and the names of its figures."""


def as_record(event: Event) -> dict[str, Any]:
    """Return the journal's line for *event* as a dict: t_s, kind, device, then its figures."""
    cls = type(event)
    if cls not in _LINES:
        _LINES[cls] = kind_of(cls), tuple(f.name for f in fields(cls) if f.name not in ("t_s", "device"))
    kind, names = _LINES[cls]
    line: dict[str, Any] = {"t_s": event.t_s, "kind": kind, "device": event.device}
    for name in names:
        line[name] = getattr(event, name)
    return line
