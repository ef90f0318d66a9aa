"""The chronicle: a live run as its devices and its server tell it, put in order and retold.

Processes tell their events over MQTT, each at its own moment: an event may arrive after one that it caused. So nothing
is concluded from the order of arrival. Whenever tables are due, all events are put into the order of life and the
account is made anew from them.
"""

import threading
from bisect import bisect_right
from collections.abc import Mapping, Sequence

from aggregator.accounting import Account, Glance
from aggregator.course import Arrays, Course, course_from
from broker import events as ev
from devices.buffer import Buffer
from devices.figures import Report, report_of
from devices.lifelog import Lived, lived_in
from devices.residents import Device
from devices.settings import Fleet
from fleetbeat.packing import unpacked
from fleetbeat.run_folder import RunFolder

_UNWRITTEN = (ev.ModelShared, ev.DeviceReported, ev.IntervalLived)
"""What tables and model files are made of has no line in the journal."""

_FIRST: dict[type[ev.Event], int] = {ev.RunStarted: 0, ev.SelectionMade: 1, ev.DeviceSelected: 2}
"""What others refer to comes before them when the moment is the same."""

_AFTER_THE_END = (ev.WorkSettled, ev.ServerEnded)
"""What still counts. (When a run is stopped its devices sign off, and the server would call them lost.)"""


class Chronicle:
    """Hears events in any thread; `retell` puts *account*, *course*, *lived* and *reports* in order."""

    clock = "live"

    def __init__(self, fleet: Fleet, residents: Sequence[Device], initial: Arrays, folder: RunFolder) -> None:
        self.fleet = fleet
        self.residents = residents
        self.buffers: Mapping[str, Buffer] = {}
        """Those that lie in this process, if any."""
        self._initial = initial
        self._folder = folder
        self._events: list[ev.Event] = []
        self._lock = threading.Lock()
        self._reports: dict[str, Report] = {}
        self.lived: list[Lived] = []
        self.account = Account(self._glance)
        self.course: Course = course_from(initial)
        self._moment_s = 0.0
        self._batteries: dict[str, tuple[list[float], list[Lived]]] = {}
        self._seen: dict[str, Glance] = {}

    def hear(self, event: ev.Event) -> None:
        """Take note of *event*."""
        with self._lock:
            self._events.append(event)
            if not isinstance(event, _UNWRITTEN):
                self._folder.record(event)

    def reports(self) -> Mapping[str, Report]:
        """Return every device's figures as it last told them."""
        return self._reports

    def retell(self, *, ended_s: float | None = None) -> None:
        """Put everything heard so far in order; at the end (*ended_s*) no device-round stays open.

        What a server that outlived the run still concludes is left out.
        """
        with self._lock:
            events = in_order(self._events)
        self._read_lives(events)
        account, course = Account(self._glance), course_from(self._initial)
        self._seen = {}
        for event in events:
            if ended_s is not None and event.t_s > ended_s and not isinstance(event, _AFTER_THE_END):
                continue
            self._moment_s = event.t_s
            if isinstance(event, ev.LifeChanged):
                link = str(event.value) if event.what == "far_link" else self._seen_of(event).link
                self._seen[event.device or ""] = Glance(event.battery, link)
            account.record(event)
            _follow(course, event)
        if ended_s is not None:
            self._moment_s = ended_s
            account.close(ended_s)
        self.account, self.course = account, course  # now only: whoever looks meanwhile sees the last telling, whole
        if ended_s is not None:
            account.check(ended=True)

    def journal(self) -> list[ev.Event]:
        """Return the journal's events in the order of life."""
        with self._lock:
            return [event for event in in_order(self._events) if not isinstance(event, _UNWRITTEN)]

    def _read_lives(self, events: Sequence[ev.Event]) -> None:
        told: dict[Lived, None] = {}  # a device whose process was killed tells its last intervals again
        for event in events:
            if isinstance(event, ev.IntervalLived) and event.device is not None:
                told[lived_in(event)] = None
            elif isinstance(event, ev.DeviceReported) and event.device is not None:
                self._reports[event.device] = report_of(event.figures)
        lived = sorted(told, key=lambda line: line.from_s)
        self._batteries = {}
        for line in lived:
            starts, lines = self._batteries.setdefault(line.device, ([], []))
            starts.append(line.from_s)
            lines.append(line)
        self.lived = lived

    def _glance(self, device: str) -> Glance:
        """Return how *device* stood at the moment that is being told: from its life, as far as that is known."""
        starts, lines = self._batteries.get(device, ([], []))
        place = bisect_right(starts, self._moment_s) - 1
        if place < 0 or lines[place].to_s < self._moment_s:
            return self._seen.get(device, Glance(0.0, "none"))
        line = lines[place]
        share = (self._moment_s - line.from_s) / (line.to_s - line.from_s)
        battery = line.battery_start + share * (line.battery_end - line.battery_start)
        return Glance(round(battery, 4), line.life.far_link if line.power else "none")

    def _seen_of(self, event: ev.Event) -> Glance:
        return self._seen.get(event.device or "", Glance(0.0, "none"))


def in_order(events: Sequence[ev.Event]) -> list[ev.Event]:
    """Return *events* in the order of life, a device's word about a task never before the server's that it was asked.

    A word about a task that nobody asked for (of another run on the same fleet) is left out.
    """
    asked_s: dict[tuple[int, str, str | None], float] = {}
    for event in events:
        if isinstance(event, ev.DeviceSelected):
            place = (event.round, event.phase, event.device)
            asked_s[place] = min(event.t_s, asked_s.get(place, event.t_s))
    placed: list[tuple[float, int, int, ev.Event]] = []
    for number, event in enumerate(events):
        moment_s: float | None = event.t_s
        if isinstance(event, ev.Work):
            asked = asked_s.get((event.round, event.phase, event.device))
            moment_s = None if asked is None else max(event.t_s, asked)
        if moment_s is not None:
            placed.append((moment_s, _FIRST.get(type(event), len(_FIRST)), number, event))
    return [event for *_, event in sorted(placed, key=lambda entry: entry[:3])]


def _follow(course: Course, event: ev.Event) -> None:
    if isinstance(event, ev.MetricsNoted):
        course.note(event.name, event.round, event.metrics)
    elif isinstance(event, ev.ModelShared):
        course.arrays = unpacked(event.npz_base64)
    elif isinstance(event, ev.RoundEnded):
        course.rounds_done = max(course.rounds_done, event.round)
    elif isinstance(event, ev.ServerEnded):
        course.ends(event.cause, event.reason)
