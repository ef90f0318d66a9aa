"""A body made up from a seed: one hidden state a block, from noon to noon, drives all its signals."""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from devices.body.channels import CHANNELS, EPOCH_S, FloatArray, Stages
from devices.body.day import DAY_S, Span, clipped
from devices.body.heart import TONE, heart_rate, rmssd
from devices.body.hidden import OF_ACTIVITY, PLACES, STILL, WAKE, Hidden
from devices.body.light import light
from devices.body.motion import URGE, vigour
from devices.body.noise import wandering
from devices.body.plan import NOON_H, Plan, Planner, Recent
from devices.body.sleep import Night
from devices.randomness import stream

EPOCHS = DAY_S // EPOCH_S
KEPT_BLOCKS = 2

HOURS: FloatArray = np.linspace(NOON_H, NOON_H + 24, EPOCHS, endpoint=False)
"""The local clock at a block's epochs; the next morning has hours above 24."""

MEMORY = np.array([memory for memory, _ in (*URGE, *TONE)] + [0.60, 0.95])
"""Memory per epoch of all that wanders: the parts of the urge and of the tone, then flutter and flicker."""

SHARES = np.array([[share] for _, share in (*URGE, *TONE)])

SENSED: dict[str, tuple[type[np.unsignedinteger[Any]], float, float]] = {
    "heart_rate": (np.uint8, 30, 220),
    "rmssd": (np.uint16, 4, 300),
    "movement": (np.uint16, 0, 15_000),
    "light": (np.uint32, 0, 120_000),
}
"""What a synthetic body shows, in whole units as sensors count, and between which it stays. The kinds of
number are small because a fleet remembers many blocks: 29 kB each."""

Block = dict[str, npt.NDArray[Any]]
"""A value an epoch for each channel, and ``stage`` for the truth."""


class SyntheticBody:
    """One wearer's body. Times are seconds of life; history, before 0, is as good as the future.

    All it tells depends on seed, name, start and time alone, never on what was asked before. Blocks of
    signals are made when first needed and a few are remembered; what wanders starts afresh at noon.
    """

    def __init__(self, seed: int, wearer: str, start: datetime, traits: Mapping[str, float] | None = None) -> None:
        """Wake *wearer* of the fleet with this *seed*, of whom *traits* are known; t_s = 0 is *start* there."""
        self._seed, self._name = seed, wearer
        self._planner = Planner(seed, wearer, start, traits)
        self._block = Recent(self._make_block, keep=KEPT_BLOCKS)

    def readings(self, channel: str, from_s: float, to_s: float, every_s: float) -> tuple[FloatArray, FloatArray]:
        """Return times in [from_s, to_s) at multiples of *every_s*, and the channel's values at them.

        The value at a time is that of its epoch of 30 s, in the unit of ``CHANNELS``. A channel that a
        synthetic body does not show (``rr_interval``) has no readings; an unknown one is a KeyError.
        """
        if channel not in SENSED and channel in CHANNELS:
            return np.empty(0), np.empty(0)
        times = _grid(from_s, to_s, every_s)
        return times, self._values(channel, times)

    def nights(self, from_s: float, to_s: float) -> list[Night]:
        """Return the nights whose truth becomes known in [from_s, to_s), in order.

        A night's index is the number of the date on whose evening it begins: 0 is the fleet's first.
        """
        blocks = range(self._planner.block(from_s) - 1, self._planner.block(to_s) + 1)
        nights = (self._planner.plan(block).night for block in blocks)
        return [night for night in nights if from_s <= night.known_s < to_s]

    def day(self, from_s: float, to_s: float) -> list[Span]:
        """Return what the wearer does, as spans that tile [from_s, to_s)."""
        blocks = range(self._planner.block(from_s), self._planner.block(to_s) + 1)
        return clipped((span for block in blocks for span in self._planner.plan(block).spans), from_s, to_s)

    def truth(self, from_s: float, to_s: float) -> tuple[FloatArray, Stages]:
        """Return the beginnings in [from_s, to_s) of all 30-s epochs, day and night, and their stages."""
        times = _grid(from_s, to_s, EPOCH_S)
        return times, self._values("stage", times).astype(np.int8)

    def _values(self, channel: str, times: FloatArray) -> FloatArray:
        """Look ascending *times* up in the blocks that hold them."""
        if not times.size:
            return times
        first, last = self._planner.block(times.item(0)), self._planner.block(times.item(-1))
        if first == last:
            epochs = ((times - self._planner.begins_s(first)) / EPOCH_S).astype(np.intp)
            return self._block(first)[channel][epochs].astype(np.float64)
        cuts = np.searchsorted(times, [self._planner.begins_s(block) for block in range(first + 1, last + 1)])
        return np.concatenate([self._values(channel, part) for part in np.split(times, cuts)])

    def _make_block(self, block: int) -> Block:
        plan, wearer = self._planner.plan(block), self._planner.wearer
        hidden = _hidden(plan, stream(self._seed, self._name, "signals", block))
        strength = vigour(wearer, hidden)
        signals = {
            "heart_rate": heart_rate(wearer, hidden, strength),
            "rmssd": rmssd(wearer, hidden),
            "movement": strength**2,
            "light": light(wearer, hidden),
        }
        sensed: Block = {"stage": np.where(hidden.states < STILL, hidden.states, WAKE)}
        for channel, (kind, low, high) in SENSED.items():
            sensed[channel] = np.rint(np.clip(signals[channel], low, high)).astype(kind)
        return sensed


def _grid(from_s: float, to_s: float, every_s: float) -> FloatArray:
    """Return the multiples of *every_s* in [from_s, to_s)."""
    times: FloatArray = np.arange(math.ceil(from_s / every_s), math.ceil(to_s / every_s)) * np.float64(every_s)
    return times


def _hidden(plan: Plan, rng: np.random.Generator) -> Hidden:
    """Draw the hidden state of a block that goes as planned."""
    epochs = [round((span.to_s - span.from_s) / EPOCH_S) for span in plan.spans]
    states = np.repeat(np.array([OF_ACTIVITY[span.activity] for span in plan.spans], dtype=np.int8), epochs)
    states[plan.bed_epoch : plan.bed_epoch + len(plan.night.stages)] = plan.night.stages
    places = np.repeat(np.array([PLACES.index(span.place) for span in plan.spans], dtype=np.int8), epochs)
    tonight, sky = rng.standard_normal(2).tolist()
    spell = np.repeat(rng.standard_normal(len(epochs)), epochs)
    waves = wandering(rng.standard_normal((len(MEMORY), EPOCHS)), MEMORY)
    parts = waves[:-2] * SHARES  # summed below and not by BLAS, whose last bits depend on the machine
    urge, tone = parts[: len(URGE)].sum(axis=0), parts[len(URGE) :].sum(axis=0)
    return Hidden(states, places, HOURS, urge, tone, waves[-2], waves[-1], spell, tonight, sky)
