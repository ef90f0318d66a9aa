"""Orders: a line typed while a fleet lives does what an ``[[event]]`` of its file does: ``phone-1 unplug``."""

import asyncio
import sys
import threading
from collections.abc import Callable, Iterable

from broker.errors import UsageError
from devices.complaints import did_you_mean
from devices.settings import EVENTS

Order = Callable[[str, str], None]
"""Told device and word."""


def understood(line: str, devices: Iterable[str]) -> tuple[str, str]:
    """Return the device and the word of a typed *line*; raise UsageError saying what was expected."""
    names = list(devices)
    words = line.split()
    if len(words) != 2:
        raise UsageError(f"{line.strip()!r}: expected a device and a word, such as: {names[0]} unplug")
    device, do = words
    if device not in names:
        raise UsageError(f"no device is called {device}{did_you_mean(device, names)}")
    if do not in EVENTS:
        raise UsageError(f"{do}: expected one of {', '.join(EVENTS)}{did_you_mean(do, EVENTS)}")
    return device, do


def listen(loop: asyncio.AbstractEventLoop, devices: Iterable[str], order: Order, say: Callable[[str], None]) -> None:
    """Read lines from stdin in a thread until it ends; *order* is called on *loop*, *say* with what was wrong."""
    names = list(devices)

    def read() -> None:
        for line in sys.stdin:
            if not line.strip():
                continue
            try:
                device, do = understood(line, names)
            except UsageError as error:
                say(str(error))
            else:
                loop.call_soon_threadsafe(order, device, do)

    threading.Thread(target=read, name="typed orders", daemon=True).start()
