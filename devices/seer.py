"""The seer: tells parts of a fleet's lives ahead of time, in any process, for whoever lives them."""

from collections.abc import Iterable
from typing import Any

from devices import ideal
from devices.body import SyntheticBody
from devices.foresight import DAY, PAST, PLAN, SIGNALS, Key
from devices.lives import Lives
from devices.residents import Device, residents
from devices.settings import Fleet
from devices.table import DAY_S

PLANS_AHEAD = 2
"""Waking up looks at nights two days ahead."""

KEPT_BLOCKS = 1
"""Each block of signals is told once, and history looks at them one after the other."""


class Seer:
    """Knows the fleet file, and no clock."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = ideal.prompt(fleet) if fleet.ideal else fleet
        here = [ideal.equipped(fleet, resident) for resident in residents(fleet)]
        self._lives = Lives(self._fleet, here, blocks=KEPT_BLOCKS)
        self._devices: dict[str, list[Device]] = {}
        for resident in here:
            self._devices.setdefault(resident.wearer, []).append(resident)

    def past(self, wearers: Iterable[str]) -> dict[Key, Any]:
        """Tell the history of the trainers of *wearers*, and what waking up on the first day looks at."""
        told: dict[Key, Any] = {}
        for wearer in wearers:
            for device in self._devices[wearer]:
                if device.kind.trains:
                    told[PAST, device.name, 0] = self._lives.past(device)
            body = self._body(wearer)
            first = body.block(0.0)
            blocks = range(first - 1, first + PLANS_AHEAD + 2)
            told |= {(PLAN, wearer, block): body.plan(block) for block in blocks}
        return told

    def day(self, wearers: Iterable[str], day: int) -> dict[Key, Any]:
        """Tell what *wearers* and their devices need from a *day* of life on and have not needed before."""
        told: dict[Key, Any] = {}
        for wearer in wearers:
            body = self._body(wearer)
            first, last = body.block(day * DAY_S), body.block((day + 1) * DAY_S)
            told[PLAN, wearer, last + PLANS_AHEAD] = body.plan(last + PLANS_AHEAD)
            if any(self._lives.senses(device) for device in self._devices[wearer]):
                blocks = range(first if day == 0 else last, last + 1)
                told |= {(SIGNALS, wearer, block): body.signals(block) for block in blocks}
            for device in self._devices[wearer]:
                if (circumstances := self._lives.day(device, day)) is not None:
                    told[DAY, device.name, day] = circumstances
        return told

    def _body(self, wearer: str) -> SyntheticBody:
        body = self._lives.body(self._devices[wearer][0])
        assert isinstance(body, SyntheticBody)
        return body
