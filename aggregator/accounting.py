"""The account: every selected device-round ends in exactly one outcome, deduced from events and never guessed.

What a device went through is told by its own events; delivered, late, rejected and unreachable by
the server's. The first decisive event settles a device-round; only a reply that is used after all,
or a strategy that turns one down, changes it later.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from aggregator.trail import Trail, exception_of
from broker import events as ev
from broker.errors import AccountBroken

OUTCOMES = (
    "delivered",
    "refused",
    "interrupted",
    "unreachable",
    "lost_power",
    "lost_link",
    "late",
    "rejected",
    "crashed",
)
PHASES = ("train", "evaluate")


@dataclass(frozen=True, slots=True)
class Glance:
    """What a look at a device shows at one moment: battery share (0–1) and link (wifi, mobile, none)."""

    battery: float
    link: str


@dataclass(slots=True)
class RoundLine:
    """What the server did in one round."""

    round: int
    t_start_s: float
    t_end_s: float | None = None
    reachable: int = 0
    ready: int = 0
    selected: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PHASES, 0))
    updates: int = 0
    examples: int = 0
    score: ev.ModelScored | None = None


@dataclass(slots=True)
class Whereabouts:
    """What the account knows of a device between its events: enough to say why it was unreachable."""

    on: bool = True
    asleep: bool = False
    far_link: str = "none"

    @property
    def absence(self) -> str | None:
        """Return why the server cannot reach it, in the account's words, or None if it can."""
        if not self.on:
            return "powered_off"
        if self.asleep:
            return "asleep"
        return "far_link_down" if self.far_link == "none" else None


