"""Readiness: may this device take a task now, and if not, why not. A pure question."""

from typing import NamedTuple

from devices.circumstances import Circumstances
from devices.kinds import Ready


class Standing(NamedTuple):
    """How a device stands at one moment: all that readiness depends on."""

    on: bool
    radio_asleep: bool
    busy: bool
    battery: float
    examples: int
    life: Circumstances


def absence(standing: Standing) -> str | None:
    """Return why the server cannot reach the device, in the account's words; None if it can."""
    if not standing.on:
        return "powered_off"
    if standing.radio_asleep:
        return "asleep"
    return "far_link_down" if standing.life.far_link == "none" else None


def objection(conditions: Ready, standing: Standing) -> str | None:
    """Return the first condition for beginning work that does not hold, in the account's words; None if all do."""
    life = standing.life
    if conditions.needs_charging and not life.charging:
        return "not_charging"
    if standing.battery < conditions.min_battery:
        return "low_battery"
    if conditions.needs_unmetered and life.metered:
        return "metered"
    if conditions.needs_idle and life.in_use:
        return "in_use"
    return None


def broken(conditions: Ready, life: Circumstances) -> str | None:
    """Return the condition that ends work already begun, in the account's words; None if it may go on."""
    if conditions.needs_charging and not life.charging:
        return "unplugged"
    if conditions.needs_idle and life.in_use:
        return "in_use"
    if conditions.needs_unmetered and life.metered:
        return "metered"
    return None


def why_not(conditions: Ready, standing: Standing, min_examples: int) -> str | None:
    """Return why the device is not ready: out of reach, a condition, too little data, or busy; None if it is ready."""
    return (
        absence(standing)
        or objection(conditions, standing)
        or ("too_little_data" if standing.examples < min_examples else None)
        or ("busy" if standing.busy else None)
    )
