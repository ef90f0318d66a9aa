"""The ideal world: mains power, links without delay, always ready, always worn. The control of every comparison."""

import math
from collections.abc import Iterator
from dataclasses import replace

from devices.circumstances import Circumstances
from devices.kinds import Kind
from devices.residents import Device
from devices.settings import Fleet


def ideal(kind: Kind) -> Kind:
    """Return *kind* with a processor and links that take no time and no energy, and no conditions to begin work."""
    link = kind.far.wifi.model_copy(
        update={"down_mbit_s": math.inf, "up_mbit_s": math.inf, "latency_s": 0.0, "power_mw": 0.0, "wake_mj": 0.0}
    )
    ready = kind.ready.model_copy(
        update={"needs_charging": False, "needs_idle": False, "needs_unmetered": False, "min_battery": 0.0}
    )
    near = kind.near and kind.near.model_copy(update={"kbit_s": math.inf, "energy_uj_per_byte": 0.0, "wake_mj": 0.0})
    return kind.model_copy(
        update={
            "far": kind.far.model_copy(update={"wifi": link}),
            "near": near,
            "ready": ready,
            "gflops": math.inf,
            "idle_mw": 0.0,
            "sensing_mw": 0.0,
            "session_sensing_mw": 0.0,
            "in_use_mw": 0.0,
            "training_mw": 0.0,
            "doze": None,
        }
    )


def equipped(fleet: Fleet, resident: Device) -> Device:
    """Return *resident* with what it has in *fleet*: of an ideal kind in an ideal world."""
    return replace(resident, kind=ideal(resident.kind)) if fleet.ideal else resident


def prompt(fleet: Fleet) -> Fleet:
    """Return *fleet* with devices that ask for tasks at once instead of every few seconds."""
    return fleet.model_copy(update={"learning": fleet.learning.model_copy(update={"poll_s": 0.0})})


def untroubled(from_s: float, to_s: float) -> Iterator[Circumstances]:
    """Yield one long stretch in which everything is as one would wish it."""
    yield Circumstances(from_s, to_s, charging=True, near_link=True, far_link="wifi", worn=True)
