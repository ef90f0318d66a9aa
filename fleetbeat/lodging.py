"""Lodging: which of a fleet's devices live in this process, in words such as ``phone-1,tablet-1``."""

from collections.abc import Sequence

from broker.errors import UsageError
from devices.complaints import did_you_mean, there_are
from devices.residents import Device


def lodgers(everybody: Sequence[Device], names: str, all_but: str = "") -> list[Device]:
    """Return the devices in *names* (comma-separated) with those that stream to them; or everybody *all_but* those.

    A band or ring lives where its trainer does: naming the trainer brings it along, and it cannot be named alone.
    Raises UsageError for a name that nobody has, and if nobody is left.
    """
    if bool(names) == bool(all_but):
        raise UsageError("who lives here: expected one of --devices and --all-but")
    option = "--devices" if names else "--all-but"
    named = {_trainer(word.strip(), everybody, option) for word in (names or all_but).split(",")}
    here = [device for device in everybody if (hub(device) in named) != bool(all_but)]
    if not here:
        raise UsageError(f"--all-but {all_but}: nobody else is in this fleet, so nobody would live here")
    return here


def _trainer(name: str, everybody: Sequence[Device], option: str) -> str:
    known = {device.name: device for device in everybody}
    if name not in known:
        hint = did_you_mean(name, known) or there_are(dict.fromkeys(map(hub, everybody)))
        raise UsageError(f"{option}: no device of this fleet is called {name!r}{hint}")
    trainer = hub(known[name])
    if trainer != name:
        raise UsageError(f"{option}: {name} streams to {trainer} and lives with it: name {trainer}, and it comes along")
    return name


def hub(device: Device) -> str:
    """Return with whom *device* lives: its trainer, or by itself."""
    return device.trainer or device.name
