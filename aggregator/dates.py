"""Dates of an app: ``datetime.now()`` and its like in the modules of a guest follow the time of the thread that asks.

`datetime` is written in C and cannot be changed for everybody, which would be too much anyway: so a guest's modules
run with `guests_builtins`, by whose ``import`` a module ``datetime`` comes that follows virtual time. A virtual date is
the fleet's local time, which has no zone; where a zone is asked for, it counts as UTC.
"""

import builtins
import datetime as real
from datetime import UTC
from types import ModuleType
from typing import Any

from aggregator.server_time import unix_here


class _AsReal(type):
    """What is a real date is one of ours, too: `isinstance` asks for no more."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, cls.__mro__[1])

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, cls.__mro__[1])


class _Datetime(real.datetime, metaclass=_AsReal):
    """`datetime.datetime`, whose values are real ones."""

    def __new__(cls, *args: Any, **options: Any) -> real.datetime:  # type: ignore[misc]  # a real one, on purpose
        return real.datetime(*args, **options)  # noqa: DTZ001  # with the zone that was asked for, or none

    @classmethod
    def now(cls, tz: real.tzinfo | None = None) -> real.datetime:  # type: ignore[override]  # a real one, on purpose
        """Return the virtual date where there is one."""
        unix_s = unix_here()
        if unix_s is None:
            return real.datetime.now(tz)  # noqa: TID251  # nobody's virtual time
        there = real.datetime.fromtimestamp(unix_s, UTC)
        return there.replace(tzinfo=None) if tz is None else there.astimezone(tz)

    @classmethod
    def utcnow(cls) -> real.datetime:  # type: ignore[override]  # a real one, on purpose
        """Return the same without a zone."""
        return cls.now(UTC).replace(tzinfo=None)

    @classmethod
    def today(cls) -> real.datetime:  # type: ignore[override]  # a real one, on purpose
        """Return the same."""
        return cls.now()


class _Date(real.date, metaclass=_AsReal):
    """`datetime.date`, whose values are real ones."""

    def __new__(cls, *args: Any, **options: Any) -> real.date:  # type: ignore[misc]  # a real one, on purpose
        return real.date(*args, **options)

    @classmethod
    def today(cls) -> real.date:  # type: ignore[override]  # a real one, on purpose
        """Return the day of the virtual date where there is one."""
        return _Datetime.now().date()


def _module() -> ModuleType:
    module = ModuleType("datetime", real.__doc__)
    module.__dict__.update(vars(real) | {"datetime": _Datetime, "date": _Date})
    return module


_VIRTUAL = _module()


def _import(name: str, *rest: Any, **named: Any) -> ModuleType:
    found = builtins.__import__(name, *rest, **named)
    return _VIRTUAL if found is real else found


def guests_builtins() -> dict[str, Any]:
    """Return what a module of a guest is given as ``__builtins__``; an ``import`` asks there, within functions, too.

    They are those of this moment: what is put into `builtins` later is not among them.
    """
    return vars(builtins) | {"__import__": _import}
