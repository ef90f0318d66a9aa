"""What devices say, as bytes: batches of readings in SenML JSON (RFC 8428), and the device's own telemetry."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, TypeAlias

import numpy as np
import orjson
from numpy.typing import NDArray

from broker.senml import FINER, FIRST_ABSOLUTE_S, NO_SUCH_DAY_S, NUMBERS, UNITS, Malformed, Resolver

FloatArray: TypeAlias = NDArray[np.float64]
Channels: TypeAlias = Mapping[str, tuple[FloatArray, FloatArray]]

_PLAIN_FIELDS = 2
"""Size of the record ``{"t": …, "v": …}``, the mass of every batch."""
_MAX_SEQ = 2**63 - 1
_FINEST = 1e6
"""Steps of a converted value in one unit of the fleet's own: conversion there and back is exact to a step."""
_BEYOND_REASON = 1e100


class MalformedBatch(ValueError):
    """A payload on a biometrics topic that makes no sense; the message says why."""


class MalformedTelemetry(ValueError):
    """A payload on a telemetry topic that makes no sense; the message says why."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Readings as they arrived: channel → (times in seconds of life, values), in the order sent."""

    device: str
    seq: int
    channels: Channels
    fleet: str

    @property
    def readings(self) -> int:
        """How many values the batch holds."""
        return sum(len(times) for times, _ in self.channels.values())


def unix_start(start: datetime) -> float:
    """Return the Unix time at which a fleet's life begins: its label *start*, taken as UTC."""
    return start.replace(tzinfo=UTC).timestamp()


def encode_batch(fleet: str, device: str, seq: int, t0_unix: float, channels: Channels) -> bytes:
    """Return the SenML pack of *channels*: name → (times in seconds of life, values in the fleet's own units).

    These are the units of SenML, but milliseconds for ``rmssd``, which travels in seconds, kept to the nanosecond.
    Times are kept to the millisecond, other values exactly. Each channel begins with a record of its own
    ``bn``, ``bt`` and ``bu``, and goes on with ``{"t", "v"}``; the very first record carries *seq*.
    Raises ValueError for an unknown channel, no reading at all, or a number that is not finite.
    """
    records: list[dict[str, Any]] = []
    base_s, base_unix = 0, t0_unix
    for channel, (channel_times, channel_values) in channels.items():
        # A batch is some dozens of readings: plain numbers are quicker than arrays, each of whose sums costs a call.
        times, values = channel_times.tolist(), channel_values.tolist()
        if len(times) != len(values):
            raise ValueError(f"{len(times)} times and {len(values)} values of {channel}: expected as many of either")
        if not times:
            continue
        if channel not in UNITS:
            raise ValueError(f"channel {channel!r}: expected one of {', '.join(UNITS)}")
        if not all(map(math.isfinite, times)) or not all(map(math.isfinite, values)):
            raise ValueError(f"a reading of {device} is not a finite number")
        if max(map(abs, times)) > _BEYOND_REASON:
            raise ValueError(f"a reading of {device} has a time beyond all reason, expected seconds of life")
        if not records:
            base_s = math.floor(times[0])
            base_unix += base_s
            if base_unix == math.floor(base_unix):
                base_unix = int(base_unix)
        if channel in FINER:
            finer = FINER[channel]
            values = [value / finer for value in values]
        head = len(records)
        records += [
            {"t": round((time - base_s) * 1000.0) / 1000.0, "v": value}
            for time, value in zip(times, values, strict=True)
        ]
        name = f"urn:dev:fleetbeat:{fleet}:{device}:{channel}"
        records[head] = {"bn": name, "bt": base_unix, "bu": UNITS[channel], **records[head]}
    if not records:
        raise ValueError("found no reading, expected at least one")
    records[0]["seq"] = seq
    return orjson.dumps(records)


def decode_batch(payload: bytes, t0_unix: float) -> Batch:
    """Read any SenML pack of one device of ours, ours or another maker's; times come back to the millisecond.

    Raises MalformedBatch, and nothing else, for whatever else the bytes may be.
    """
    try:
        return _batch(orjson.loads(payload), t0_unix)
    except orjson.JSONDecodeError as error:
        raise MalformedBatch(f"not JSON: {error}") from None
    except Malformed as error:
        raise MalformedBatch(str(error)) from None


def _batch(pack: Any, t0_unix: float) -> Batch:
    if type(pack) is not list or not pack or type(pack[0]) is not dict:
        raise Malformed("expected a JSON list of records, and at least one")
    seq = pack[0].get("seq")
    if type(seq) is not int or not 0 <= seq <= _MAX_SEQ:
        raise Malformed(f"seq of the first record is {seq!r:.50}, expected a whole number from 0")
    resolver, offsets_s, values = _resolve(pack, t0_unix)
    assert resolver.source is not None
    fleet, device = resolver.source
    return Batch(device, seq, _channels(resolver, offsets_s, values, t0_unix), fleet)


