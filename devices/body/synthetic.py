"""A body made up from a seed: one hidden state a block, from noon to noon, drives all its signals."""

import math
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from devices.body.beats import beats
from devices.body.channels import EPOCH_S, FloatArray, Stages
from devices.body.day import DAY_S, Span, clipped, joined
from devices.body.heart import TONE, heart_rate, rmssd
from devices.body.hidden import OF_ACTIVITY, PLACES, STILL, WAKE, Hidden
from devices.body.light import light
from devices.body.motion import URGE, vigour
from devices.body.noise import wandering
from devices.body.plan import NOON_H, Plan, Planner, Recent
from devices.body.sensor import BY_PULSE, SENSED, motion_error_bpm, pulseless, sensed
from devices.body.sleep import Night
from devices.foresight import PLAN, SIGNALS, Foresight, blind
from devices.randomness import stream

EPOCHS = DAY_S // EPOCH_S
KEPT_BLOCKS = 2

HOURS: FloatArray = np.linspace(NOON_H, NOON_H + 24, EPOCHS, endpoint=False)
"""The local clock at a block's epochs; the next morning has hours above 24."""

MEMORY = np.array([memory for memory, _ in (*URGE, *TONE)] + [0.60, 0.95])
"""Memory per epoch of all that wanders: the parts of the urge and of the tone, then flutter and flicker."""

SHARES = np.array([[share] for _, share in (*URGE, *TONE)])

Block = dict[str, npt.NDArray[Any]]
"""A value an epoch for each channel, and ``stage`` for the truth."""


