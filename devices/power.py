"""A device's power: one battery, what drains it and why, what fills it, and the moments that follow."""

import math
from collections.abc import Mapping
from copy import copy

from devices.hardware.battery import Battery
from devices.hardware.charger import Charger
from devices.kinds import Kind

BOOT_SHARE = 0.03
"""A flat device starts again once it has this much: enough to start without dying at once (assumed)."""

CAUSES = ("idle", "sensing", "in_use", "training", "transfer", "near")


class Power:
    """Loads by cause in milliwatts, energy by cause in joules. The caller brings the time."""

    def __init__(self, kind: Kind, battery: Battery) -> None:
        self._battery = battery
        self._saver_at = kind.saver_at
        self._taper_from = kind.taper_from
        self._marks = sorted({0.0, BOOT_SHARE, kind.saver_at, kind.low_at, kind.ready.min_battery})
        self._loads_mw = dict.fromkeys(CAUSES, 0.0)
        self._spent_j = dict.fromkeys(CAUSES, 0.0)
        self._charger: Charger | None = None
        self._charge_mw = 0.0
        self._now_s = 0.0

    @property
    def share(self) -> float:
        """What is left, as a share of the capacity."""
        return self._battery.share

    @property
    def empty(self) -> bool:
        """Whether nothing is left."""
        return self._battery.empty

    @property
    def level_j(self) -> float:
        """What is left, in joules."""
        return self._battery.level_j

    @property
    def life_j(self) -> float:
        """All energy drawn so far, from battery or charger."""
        return sum(self._spent_j.values())

    def spent_j(self, cause: str) -> float:
        """Return the energy drawn for *cause* so far."""
        return self._spent_j[cause]

    @property
    def all_spent_j(self) -> Mapping[str, float]:
        """All energies by cause."""
        return dict(self._spent_j)

    @property
    def work_j(self) -> float:
        """The energy that the server's tasks have cost so far."""
        return self._spent_j["training"] + self._spent_j["transfer"]

    def restore(self, level_j: float, spent_j: Mapping[str, float]) -> None:
        """Begin where an earlier process of the device ended."""
        self._battery.restore(level_j)
        self._spent_j.update(spent_j)

    def saving(self, *, charging: bool) -> bool:
        """Whether the battery is so low that the device lets its far radio sleep."""
        return not charging and self.share < self._saver_at

    def can_boot(self, *, charging: bool) -> bool:
        """Whether there is enough to start: on the charger `BOOT_SHARE`, off it (after a crash) whatever is left."""
        return not self.empty and (self.share >= BOOT_SHARE or not charging)

    def load(self, cause: str, draw_mw: float, now_s: float) -> bool:
        """From *now_s* on, *cause* draws *draw_mw*; return whether that is another power than before."""
        if self._loads_mw[cause] == draw_mw:
            return False
        self.advance(now_s)
        self._loads_mw[cause] = draw_mw
        self._set_net()
        return True

    def charge(self, charge_mw: float, now_s: float) -> None:
        """From *now_s* on, the charger gives *charge_mw* (0: unplugged)."""
        if self._charge_mw != charge_mw:
            self.advance(now_s)
            self._charge_mw = charge_mw
            self._charger = Charger(charge_mw / 1_000, self._taper_from) if charge_mw else None
            self._set_net()

    def spend(self, cause: str, joules: float) -> None:
        """Take a lump of energy, such as waking a radio."""
        self._spent_j[cause] += joules
        self._battery.spend(joules)

    def advance(self, now_s: float) -> None:
        """Live on to *now_s* under the present loads."""
        passed_s = now_s - self._now_s
        if passed_s <= 0:
            return
        self._now_s = now_s
        self._battery.advance(now_s)
        for cause, draw_mw in self._loads_mw.items():
            if draw_mw:
                self._spent_j[cause] += draw_mw * passed_s / 1_000

    def at(self, now_s: float) -> "Power":
        """Return how it will stand at *now_s* under the present loads; this one stays where it is."""
        seen = copy(self)
        seen._battery, seen._spent_j = copy(self._battery), dict(self._spent_j)
        seen.advance(now_s)
        return seen

    def next_moment_s(self) -> float:
        """Return when the charge next crosses a line that matters; never, if it does not."""
        return min((self._battery.reaches_at(mark) for mark in self._marks), default=math.inf)

    def _set_net(self) -> None:
        self._battery.power(self._charge_mw - sum(self._loads_mw.values()), self._charger)
