"""SenML JSON packs (RFC 8428) as devices of a fleet speak it: names, units, and base values resolved.

A pack is a list of records. Base fields (``bn bt bu bv``) hold from their record on until they are
set again; a reading's name is ``bn`` + ``n``, its time ``bt`` + ``t``, its value ``bv`` + ``v``.
"""

import math
import re
from functools import lru_cache
from typing import Any

from broker.topics import NAME

UNITS = {
    "heart_rate": "beat/min",
    "rr_interval": "s",
    "rmssd": "s",
    "movement": "count",
    "light": "lx",
}
"""Channel → its unit in the SenML Units registry (RFC 8428 §12.1).

``ms`` stands only among the secondary units (RFC 8798), which a pack of version 10 must not use.
"""

FINER = {"rmssd": 1000.0}
"""Channel → how many of the fleet's own units (here ms) make one of `UNITS`; kept to a millionth of the finer one."""

VERSION = 10
"""The version a pack has if it does not say (RFC 8428 §4.4); later ones ask for features unknown here (RFC 9100)."""

FIRST_ABSOLUTE_S = 2.0**28
"""Times below count from the moment of reading (RFC 8428 §4.5.3), which is nothing to store."""

NO_SUCH_DAY_S = 253_402_300_800.0
"""10000-01-01: years of five digits are a mistake, and milliseconds need this bound to be exact."""

NUMBERS = frozenset((int, float))
TEXT = frozenset((str,))
_TYPES = dict.fromkeys(("bt", "bv", "bver", "t", "v"), NUMBERS) | dict.fromkeys(("bn", "bu", "n", "u"), TEXT)
_URN = re.compile(rf"urn:dev:fleetbeat:({NAME}):({NAME}):({'|'.join(UNITS)})")


class Malformed(ValueError):
    """A pack that RFC 8428 or this fleet's use of it does not allow."""


@lru_cache(maxsize=65_536)
def name_parts(name: str) -> tuple[str, str, str]:
    """Return fleet, device and channel of a reading's full name; raise Malformed if it is none of ours."""
    match = _URN.fullmatch(name)
    if match is None:
        raise Malformed(
            f"{name[:200]!r} is no reading's name: expected urn:dev:fleetbeat:<fleet>:<device>:<channel>, "
            f"channel one of {', '.join(UNITS)}"
        )
    fleet, device, channel = match.groups()
    return fleet, device, channel


class Resolver:
    """Goes through a pack from record to record; base times come out in seconds from *t0_unix*."""

    def __init__(self, t0_unix: float) -> None:
        self._t0_unix = t0_unix
        self._name = ""
        self._unit: str | None = None
        self._time_s = 0.0
        self._value = 0.0
        self.source: tuple[str, str] | None = None
        """Fleet and device, the same for the whole pack."""
        self.spans: list[tuple[str, float, int]] = []
        """Channel and base time of a stretch of records, and where it ends."""

    def record(self, number: int, record: dict[str, Any]) -> float:
        """Take any record; return the value it adds up to."""
        try:
            _check_fields(record)
            self._name = record.get("bn", self._name)
            self._unit = record.get("bu", self._unit)
            self._time_s = record.get("bt", self._time_s)
            self._value = record.get("bv", self._value)
            if "v" not in record and not self._value:
                raise Malformed("no numeric value v")
            self._stretch(self._name + record.get("n", ""), record.get("u", self._unit), number + 1)
        except Malformed as error:
            raise Malformed(f"record {number}: {error}") from None
        if not self._value:
            return record["v"]  # type: ignore[no-any-return]  # checked to be a number
        value = float(record.get("v", 0.0) + self._value)
        if not math.isfinite(value):
            raise Malformed(f"record {number}: v + bv is beyond all numbers")
        return value

    def plain_until(self, end: int) -> bool:
        """Take all records up to *end* for ``{"t": …, "v": …}``; False if they mean something else after the last."""
        if not self._value:
            self._stretch(self._name, self._unit, end)
        return not self._value

    def _stretch(self, name: str, unit: str | None, end: int) -> None:
        fleet, device, channel = name_parts(name)
        if self.source is None:
            self.source = fleet, device
        elif self.source != (fleet, device):
            raise Malformed(f"{name!r} in a batch of urn:dev:fleetbeat:{':'.join(self.source)}")
        if unit is not None and unit != UNITS[channel]:
            raise Malformed(f"{channel} in {unit[:20]!r}, expected {UNITS[channel]!r}")
        base_s = self._time_s - self._t0_unix
        if self.spans and self.spans[-1][0] == channel and self.spans[-1][1] == base_s:
            self.spans.pop()
        self.spans.append((channel, base_s, end))


def _check_fields(record: dict[str, Any]) -> None:
    for label, found in record.items():
        types = _TYPES.get(label)
        if types is None:
            if label.endswith("_"):
                raise Malformed(f"field {label[:50]!r} must be understood (RFC 8428 §4.4) and is not")
        elif type(found) not in types:
            raise Malformed(f"{label} is {found!r:.50}, expected {'text' if types is TEXT else 'a number'}")
    if record.get("bver", VERSION) > VERSION:
        raise Malformed(f"SenML version {record['bver']}, only {VERSION} is understood")
