"""Small nights and sensors for the tests of learning."""

from collections.abc import Mapping

import numpy as np

from devices.body import Night, Span, Stages
from devices.buffer import Examples, FloatArray

N2, REM = 2, 4


def night(stages: list[int] | Stages, index: int = 0, bed_s: float = 0.0) -> Night:
    """A night with these stages; it is known when the wearer rises."""
    scored = np.array(stages, np.int8)
    rise_s = bed_s + 30.0 * len(scored)
    return Night(index=index, bed_s=bed_s, rise_s=rise_s, known_s=rise_s, stages=scored)


class Sensors:
    """Readings that lie ready, as a window and as a body without a day of its own."""

    def __init__(
        self, channels: Mapping[str, tuple[FloatArray, FloatArray]], nights: list[Night] | None = None
    ) -> None:
        self.channels = dict(channels)
        self._nights = nights or []

    def window(self, channel: str, from_s: float, to_s: float) -> tuple[FloatArray, FloatArray]:
        times, values = self.channels.get(channel, (np.empty(0), np.empty(0)))
        start, end = np.searchsorted(times, (from_s, to_s))
        return times[start:end], values[start:end]

    def readings(self, channel: str, from_s: float, to_s: float, every_s: float) -> tuple[FloatArray, FloatArray]:
        return self.window(channel, from_s, to_s)

    def nights(self, from_s: float, to_s: float) -> list[Night]:
        return [one for one in self._nights if from_s <= one.known_s < to_s]

    def day(self, from_s: float, to_s: float) -> list[Span]:
        return [Span(from_s, to_s, "home", "still")]

    def truth(self, from_s: float, to_s: float) -> tuple[FloatArray, Stages]:
        """Awake all day, as scored in the night."""
        times: FloatArray = np.arange(np.ceil(from_s / 30), np.ceil(to_s / 30)).astype(np.float64) * 30.0
        stages = np.zeros(len(times), np.int8)
        for one in self._nights:
            inside = (times >= one.bed_s) & (times < one.rise_s)
            stages[inside] = one.stages[((times[inside] - one.bed_s) / 30).astype(np.int64)]
        return times, stages


def sensors(from_s: float, to_s: float, every_s: float = 30.0, seed: int = 1) -> Sensors:
    """A heart and a wrist that do something, from *from_s* to *to_s*."""
    rng = np.random.default_rng(seed)
    times = np.arange(from_s, to_s, every_s)
    heart = 60 + np.cumsum(rng.normal(size=len(times))) * 0.3
    counts = np.where(rng.random(len(times)) < 0.2, rng.integers(1, 900, len(times)), 0).astype(np.float64)
    return Sensors(
        {"heart_rate": (times, heart), "movement": (times, counts), "rmssd": (times[::10], heart[::10] - 20)}
    )


def examples(size: int, features: int, seed: int, classes: int = 2, slope: float = 1.5) -> Examples:
    """Examples whose first feature tells the class, more or less."""
    rng = np.random.default_rng(seed)
    columns = rng.normal(size=(size, features))
    leaning = slope * columns[:, :1] * np.arange(classes) + rng.gumbel(size=(size, classes))
    return Examples(columns, leaning.argmax(axis=1), np.arange(size) * 30.0)
