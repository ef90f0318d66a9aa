"""The phones: a whole run of `phones.toml`, as `fleetbeat run` would do it; who was ready when, and who dropped out."""

from collections import Counter
from pathlib import Path

import numpy as np

from broker.events import Event
from devices.fleet_file import Overrides, load_fleet
from devices.residents import residents
from fleetbeat.brokers import BrokerChoice, opened
from fleetbeat.hours import CONDITIONS, Hours
from fleetbeat.world import Onlookers, World

FLEET = Path(__file__).with_name("phones.toml")
NIGHT_H, DAY_H = range(6), range(9, 21)
"""By night most people of one time zone sleep; by day hardly anybody does."""

DROPPED = ("interrupted", "lost_power", "lost_link", "crashed")


def phones(wearers: int, days: int, seed: int) -> dict[str, float]:
    """Return every figure of phones at work by its key."""
    fleet = load_fleet(FLEET, Overrides(days=days, seed=seed, sets=(f"group.0.count={wearers}",)))
    here = residents(fleet)
    with opened(BrokerChoice("memory"), fleet.name, here) as (wire, _):
        world = World(fleet, here, wire, 0, None, Onlookers(_unheard, _unheard, _unheard))
        world.run()
    names = {device.name for device in here if device.kind.trains}
    lived = [line for line in world.lived if line.device in names]
    ready, _ = Hours(fleet, lived).shares(lambda line: CONDITIONS["ready"](line) or line.why_not == "busy")
    selected = Counter(trail.outcome for trail in world.account.trails() if trail.phase == "train")
    return {
        "ready_night_over_day": float(np.mean([ready[h] for h in NIGHT_H]) / np.mean([ready[h] for h in DAY_H])),
        "dropped_out": 100 * sum(selected[outcome] for outcome in DROPPED) / selected.total(),
    }


def _unheard(_: Event | float) -> None:
    """Nobody looks on."""