class SyntheticBody:
    """One wearer's body. Times are seconds of life; history, before 0, is as good as the future.

    All it tells depends on seed, name, start and time alone, never on what was asked before. Blocks of
    signals are made when first needed and a few are remembered; what wanders starts afresh at noon.
    """

    def __init__(
        self,
        seed: int,
        wearer: str,
        start: datetime,
        traits: Mapping[str, float] | None = None,
        blocks: int = KEPT_BLOCKS,
        foresight: Foresight = blind,
    ) -> None:
        """Wake *wearer* of the fleet with this *seed*, of whom *traits* are known; t_s = 0 is *start* there.

        It remembers the signals of so many *blocks*; *foresight* may tell plans and signals before they are made.
        """
        self._seed, self._name = seed, wearer
        self._planner = Planner(seed, wearer, start, traits, blocks, partial(foresight, PLAN, wearer))
        self.block, self.plan = self._planner.block, self._planner.plan
        self.signals: Recent[Block] = Recent(self._make_block, blocks, partial(foresight, SIGNALS, wearer))

    def readings(self, channel: str, from_s: float, to_s: float, every_s: float) -> tuple[FloatArray, FloatArray]:
        """Return times in [from_s, to_s) at multiples of *every_s*, and the channel's values at them.

        The value at a time is that of its epoch of 30 s, in the unit of ``CHANNELS``; while the sensor finds no pulse
        there is none. Of ``rr_interval`` every multiple of *every_s* begins a window of 30 s, and times are those of
        its beats. An unknown channel is a KeyError.
        """
        if channel == "rr_interval":
            return self._beats(from_s, to_s, every_s)
        if channel not in SENSED:
            raise KeyError(channel)
        times = _grid(from_s, to_s, every_s)
        values = self._values(channel, times, every_s)
        if channel in BY_PULSE and not values.all():
            found = values > 0
            return times[found], values[found]
        return times, values

    def nights(self, from_s: float, to_s: float) -> list[Night]:
        """Return the nights whose truth becomes known in [from_s, to_s), in order.

        A night's index is the number of the date on whose evening it begins: 0 is the fleet's first.
        """
        blocks = range(self._planner.block(from_s) - 1, self._planner.block(to_s) + 1)
        nights = (self._planner.plan(block).night for block in blocks)
        return [night for night in nights if from_s <= night.known_s < to_s]

    def day(self, from_s: float, to_s: float) -> list[Span]:
        """Return what the wearer does, as spans that tile [from_s, to_s)."""
        told: list[Span] = []
        for block in range(self._planner.block(from_s), self._planner.block(to_s) + 1):
            part = clipped(self._planner.plan(block).spans, from_s, to_s)
            seam = joined([*told[-1:], *part[:1]])
            told[-1:], part[:1] = seam, []
            told += part
        return told

    def truth(self, from_s: float, to_s: float) -> tuple[FloatArray, Stages]:
        """Return the beginnings in [from_s, to_s) of all 30-s epochs, day and night, and their stages."""
        times = _grid(from_s, to_s, EPOCH_S)
        return times, self._values("stage", times, EPOCH_S).astype(np.int8)

    def _values(self, channel: str, times: FloatArray, every_s: float) -> FloatArray:
        """Look *times*, which are *every_s* apart, up in the blocks that hold them."""
        if not times.size:
            return times
        first, last = self._planner.block(times.item(0)), self._planner.block(times.item(-1))
        if first == last:
            return self._values_in(first, channel, times, every_s)
        cuts = np.searchsorted(times, [self._planner.begins_s(block) for block in range(first + 1, last + 1)])
        parts = enumerate(np.split(times, cuts), first)
        return np.concatenate([self._values_in(block, channel, part, every_s) for block, part in parts if part.size])

    def _values_in(self, block: int, channel: str, times: FloatArray, every_s: float) -> FloatArray:
        """Look *times*, at least one, up in the one block that holds them."""
        begins_s, signal = self._planner.begins_s(block), self.signals(block)[channel]
        if every_s % EPOCH_S:
            return signal[((times - begins_s) / EPOCH_S).astype(np.intp)].astype(np.float64)
        first, last = (int((edge_s - begins_s) // EPOCH_S) for edge_s in (times.item(0), times.item(-1)))
        return signal[first : last + 1 : int(every_s // EPOCH_S)].astype(np.float64)

    def _beats(self, from_s: float, to_s: float, every_s: float) -> tuple[FloatArray, FloatArray]:
        """Return the beats in [from_s, to_s) of all windows, and the intervals they end."""
        every_s = max(every_s, EPOCH_S)
        windows = _grid(from_s - EPOCH_S, to_s, every_s)
        bpm, rmssd_ms, stage = (self._values(channel, windows, every_s) for channel in (*BY_PULSE, "stage"))
        told = [np.empty((2, 0))]
        for start, *state in zip(windows.tolist(), bpm.tolist(), rmssd_ms.tolist(), stage.tolist(), strict=True):
            if state[0] > 0:
                rng = stream(self._seed, self._name, "beats", int(start // EPOCH_S))
                told.append(beats(start, state[0], state[1], asleep=state[2] > WAKE, rng=rng))
        times, values = np.concatenate(told, axis=1)
        here = (times >= from_s) & (times < to_s)
        return times[here], values[here]

    def _make_block(self, block: int) -> Block:
        plan, wearer = self._planner.plan(block), self._planner.wearer
        hidden = _hidden(plan, stream(self._seed, self._name, "signals", block))
        by_chance = stream(self._seed, self._name, "sensor", block)
        strength = vigour(wearer, hidden)
        signals = {
            "heart_rate": heart_rate(wearer, hidden, strength) + motion_error_bpm(strength, by_chance),
            "rmssd": rmssd(wearer, hidden),
            "movement": strength**2,
            "light": light(wearer, hidden),
        }
        shown: Block = {channel: sensed(channel, signal) for channel, signal in signals.items()}
        lost = pulseless(wearer, EPOCHS, by_chance)
        for channel in BY_PULSE:
            shown[channel][lost] = 0
        return shown | {"stage": np.where(hidden.states < STILL, hidden.states, WAKE)}


def _grid(from_s: float, to_s: float, every_s: float) -> FloatArray:
    """Return the multiples of *every_s* in [from_s, to_s)."""
    times: FloatArray = np.arange(math.ceil(from_s / every_s), math.ceil(to_s / every_s)) * np.float64(every_s)
    return times


def _hidden(plan: Plan, rng: np.random.Generator) -> Hidden:
    """Draw the hidden state of a block that goes as planned."""
    epochs = [round((span.to_s - span.from_s) / EPOCH_S) for span in plan.spans]
    states = np.repeat(np.array([OF_ACTIVITY[span.activity] for span in plan.spans], dtype=np.int8), epochs)
    for epoch, asleep in plan.asleep:
        states[epoch : epoch + len(asleep)] = asleep
    places = np.repeat(np.array([PLACES.index(span.place) for span in plan.spans], dtype=np.int8), epochs)
    tonight, sky = rng.standard_normal(2).tolist()
    spell = np.repeat(rng.standard_normal(len(epochs)), epochs)
    waves = wandering(rng.standard_normal((len(MEMORY), EPOCHS)), MEMORY)
    parts = waves[:-2] * SHARES  # summed below and not by BLAS, whose last bits depend on the machine
    urge, tone = parts[: len(URGE)].sum(axis=0), parts[len(URGE) :].sum(axis=0)
    bed_h = NOON_H + plan.bed_epoch * EPOCH_S / 3_600
    strained = plan.strain.heart_bpm(HOURS, bed_h), plan.strain.rmssd_share(HOURS, bed_h)
    return Hidden(states, places, HOURS, urge, tone, waves[-2], waves[-1], *strained, spell, tonight, sky)
