"""The circumstances of a recorded wearer: worn while there are readings, on the charger while there are none.

A recording says nothing of chargers and networks. Off the wrist for more than an hour is taken for
charging (as in the free-living week of Walch 2019, where nine of ten long gaps lie at night); the
wearer is taken to be at home with Wi-Fi. After the recording's end the device lies on its charger.
"""

from collections.abc import Iterator

import numpy as np

from devices.body import CHANNELS, RecordedBody
from devices.circumstances import Circumstances, Stretch, tiled

OFF_WRIST_S = 3_600.0


class RecordedLife:
    """What the recording of one wearer tells about the device that made it."""

    def __init__(self, body: RecordedBody) -> None:
        """Read where the gaps of *body* are."""
        times = np.sort(np.concatenate([body.readings(channel, -np.inf, np.inf, 0.0)[0] for channel in CHANNELS]))
        ends = np.flatnonzero(np.diff(times) > OFF_WRIST_S)
        self._gaps = [(float(times[i]), float(times[i + 1])) for i in ends]
        self._first_s, self._last_s = body.begins_s, body.ends_s

    def lives(self, from_s: float, to_s: float) -> Iterator[Circumstances]:
        """Yield circumstances that tile [from_s, to_s)."""
        off: list[Stretch] = [(start, end, True) for start, end in self._gaps]
        if self._last_s < to_s:
            off.append((self._last_s + 1.0, to_s, True))
        if self._first_s > from_s:
            off.append((from_s, self._first_s, True))
        worn: list[Stretch] = [(start, end, False) for start, end, _ in off]
        yield from tiled(from_s, to_s, {"far_link": "wifi", "worn": True}, {"charging": off, "worn": worn})
