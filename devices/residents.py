"""The residents: every device of a fleet with its wearer, and who buffers whose readings."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from devices.body.recordings import read_recordings
from devices.kinds import Kind, altered, kind_named
from devices.membership import ALWAYS, Membership
from devices.randomness import stream
from devices.settings import Fleet, Group
from devices.spread import Spread
from devices.table import DAY_S


@dataclass(frozen=True, slots=True)
class Device:
    """One device: *trainer* is the device that buffers its readings (itself if it trains), None if nobody does.

    *recording* is folder and person of the recording that its wearer replays, *traits* what the fleet file says of
    the wearer.
    """

    name: str
    kind: Kind
    wearer: str
    group: str
    recording: tuple[Path, str] | None
    trainer: str | None
    member: Membership = ALWAYS
    traits: Mapping[str, float] | None = None


def residents(fleet: Fleet) -> tuple[Device, ...]:
    """Return all devices in the order of the file, named ``<kind>-<n>``, each wearer's first device first."""
    numbers: Counter[str] = Counter()
    wearers = 0
    devices: list[Device] = []
    for place, group in enumerate(fleet.group, start=1):
        label = group.name or f"{'+'.join((group.kind, *group.with_))}-{place}"
        drawn = any(isinstance(told, Spread) for told in group.set_.values())
        first = None if drawn else _own(group, fleet.seed, "")
        others = [kind_named(kind) for kind in group.with_]
        leaves_s = math.inf if group.leave_day is None else group.leave_day * DAY_S
        member = Membership(group.join_day * DAY_S, leaves_s)
        for recording in _recordings(group, fleet):
            wearers += 1
            wearer = f"wearer-{wearers}"
            traits = group.wearers.drawn(fleet.seed, wearer) or None
            own: list[tuple[str, Kind]] = []
            for model in (first or _own(group, fleet.seed, wearer), *others):
                numbers[model.kind] += 1
                own.append((f"{model.kind}-{numbers[model.kind]}", model))
            trainer = next((name for name, model in own if model.trains), None)
            for name, model in own:
                buffers_at = name if model.trains else trainer
                devices.append(Device(name, model, wearer, label, recording, buffers_at, member, traits))
    return tuple(devices)


def _own(group: Group, seed: int, wearer: str) -> Kind:
    """Return the group's kind with the figures that *group* gives this wearer's device."""
    figures = {
        name: told.draw(stream(seed, wearer, "figure", name)) if isinstance(told, Spread) else told
        for name, told in group.set_.items()
    }
    return altered(kind_named(group.kind), figures)


def _recordings(group: Group, fleet: Fleet) -> list[tuple[Path, str] | None]:
    """Return what each wearer of *group* replays; nothing for synthetic ones."""
    if group.recordings is None:
        return [None] * (group.count or 0)
    persons = read_recordings(group.recordings).persons
    return [(group.recordings, person.id) for person in persons if person.id not in fleet.learning.test_persons]
