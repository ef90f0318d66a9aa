"""Costs: what a day of life, of streaming and of learning takes from a device of each kind. Arithmetic, no run."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from flwr.app import ArrayRecord

from broker.messages import encode_batch
from devices.body.synthetic import SyntheticBody
from devices.habits import Habits
from devices.kinds import Kind, kind_named
from devices.learning.features import EPOCH_S
from devices.learning.models import model_named
from devices.learning.task import TASKS
from devices.learning_table import Learning, Work
from devices.residents import Device
from devices.settings import Fleet
from devices.table import DAY_S
from devices.workload import ENVELOPE_BYTES, FORWARD_SHARE
from fleetbeat.plan import timetable_of

WEARERS, DAYS = 12, 7
"""Habits of so many wearers of a kind, over so many days, stand for all."""

SHORTEST_LIFE_S = 1.0
"""Where all rounds are over at once: nothing is divided by no time at all."""

NIGHT_S = 8 * 3_600.0
"""In bed, as the costs of a model foretell it."""


@dataclass(frozen=True, slots=True)
class DayCost:
    """One device of a kind, one day; *kind* names the group, too, where a fleet has it with different figures.

    ``learning_*`` mean what a run's price does (`fleetbeat.price`): fits and both radios, spread over the days that are
    lived (`lived_days`), as if the device delivered whenever the server selects it.
    """

    kind: str
    devices: int
    battery_h: float
    """Hours that a full battery lasts when the server never asks."""
    life_j: float
    near_mb: float
    near_j: float
    learning_mb: float
    learning_j: float
    learning_battery_min: float
    """Minutes of ordinary life that the energy for learning would have lasted."""
    fit_s: float | None
    """Seconds of one fit when nobody uses the device; None for a kind that does not train."""


def day_costs(fleet: Fleet, devices: Sequence[Device]) -> list[DayCost]:
    """Return what a day costs each kind of *devices* (the residents of *fleet*), in the order of the file."""
    rounds_a_day, work = rounds_that_fit(fleet) / lived_days(fleet, devices), foreseen_work(fleet, devices)
    return [_day_cost(fleet, kind, alike, rounds_a_day, work) for kind, alike in by_kind(devices).items()]


def foreseen_work(fleet: Fleet, devices: Iterable[Device]) -> Work:
    """Return what a fit takes: as the fleet declares it, else an estimate for its model, half-way through life.

    A device is taken to have been worn in all nights of its history and in half of those to come, and everybody who is
    asked to deliver, which makes trees grow. Nothing is known of an app's fits before they are measured. Raises
    SettingsError if the model's library is missing.
    """
    learning, task = fleet.learning, TASKS[fleet.learning.task]
    if learning.work is not None:
        return learning.work
    if fleet.app is not None:
        return Work()
    model = model_named(learning.model)
    a_night = 1.0 if task.a_night else (NIGHT_S if learning.epochs == "in_bed" else DAY_S) / EPOCH_S
    examples = a_night * (learning.history_nights + fleet.days / 2)
    asked = learning.fraction_train * sum(device.kind.trains for device in devices)
    began = sum(len(array.data) for array in ArrayRecord(model.initial_arrays(task)).values())
    grown = model.GROWS_BYTES * learning.local_epochs
    size = began + grown * asked * max(rounds_that_fit(fleet) - 1, 0) / 2
    return Work(
        gflop=model.flop(task, round(size)) * examples * learning.local_epochs / 1e9,
        mb_down=(ENVELOPE_BYTES + size) / 1e6,
        mb_up=(ENVELOPE_BYTES + began + grown) / 1e6,
    )


def by_kind(devices: Iterable[Device]) -> dict[str, list[Device]]:
    """Return *devices* by what they are; those with figures changed by their group stand apart: ``phone (slow)``."""
    firsts: dict[str, Kind] = {}
    names: dict[tuple[str, str, bool], str] = {}
    of_kind: dict[str, list[Device]] = {}
    for device in devices:
        name, plain = device.kind.kind, device.kind is kind_named(device.kind.kind)
        first = firsts.setdefault(name, device.kind)
        same = (name, device.group, plain)  # drawn figures differ from device to device: a group stands together
        if same not in names:
            names[same] = name if device.kind == first else f"{name} ({device.group})"
        of_kind.setdefault(names[same], []).append(device)
    return of_kind


def rounds_that_fit(fleet: Fleet) -> int:
    """Return how many of the fleet's rounds can start before its last day is over."""
    learning = fleet.learning
    left_s = fleet.days * DAY_S - learning.first_round_s
    if left_s <= 0:
        return 0
    every_s = timetable_of(fleet).every_s
    return min(learning.rounds, int(-(-left_s // every_s))) if every_s > 0 else learning.rounds


def lived_days(fleet: Fleet, devices: Sequence[Device]) -> float:
    """Return the days until life ends: the fleet's own, or fewer if its last round is over, everybody delivering."""
    learning = fleet.learning
    if rounds_that_fit(fleet) < learning.rounds:
        return fleet.days
    kinds = {id(device.kind): device.kind for device in devices if device.kind.trains}.values()
    work = foreseen_work(fleet, devices)
    round_s = 0.0 if fleet.ideal else max((_round_s(learning, kind, work) for kind in kinds), default=0.0)
    last_s = learning.first_round_s + (learning.rounds - 1) * max(timetable_of(fleet).every_s, round_s)
    return min(fleet.days, max(last_s + round_s, SHORTEST_LIFE_S) / DAY_S)


def _round_s(learning: Learning, kind: Kind, work: Work) -> float:
    """Return how long a device of *kind* trains and is evaluated in one round, over Wi-Fi and left alone."""
    wifi = kind.far.wifi
    fit_s = kind.processor.seconds(work.gflop, in_use=False)
    down_s, up_s = wifi.transfer_s(work.mb_down * 1e6, down=True), wifi.transfer_s(work.mb_up * 1e6, down=False)
    trains_s = min(learning.round_deadline_s, down_s + fit_s + up_s)
    if not learning.fraction_evaluate:
        return trains_s
    return trains_s + min(learning.round_deadline_s, down_s + fit_s * _forward(learning))


def _day_cost(fleet: Fleet, name: str, alike: Sequence[Device], rounds_a_day: float, work: Work) -> DayCost:
    kind = alike[0].kind
    worn, in_use = _shares(fleet, alike[:WEARERS])
    in_session = in_use if kind.senses_in_session else 0.0  # a worn device in use is its wearer's sport
    draw_mw = kind.idle_mw + kind.sensing_mw * worn + kind.session_sensing_mw * in_session + kind.in_use_mw * in_use
    near_bytes = _streamed_bytes(fleet.name, kind, kind.senses) * (worn - in_session)
    near_bytes += _streamed_bytes(fleet.name, kind, kind.senses | kind.senses_in_session) * in_session
    near_j = kind.near.energy_j(near_bytes) if kind.near is not None else 0.0
    life_j = draw_mw / 1_000 * DAY_S + near_j
    learning_mb, tasks_j = _learning(fleet.learning, kind, rounds_a_day, work) if kind.trains else (0.0, 0.0)
    learning_j = tasks_j + near_j
    return DayCost(
        kind=name,
        devices=len(alike),
        battery_h=kind.capacity_wh * 3_600 / life_j * 24,
        life_j=life_j,
        near_mb=near_bytes / 1e6,
        near_j=near_j,
        learning_mb=learning_mb,
        learning_j=learning_j,
        learning_battery_min=learning_j / (life_j - near_j) * 1_440,
        fit_s=kind.processor.seconds(work.gflop, in_use=False) if kind.trains else None,
    )


def _shares(fleet: Fleet, alike: Iterable[Device]) -> tuple[float, float]:
    """Return the shares of a day that such devices are worn and in use; recorded wearers count as always wearing."""
    worn_s = in_use_s = total_s = 0.0
    for device in alike:
        if device.recording is not None or fleet.ideal:
            return 1.0, 0.0
        body = SyntheticBody(fleet.seed, device.wearer, fleet.start, device.traits)
        habits = Habits(fleet.seed, device.name, device.kind, None, device.wearer, body, fleet.start, device.traits)
        for life in habits.lives(0.0, DAYS * DAY_S):
            lasts_s = life.to_s - life.from_s
            total_s += lasts_s
            worn_s += lasts_s * life.worn
            in_use_s += lasts_s * life.in_use
    return worn_s / total_s, in_use_s / total_s


def _streamed_bytes(fleet: str, kind: Kind, senses: Mapping[str, float]) -> float:
    """Return the bytes that a day of readings at the rhythm of *senses* takes, in batches as they are sent."""
    channels = {}
    for channel, every_s in senses.items():
        times = np.arange(0.0, kind.sync_every_s, every_s)
        channels[channel] = (times, np.full(len(times), 60.0))
    if not channels:
        return 0.0
    return len(encode_batch(fleet, f"{kind.kind}-1", 1, 0.0, channels)) * DAY_S / kind.sync_every_s


def _learning(learning: Learning, kind: Kind, rounds_a_day: float, work: Work) -> tuple[float, float]:
    """Return megabytes and joules a day for training and evaluating over Wi-Fi."""
    trains, judges = rounds_a_day * learning.fraction_train, rounds_a_day * learning.fraction_evaluate
    wifi = kind.far.wifi
    down_j = wifi.energy_j(work.mb_down * 1e6, down=True)
    up_j = wifi.energy_j(work.mb_up * 1e6, down=False)
    fit_j = kind.training_mw / 1_000 * kind.processor.seconds(work.gflop, in_use=False)
    judge_j = fit_j * _forward(learning)
    megabytes = trains * (work.mb_down + work.mb_up) + judges * work.mb_down
    return megabytes, trains * (down_j + fit_j + up_j) + judges * (down_j + judge_j)


def _forward(learning: Learning) -> float:
    """Return what judging a model takes, as a share of a fit: the forward pass of one epoch."""
    return FORWARD_SHARE / learning.local_epochs
