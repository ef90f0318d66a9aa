"""The switch: whether a device is on: its battery, its wearer's finger on the button, its software."""

import math
from collections.abc import Iterator

from devices.power import Power

REBOOT_S = 60.0
"""A device whose software failed is back after a minute (assumed)."""


class Switch:
    """On until the battery is empty, somebody switches it off, or the software fails. The caller brings the time."""

    def __init__(self, power: Power, commands: list[tuple[float, str]]) -> None:
        """*commands* are moments and words (switch_off, switch_on, crash), in order."""
        self._power = power
        self._commands = commands
        self._by_hand = bool(commands) and commands[0] == (0.0, "switch_off")
        self._boots_at_s: float | None = None
        self.on = not self._by_hand

    @property
    def next_moment_s(self) -> float:
        """When somebody presses the button, or the device has started again; never, if neither is to come."""
        command_s = self._commands[0][0] if self._commands else math.inf
        return min(command_s, math.inf if self._boots_at_s is None else self._boots_at_s)

    def begin(self, now_s: float) -> None:
        """Life begins, or goes on in another process: software that failed before *now_s* has mended itself."""
        self._commands = [(at_s, word) for at_s, word in self._commands if at_s >= now_s or word != "crash"]

    def order(self, command: str, now_s: float) -> None:
        """Somebody presses the button (or makes the software fail) now."""
        self._commands.insert(0, (now_s, command))

    def turns(self, now_s: float, *, charging: bool) -> Iterator[str]:
        """Yield what has happened by *now_s*: switched_off, crash or power when it went off, on when it is on again."""
        while self._commands and self._commands[0][0] <= now_s:
            command = self._commands.pop(0)[1]
            if command == "switch_on":
                self._by_hand = False
            elif command == "switch_off":
                self._by_hand = True
                yield from self._off("switched_off")
            elif self.on:
                self._boots_at_s = now_s + REBOOT_S
                yield from self._off("crash")
        if self._power.empty:
            yield from self._off("power")
        if self._boots_at_s is not None and now_s >= self._boots_at_s:
            self._boots_at_s = None
        held = self._by_hand or self._boots_at_s is not None
        if not self.on and not held and self._power.can_boot(charging=charging):
            self.on = True
            yield "on"

    def _off(self, why: str) -> Iterator[str]:
        if self.on:
            self.on = False
            yield why
