"""The residents: every device of a fleet with its wearer, and who buffers whose readings."""

import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from devices.body.recordings import read_recordings
from devices.kinds import Kind, altered, kind_named
from devices.membership import ALWAYS, Membership
from devices.settings import DAY_S, Fleet, Group


@dataclass(frozen=True, slots=True)
class Device:
    """One device: *trainer* is the device that buffers its readings (itself if it trains), None if nobody does.

    *recording* is folder and person of the recording that its wearer replays.
    """

    name: str
    kind: Kind
    wearer: str
    group: str
    recording: tuple[Path, str] | None
    trainer: str | None
    member: Membership = ALWAYS


def residents(fleet: Fleet) -> tuple[Device, ...]:
    """Return all devices in the order of the file, named ``<kind>-<n>``, each wearer's first device first."""
    numbers: Counter[str] = Counter()
    wearers = 0
    devices: list[Device] = []
    for place, group in enumerate(fleet.group, start=1):
        label = group.name or f"{'+'.join((group.kind, *group.with_))}-{place}"
        models = [altered(kind_named(group.kind), group.set_), *map(kind_named, group.with_)]
        leaves_s = math.inf if group.leave_day is None else group.leave_day * DAY_S
        member = Membership(group.join_day * DAY_S, leaves_s)
        for recording in _recordings(group, fleet):
            wearers += 1
            own: list[tuple[str, Kind]] = []
            for model in models:
                numbers[model.kind] += 1
                own.append((f"{model.kind}-{numbers[model.kind]}", model))
            trainer = next((name for name, model in own if model.trains), None)
            for name, model in own:
                buffers_at = name if model.trains else trainer
                devices.append(Device(name, model, f"wearer-{wearers}", label, recording, buffers_at, member))
    return tuple(devices)


def _recordings(group: Group, fleet: Fleet) -> list[tuple[Path, str] | None]:
    """Return what each wearer of *group* replays; nothing for synthetic ones."""
    if group.recordings is None:
        return [None] * (group.count or 0)
    persons = read_recordings(group.recordings).persons
    return [(group.recordings, person.id) for person in persons if person.id not in fleet.learning.test_persons]