def _resolve(pack: list[Any], t0_unix: float) -> tuple[Resolver, list[float], list[float]]:
    """Resolve a pack whose records all carry numbers ``t`` and ``v`` (ours do) by columns, any other one by one."""
    resolver = Resolver(t0_unix)
    try:
        offsets_s = [record["t"] for record in pack]
        values = [record["v"] for record in pack]
        heads = [number for number, record in enumerate(pack) if len(record) != _PLAIN_FIELDS]
    except (KeyError, TypeError):
        return _resolve_each(pack, t0_unix)
    if heads[0] != 0 or not NUMBERS.issuperset(map(type, offsets_s)) or not NUMBERS.issuperset(map(type, values)):
        return _resolve_each(pack, t0_unix)
    for head, following in zip(heads, [*heads[1:], len(pack)], strict=True):
        resolver.record(head, pack[head])
        if following > head + 1 and not resolver.plain_until(following):
            return _resolve_each(pack, t0_unix)
    return resolver, offsets_s, values


def _resolve_each(pack: list[Any], t0_unix: float) -> tuple[Resolver, list[float], list[float]]:
    resolver = Resolver(t0_unix)
    if set(map(type, pack)) != {dict}:
        raise Malformed("expected a JSON list of records, and of nothing else")
    values = [resolver.record(number, record) for number, record in enumerate(pack)]
    return resolver, [record.get("t", 0.0) for record in pack], values


def _channels(resolver: Resolver, offsets_s: list[float], sent: list[float], t0_unix: float) -> Channels:
    earliest_s, latest_s = FIRST_ABSOLUTE_S - t0_unix, NO_SUCH_DAY_S - t0_unix
    parts: dict[str, tuple[list[float], list[float]]] = {}
    end = 0
    for channel, base_s, next_end in resolver.spans:
        start, end = end, next_end
        when_s = [base_s + offset_s for offset_s in offsets_s[start:end]]
        if not (min(when_s) >= earliest_s and max(when_s) < latest_s):
            raise Malformed("a time is not absolute: bt + t must be Unix seconds after 1978 and before the year 10000")
        times, values = parts.setdefault(channel, ([], []))
        times += [round(time_s * 1000.0) / 1000.0 for time_s in when_s]
        values += _in_own_unit(channel, sent[start:end]) if channel in FINER else sent[start:end]
    return {
        channel: (np.array(times, dtype=np.float64), np.array(values, dtype=np.float64))
        for channel, (times, values) in parts.items()
    }


def _in_own_unit(channel: str, values: list[float]) -> list[float]:
    if max(map(abs, values)) > _BEYOND_REASON:
        raise Malformed(f"a value of {channel} is beyond all reason")
    steps = FINER[channel] * _FINEST
    return [round(value * steps) / _FINEST for value in values]


@dataclass(frozen=True, slots=True)
class Telemetry:
    """How a device is, by its own account; *buffer* and *outbox* count readings, *node_id* is Flower's."""

    t_s: float
    battery: float
    charging: bool
    near_link: bool
    far_link: str
    buffer: int
    outbox: int
    ready: bool
    why_not: str | None
    node_id: int | None
    expected_train_s: float | None


_TELEMETRY_TYPES: dict[str, tuple[type, ...]] = {
    "t_s": (int, float),
    "battery": (int, float),
    "charging": (bool,),
    "near_link": (bool,),
    "far_link": (str,),
    "buffer": (int,),
    "outbox": (int,),
    "ready": (bool,),
    "why_not": (str, type(None)),
    "node_id": (int, type(None)),
    "expected_train_s": (int, float, type(None)),
}


def encode_telemetry(telemetry: Telemetry) -> bytes:
    """Return the JSON object of *telemetry*; raises ValueError if a figure is not finite."""
    figures = (telemetry.t_s, telemetry.battery, telemetry.expected_train_s or 0.0)
    if not all(map(math.isfinite, figures)):
        raise ValueError(f"t_s, battery, expected_train_s are {figures}: expected finite numbers")
    return orjson.dumps(telemetry)


def decode_telemetry(payload: bytes) -> Telemetry:
    """Read a telemetry message; raises MalformedTelemetry, and nothing else. Further keys are ignored."""
    try:
        found = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise MalformedTelemetry(f"not JSON: {error}") from None
    if type(found) is not dict:
        raise MalformedTelemetry("expected a JSON object")
    for name, types in _TELEMETRY_TYPES.items():
        if name not in found or type(found[name]) not in types:
            expected = " or ".join(kind.__name__ for kind in types)
            raise MalformedTelemetry(f"{name} is {found.get(name, 'missing')!r:.50}, expected {expected}")
    return Telemetry(**{field.name: found[field.name] for field in fields(Telemetry)})
