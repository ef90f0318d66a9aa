"""Orders: a line typed while a fleet lives does what an ``[[event]]`` of its file does: ``phone-1 unplug``."""

import asyncio
import sys
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from broker.errors import UsageError
from devices.complaints import did_you_mean
from devices.residents import Device
from devices.script import COMMANDS, OVERRIDES, Obeyed
from devices.settings import EVENTS

Order = Callable[[str, str, Obeyed], None]
"""Told device and word, and who wants to hear what came of it."""

STANDS = {
    "unplug": "off its charger",
    "plug": "on its charger",
    "pick_up": "in use",
    "put_down": "not in use",
    "take_off": "not worn",
    "put_on": "worn",
    "far_link_off": "without a far link",
    "far_link_on": "on Wi-Fi",
    "near_link_off": "without a near link",
    "near_link_on": "near its hub",
    "crash": "down, because its software failed",
    "switch_off": "off",
    "switch_on": "on",
}
"""How a device stands after each word."""


def example(here: Sequence[Device]) -> str:
    """Return a line to type that matters to one of the devices *here*, equipped as they live.

    Off its charger a device that trains only there gives up its fit; one that needs none, as in an ideal world, must
    be switched off.
    """
    trainers = [device for device in here if device.kind.trains]
    for device in trainers:
        if device.kind.ready.needs_charging:
            return f"{device.name} unplug"
    return f"{(trainers or here)[0].name} switch_off"


def understood(line: str, here: Sequence[Device]) -> tuple[str, str]:
    """Return the device and the word of a typed *line*; raise UsageError saying what was expected."""
    names = [device.name for device in here]
    words = line.split()
    if len(words) != 2:
        raise UsageError(f"{line.strip()!r}: expected a device and a word, such as: {example(here)}")
    device, do = words
    if device not in names:
        raise UsageError(f"no device is called {device}{did_you_mean(device, names)}")
    if do not in EVENTS:
        raise UsageError(f"{do}: expected one of {', '.join(EVENTS)}{did_you_mean(do, EVENTS)}")
    return device, do


def invitation(here: Sequence[Device]) -> str:
    """Return what to type, in words for the screen."""
    line = example(here)
    device, do = line.split()
    return f"type `{device} plug`, and `{line}` while it trains" if do == "unplug" else f"type `{line}` and watch"


def answer(device: str, do: str, *, changed: bool) -> str:
    """Return in words what *do* did to *device*; what changed nothing now may still hold habits off."""
    if changed:
        return f"{device} is {STANDS[do]} now"
    if do == "switch_on":
        return f"{device}: nothing changes, it is on already, or starts as soon as it can"
    if do in COMMANDS:
        return f"{device}: nothing changes, it is off already"
    column, value = OVERRIDES[do]
    opposite = next(word for word, (of, other) in OVERRIDES.items() if of == column and other != value)
    return f"{device} was {STANDS[do]} already, and stays so until `{device} {opposite}`"


def listen(here: Sequence[Device], order: Order, now: Callable[[], datetime], say: Callable[[str], None]) -> None:
    """Read lines from stdin in a thread, until it ends or the running loop does.

    *order* is called on that loop; *say* with what came of it, and when (*now*), and with what was wrong.
    """
    loop = asyncio.get_running_loop()

    def tell(device: str, do: str, changed: bool) -> None:
        say(f"{now():%a %H:%M}  {answer(device, do, changed=changed)}")

    def read() -> None:
        for line in sys.stdin:
            if not line.strip():
                continue
            try:
                device, do = understood(line, here)
            except UsageError as error:
                say(str(error))
                continue
            try:
                loop.call_soon_threadsafe(order, device, do, partial(tell, device, do))
            except RuntimeError:  # the loop is closed: life is over, and nobody is there to obey
                return

    threading.Thread(target=read, name="typed orders", daemon=True).start()
