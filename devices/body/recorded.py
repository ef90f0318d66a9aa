"""A body that was measured: its readings come at their recorded times, its gaps are gaps."""

from datetime import datetime
from itertools import pairwise

import numpy as np

from devices.body.channels import CHANNELS, EPOCH_S, FloatArray, Stages
from devices.body.day import Span, clipped
from devices.body.recordings import Recordings
from devices.body.series import STAGE, Series
from devices.body.sleep import Night

UNSCORED, AWAKE = -1, 0


class RecordedBody:
    """One recorded person as a wearer. Times are seconds of life; nothing repeats.

    The whole recording is read and checked at once: a bad row speaks before life begins. Before its first
    and after its last reading the wearer wears nothing.
    """

    def __init__(self, recordings: Recordings, person: str, start: datetime) -> None:
        """Replay *person* at the recorded local time; t_s = 0 is *start* on the local clock."""
        who = recordings.person(person)
        shift_s = (who.start - start).total_seconds()
        series = {channel: recordings.series(person, channel) for channel in (*CHANNELS, STAGE)}
        self._series = {name: Series(one.times + shift_s, one.values) for name, one in series.items()}
        for one in self._series.values():
            one.times.setflags(write=False)  # readings are views of them
            one.values.setflags(write=False)
        self._night = self._scored(who.night_s[0] + shift_s, who.night_s[1] + shift_s)
        self._in_bed = _told(self._night)
        worn = [times for name in CHANNELS if (times := self._series[name].times).size]
        self.begins_s: float = min((float(times[0]) for times in worn), default=0.0)
        """When the first reading was made (0 if there is none)."""
        self.ends_s: float = max((float(times[-1]) for times in worn), default=0.0)
        """When the last reading was made (0 if there is none)."""

    def readings(self, channel: str, from_s: float, to_s: float, every_s: float) -> tuple[FloatArray, FloatArray]:
        """Return what was recorded in [from_s, to_s); *every_s* cannot change what the sensor did."""
        return self._cut(self._series[channel], from_s, to_s)

    def nights(self, from_s: float, to_s: float) -> list[Night]:
        """Return the recorded night if its end, when its truth is known, lies in [from_s, to_s)."""
        return [self._night] if from_s <= self._night.known_s < to_s else []

    def day(self, from_s: float, to_s: float) -> list[Span]:
        """Return what is known of the wearer as spans that tile [from_s, to_s).

        In the night they are asleep or awake in bed, epoch by epoch; else, for want of knowledge, still at home.
        """
        first, last = self._in_bed[0], self._in_bed[-1]
        before = Span(min(from_s, first.from_s), first.from_s, "home", "still")
        after = Span(last.to_s, max(to_s, last.to_s), "home", "still")
        return clipped((before, *self._in_bed, after), from_s, to_s)

    def truth(self, from_s: float, to_s: float) -> tuple[FloatArray, Stages]:
        """Return the beginnings in [from_s, to_s) of all scored 30-s epochs, by day too, and their stages."""
        times, values = self._cut(self._series[STAGE], from_s, to_s)
        return times, values.astype(np.int8)

    def _scored(self, bed_s: float, rise_s: float) -> Night:
        """Put the truth on the epochs of the night; those that nobody scored stay unscored."""
        epochs = int((rise_s - bed_s) // EPOCH_S)
        stages = np.full(epochs, UNSCORED, dtype=np.int8)
        times, truth = self.truth(bed_s, bed_s + EPOCH_S * epochs)
        stages[((times - bed_s) // EPOCH_S).astype(np.intp)] = truth
        stages.setflags(write=False)
        return Night(0, bed_s, rise_s, rise_s, stages)

    @staticmethod
    def _cut(series: Series, from_s: float, to_s: float) -> tuple[FloatArray, FloatArray]:
        first, last = np.searchsorted(series.times, (from_s, to_s))
        return series.times[first:last], series.values[first:last]


def _told(night: Night) -> list[Span]:
    """Tell a night epoch by epoch: asleep, or in_bed where the wearer was awake or nobody scored."""
    asleep = night.stages > AWAKE
    edges = [0, *(np.flatnonzero(np.diff(asleep)) + 1).tolist(), len(asleep)]
    told = []
    for first, last in pairwise(edges):
        activity = "asleep" if asleep[first] else "in_bed"
        told.append(Span(night.bed_s + EPOCH_S * first, night.bed_s + EPOCH_S * last, "home", activity))
    return told