class Account:
    """Reads events as they happen and keeps the lines of rounds.csv and outcomes.csv."""

    def __init__(self, glance: Callable[[str], Glance]) -> None:
        self._glance = glance
        self._trails: dict[tuple[int, str], dict[str, list[Trail]]] = {}
        self._devices: dict[str, Whereabouts] = {}
        self.rounds: dict[int, RoundLine] = {}
        self.baseline: ev.ModelScored | None = None

    def record(self, event: ev.Event) -> None:
        """Take note of *event*; kinds that do not matter to the account are passed over."""
        reader = _READERS.get(type(event))
        if (
            reader is not None and getattr(event, "phase", PHASES[0]) in PHASES
        ):  # an app's own messages are its own affair
            reader(self, event)

    def trails(self) -> Iterable[Trail]:
        """Yield every selected device-round, in the order of selection."""
        return (trail for group in self._trails.values() for trails in group.values() for trail in trails)

    def outcomes(self, round_: int, phase: str) -> dict[str, int]:
        """Return how many device-rounds of one phase ended how (those still open are not in it)."""
        counts = dict.fromkeys(OUTCOMES, 0)
        for trail in self._of(round_, phase):
            if trail.outcome:
                counts[trail.outcome] += 1
        return counts

    def energy_j(self, round_: int, phase: str) -> tuple[float, float]:
        """Return the joules that one phase cost all devices, and the part that came to nothing."""
        trails = self._of(round_, phase)
        spent = sum(trail.energy_j for trail in trails)
        return spent, sum(t.energy_j for t in trails if t.outcome not in ("", "delivered"))

    def traffic_bytes(self, round_: int, phase: str) -> tuple[int, int]:
        """Return the bytes down to and up from all devices in one phase."""
        trails = self._of(round_, phase)
        return sum(trail.bytes_down for trail in trails), sum(trail.bytes_up for trail in trails)

    def close(self, now_s: float) -> None:
        """End the run: what is still open was overtaken by its end."""
        for trail in self.trails():
            if not trail.outcome:
                self._settle(trail, "rejected", "run_ended", now_s)

    def check(self, *, ended: bool) -> None:
        """Raise AccountBroken unless, for each round and phase, outcomes add up to the number selected.

        While the run goes on (*ended* false) device-rounds may still be open.
        """
        for line in self.rounds.values():
            for phase in PHASES:
                settled = sum(self.outcomes(line.round, phase).values())
                open_ = sum(1 for trail in self._of(line.round, phase) if not trail.outcome)
                if settled + open_ != line.selected[phase] or (ended and open_):
                    raise AccountBroken(
                        f"round {line.round}, {phase}: {line.selected[phase]} selected, "
                        f"but {settled} settled and {open_} open"
                    )

    def _of(self, round_: int, phase: str) -> Collection[Trail]:
        return [trail for trails in self._trails.get((round_, phase), {}).values() for trail in trails]

    def _line(self, event: ev.Event, round_: int) -> RoundLine:
        return self.rounds.setdefault(round_, RoundLine(round_, event.t_s))

    def _trail(self, event: ev.Event) -> Trail:
        """Return whose event it is: of a device chosen twice in a round, the first of its tasks that has no end yet.

        (Its work is at the task that it fetched last, even if the server has given that one up.)
        """
        trails = self._trails[event.round, event.phase][event.device or ""]  # type: ignore[attr-defined]  # see _READERS
        if isinstance(event, ev.Work) and not isinstance(event, ev.TaskFetched):
            worked_at = next((trail for trail in reversed(trails) if trail.fetched_s is not None), None)
            if worked_at is not None:
                return worked_at
        return next((trail for trail in trails if not trail.outcome), trails[-1])

    def _where(self, event: ev.Event) -> Whereabouts:
        return self._devices.setdefault(event.device or "", Whereabouts())

    def _settle(self, trail: Trail, outcome: str, reason: str, now_s: float) -> None:
        glance = self._glance(trail.device)
        trail.settle(outcome, reason, now_s, glance.battery, glance.link)

    # --- the server's events

    def _selection_made(self, event: ev.SelectionMade) -> None:
        line = self._line(event, event.round)
        if event.phase == "train":
            line.reachable, line.ready = event.reachable, event.ready
        line.selected[event.phase] += event.selected

    def _selected(self, event: ev.DeviceSelected) -> None:
        device = event.device or ""
        group = self._trails.setdefault((event.round, event.phase), {})
        group.setdefault(device, []).append(Trail(event.round, event.phase, device, event.t_s))

    def _received(self, event: ev.ReplyReceived) -> None:
        self._settle(self._trail(event), "delivered", "", event.t_s)

    def _turned_down(self, event: ev.UpdateRejected) -> None:
        self._settle(self._trail(event), "rejected", event.reason, event.t_s)

    def _given_up(self, event: ev.DeviceGivenUp) -> None:
        trail = self._trail(event)
        if not trail.outcome:
            outcome, reason = trail.blame(event.t_s, event.cause, self._where(event).absence)
            self._settle(trail, outcome, reason, event.t_s)

    def _error_received(self, event: ev.ErrorReceived) -> None:
        trail = self._trail(event)
        if not trail.outcome:  # an error that no event of the device explains: its app failed
            self._settle(trail, "crashed", exception_of(event.reason), event.t_s)

    def _aggregated(self, event: ev.ModelAggregated) -> None:
        line = self._line(event, event.round)
        line.updates, line.examples = event.updates, event.examples

    def _scored(self, event: ev.ModelScored) -> None:
        if event.round == 0:
            self.baseline = event
        else:
            self._line(event, event.round).score = event

    def _round_ended(self, event: ev.RoundEnded) -> None:
        self._line(event, event.round).t_end_s = event.t_s

    def _resumed(self, event: ev.ServerResumed) -> None:
        """Of the server that died nothing is left but the model after a round."""
        for trail in self.trails():
            unused = trail.outcome == "delivered" and trail.phase == "train" and trail.round > event.round
            if unused or not trail.outcome:
                self._settle(trail, "rejected", "run_ended", event.t_s)
        for line in self.rounds.values():
            if line.round > event.round:
                line.updates, line.examples, line.score = 0, 0, None

    # --- a device's events

    def _fetched(self, event: ev.TaskFetched) -> None:
        self._trail(event).fetched(event.t_s)

    def _refused(self, event: ev.TaskRefused) -> None:
        self._device_says(event, "refused", event.reason)

    def _interrupted(self, event: ev.WorkInterrupted) -> None:
        self._device_says(event, "interrupted", event.reason)

    def _lost_power(self, event: ev.WorkLostPower) -> None:
        self._device_says(event, "lost_power", event.stage)

    def _crashed(self, event: ev.WorkCrashed) -> None:
        self._device_says(event, "crashed", event.exception)

    def _device_says(self, event: ev.Work, outcome: str, reason: str) -> None:
        trail = self._trail(event)
        if not trail.outcome:
            self._settle(trail, outcome, reason, event.t_s)

    def _started(self, event: ev.WorkStarted) -> None:
        self._trail(event).started(event.t_s, event.examples, event.examples_fresh)

    def _finished(self, event: ev.WorkFinished) -> None:
        self._trail(event).finished(event.loss, event.accuracy)

    def _uploading(self, event: ev.UploadStarted) -> None:
        self._trail(event).uploading(event.t_s)

    def _link_lost(self, event: ev.WorkLostLink) -> None:
        self._trail(event).link_broke_at = event.stage

    def _link_back(self, event: ev.WorkLinkBack) -> None:
        self._trail(event).link_broke_at = None

    def _paid(self, event: ev.WorkSettled) -> None:
        self._trail(event).pay(event)

    # --- where a device is

    def _life_changed(self, event: ev.LifeChanged) -> None:
        if event.what == "far_link":
            self._where(event).far_link = str(event.value)

    def _slept(self, event: ev.RadioSlept) -> None:
        self._where(event).asleep = True

    def _woke(self, event: ev.RadioWoke) -> None:
        self._where(event).asleep = False

    def _off(self, event: ev.Event) -> None:
        self._where(event).on = False

    def _on(self, event: ev.Event) -> None:
        self._where(event).on = True


_READERS: dict[type[ev.Event], Callable[[Account, Any], None]] = {
    ev.SelectionMade: Account._selection_made,
    ev.DeviceSelected: Account._selected,
    ev.ReplyReceived: Account._received,
    ev.ErrorReceived: Account._error_received,
    ev.UpdateRejected: Account._turned_down,
    ev.DeviceGivenUp: Account._given_up,
    ev.ModelAggregated: Account._aggregated,
    ev.ModelScored: Account._scored,
    ev.RoundEnded: Account._round_ended,
    ev.ServerResumed: Account._resumed,
    ev.TaskFetched: Account._fetched,
    ev.TaskRefused: Account._refused,
    ev.WorkStarted: Account._started,
    ev.WorkFinished: Account._finished,
    ev.UploadStarted: Account._uploading,
    ev.WorkInterrupted: Account._interrupted,
    ev.WorkLostPower: Account._lost_power,
    ev.WorkLostLink: Account._link_lost,
    ev.WorkLinkBack: Account._link_back,
    ev.WorkCrashed: Account._crashed,
    ev.WorkSettled: Account._paid,
    ev.LifeChanged: Account._life_changed,
    ev.RadioSlept: Account._slept,
    ev.RadioWoke: Account._woke,
    ev.BatteryEmpty: Account._off,
    ev.SwitchedOff: Account._off,
    ev.SoftwareCrashed: Account._off,
    ev.PoweredOn: Account._on,
}
