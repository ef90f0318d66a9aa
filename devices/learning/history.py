"""History: nights become examples, in the life of a device and before it began."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from devices.body import Body, Night, Stages
from devices.buffer import Buffer, Examples, FloatArray, KeptNight, Window
from devices.kinds import Kind
from devices.learning.diary import Diary
from devices.learning.features import EPOCH_S
from devices.learning.task import UNSCORED, Task, look

DAY_S = 86_400.0

Worn = Callable[[FloatArray], npt.NDArray[np.bool_]]
"""Whether the sensor was on the skin at each of these moments."""

Sessions: TypeAlias = tuple[Mapping[str, float], Sequence[tuple[float, float]]]
"""What one device measures more often in a session (channel, seconds), and from when to when its sessions were."""

Truth = Callable[[float, float], tuple[FloatArray, Stages]]
"""A body's ``truth``: the beginnings in ``[from_s, to_s)`` of all scored epochs, by day too, and their stages."""


def always(moments: FloatArray) -> npt.NDArray[np.bool_]:
    """Worn day and night."""
    return np.ones(len(moments), bool)


def whole_day(night: Night, truth_of: Truth, from_s: float, to_s: float) -> Night:
    """Return *night* widened to all scored epochs of ``[from_s, to_s)``: its own stages inside, the truth outside."""
    times, truth = truth_of(from_s, to_s)
    if not len(times):
        return night
    start_s = float(times[0])
    stages = np.full(round((float(times[-1]) - start_s) / EPOCH_S) + 1, UNSCORED, np.int8)
    stages[np.round((times - start_s) / EPOCH_S).astype(np.int64)] = truth
    first = round((night.bed_s - start_s) / EPOCH_S)
    inside = slice(max(first, 0), max(min(first + len(night.stages), len(stages)), 0))
    stages[inside] = night.stages[inside.start - first : inside.stop - first]
    return replace(night, bed_s=start_s, rise_s=start_s + EPOCH_S * len(stages), stages=stages)


def at_sport(body: Body, kind: Kind, from_s: float, to_s: float) -> list[Sessions]:
    """Return the sessions in ``[from_s, to_s)`` of a device of *kind* that *body* wears all the time, if it has any."""
    if not kind.senses_in_session or not kind.in_use_mw:  # what draws nothing in use is never in use
        return []
    spans = body.day(from_s, to_s)
    return [(kind.senses_in_session, [(span.from_s, span.to_s) for span in spans if span.activity == "exercise"])]


def seen_through(
    body: Body, senses: Mapping[str, float], worn: Worn = always, sessions: Sequence[Sessions] = ()
) -> Window:
    """Return what a sensor on *body* sees while *worn*: its channels at its rhythm (*senses*: channel, seconds).

    In *sessions* there are more readings, between the usual ones.
    """

    def window(channel: str, from_s: float, to_s: float) -> tuple[FloatArray, FloatArray]:
        if channel not in senses:
            return np.empty(0), np.empty(0)
        parts = [body.readings(channel, from_s, to_s, senses[channel])]
        parts += [
            body.readings(channel, max(start_s, from_s), min(end_s, to_s), rhythm[channel])
            for rhythm, stretches in sessions
            if channel in rhythm
            for start_s, end_s in stretches
            if start_s < to_s and end_s > from_s
        ]
        times, values = parts[0]
        if len(parts) > 1:
            times, first = np.unique(np.concatenate([own for own, _ in parts]), return_index=True)
            values = np.concatenate([own for _, own in parts])[first]
        on_skin = worn(times)
        return (times, values) if on_skin.all() else (times[on_skin], values[on_skin])

    return window


def nights_of(
    body: Body,
    senses: Mapping[str, float],
    task: Task,
    from_s: float,
    to_s: float,
    *,
    epochs: str = "in_bed",
    diary: Diary | None = None,
    worn: Worn = always,
    sessions: Sequence[Sessions] = (),
) -> list[tuple[int, Examples]]:
    """Return index and examples of every night whose label becomes known in ``[from_s, to_s)``.

    They are what a buffer would hold had the device been there: the readings of *body* at the rhythm of
    *senses*, while *worn*, with those of *sessions*. Nights that were not worn enough, or that the *diary* does not
    tell, are left out; with *epochs* ``all`` a night brings the 24 h that end when its wearer rises.
    """
    window = seen_through(body, senses, worn, sessions)
    taught = []
    for night in body.nights(from_s, to_s):
        told = _told(night, task, epochs, diary, body.truth)
        examples = None if told is None else task.night_examples(told, window, epochs)
        if examples is not None:
            taught.append((night.index, examples))
    return taught


def learn_night(
    buffer: Buffer,
    task: Task,
    night: Night,
    epochs: str = "in_bed",
    diary: Diary | None = None,
    truth: Truth | None = None,
) -> KeptNight | None:
    """Turn *night* into fresh examples from the readings in *buffer*, keep them, and return what is new, if anything.

    Call it again when readings of that night may have come late: features are made anew only if they did. With
    *epochs* ``all`` the body's *truth* tells what was before the night.
    """
    told = _told(night, task, epochs, diary, truth)
    if told is None:
        return None
    seen = look(told, buffer.window, task, epochs)
    kept = next((kept for kept in buffer.nights() if kept.index == night.index), None)
    if kept is not None and seen.readings <= kept.readings:
        return None
    examples = task.examples_of(told, seen)
    if examples is None:
        return None
    buffer.keep_night(night.index, examples, True, seen.readings)
    return KeptNight(night.index, examples, True, seen.readings)


def _told(night: Night, task: Task, epochs: str, diary: Diary | None, truth: Truth | None) -> Night | None:
    """Return *night* as it is learnt from: as the diary tells it, with the day before it where that is asked for."""
    told = night if diary is None else diary.told(night)
    if told is None or task.a_night or epochs == "in_bed" or truth is None:
        return told
    return whole_day(told, truth, told.rise_s - DAY_S, told.rise_s)
