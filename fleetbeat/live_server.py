"""The live server: the same ServerApp as in virtual time, on a real SuperLink, telling its story as it goes."""

import math
from collections.abc import Callable, Mapping

from flwr.app import Context
from flwr.app.typing import MetricRecordValues

from aggregator.course import Arrays, course_from
from aggregator.errands import Road
from aggregator.live_grid import DaysOver, LiveGrid
from aggregator.roll import Reported, Roll
from aggregator.server_app import Witness, server_app
from aggregator.wall import LiveTime
from broker import events as ev
from broker.errors import FleetbeatError, RunEnded
from devices.learning.models import initial_arrays
from devices.learning.task import TASKS
from devices.residents import residents
from devices.settings import Fleet
from fleetbeat.judge import Judge
from fleetbeat.packing import packed
from fleetbeat.plan import DAY_S, SERVER_POLL_S, habits_of, plan_of, timetable_of
from fleetbeat.standing import Standing

STRANGERS_WAIT_S = 10.0
"""Wall seconds: so long a node of which no device speaks may be one whose device is about to (it takes a second)."""


class RunFailed(FleetbeatError):
    """The strategy cannot go on; Flower keeps the message as the run's details."""


class LiveServer:
    """One run; *tell* hears everything that happens, to the end and whatever it is, *say* what a person may read."""

    def __init__(
        self,
        fleet: Fleet,
        road: Road,
        reported: Reported,
        time: LiveTime,
        judge: Judge | None,
        tell: ev.Record,
        say: Callable[[str], None],
        *,
        before: Standing | None = None,
        leave: Callable[[Standing], None] = lambda _standing: None,
        poll_wall_s: float = SERVER_POLL_S,
        strangers_wait_s: float = STRANGERS_WAIT_S,
    ) -> None:
        """*road* leads to the SuperLink, *reported* hears the devices. Raises SettingsError for the strategy.

        *before* is how far an earlier server came that died; *leave* is told how far this one has come.
        """
        self._time = time
        self._judge = judge
        self._tell = tell
        self._say = say
        self._course = course_from(initial_arrays(TASKS[fleet.learning.task], fleet.learning.model))
        self._course.noted = self._noted
        self._leave = leave
        self._timetable = timetable_of(fleet)
        if before is not None:
            self._course.arrays, self._course.rounds_done = before.arrays, before.round
            self._timetable.resume(before.round, before.started_s, running=before.open)
        trainers = [resident.name for resident in residents(fleet) if resident.kind.trains]
        roll = Roll(reported, trainers, strangers_wait_s * time.pace.speed)
        habits, ends_s = habits_of(fleet, poll_wall_s), fleet.days * DAY_S
        self._grid = LiveGrid(road, roll, self._timetable, habits, time, self._record, ends_s)
        witness = Witness(record=self._record, now_s=time.now_s, round_closed=self._grid.round_closed, device_of=roll)
        self._app = server_app(plan_of(fleet, len(trainers)), self._course, self._score, witness)

    def run(self, context: Context) -> None:
        """Train to the end, as Flower's ServerApps are called; raises RunFailed if the strategy cannot go on.

        It also returns when the fleet's days are over, when devices stay away for too long, and when the run is
        stopped; `broker.events.ServerEnded` says which.
        """
        cause, reason = "failed", ""
        self._share(self._time.now_s(), self._course.rounds_done)
        try:
            self._app(self._grid, context)
            cause, reason = self._course.cause, self._course.reason
        except DaysOver:
            cause = "days_over"
        except RunEnded as error:
            cause, reason = "stopped", str(error)
        except (SystemExit, KeyboardInterrupt):  # what becomes of signals in Flower's processes
            cause, reason = "stopped", "the ServerApp was told to end: the run was stopped, or its SuperLink ended"
            raise
        except BaseException as error:
            reason = f"{type(error).__name__}: {error}"
            raise
        finally:
            self._tell(ev.ServerEnded(self._time.now_s(), None, cause, reason))
            self._say(f"{cause}{': ' if reason else ''}{reason}")
        if cause == "failed":
            raise RunFailed(reason)

    def _record(self, event: ev.Event) -> None:
        self._tell(event)
        if isinstance(event, ev.ModelAggregated):
            self._share(event.t_s, event.round)
            self._stand(event.round, open_=True)
        elif isinstance(event, ev.RoundEnded) and event.round > 0:
            self._stand(event.round, open_=False)
        elif isinstance(event, ev.ModelScored):
            self._say(f"round {event.round:>3}  loss {event.loss:.3f}  balanced_accuracy {event.balanced_accuracy:.3f}")

    def _stand(self, round_: int, *, open_: bool) -> None:
        self._leave(Standing(round_, self._course.arrays, self._timetable.started_s, open_))

    def _share(self, now_s: float, round_: int) -> None:
        self._tell(ev.ModelShared(now_s, None, round_, packed(self._course.arrays)))

    def _noted(self, table: str, round_: int, metrics: Mapping[str, MetricRecordValues]) -> None:
        numbers = {name: value for name, value in metrics.items() if isinstance(value, int | float)}
        self._tell(ev.MetricsNoted(self._time.now_s(), None, round_, table, numbers))

    def _score(self, arrays: Arrays) -> dict[str, float] | None:
        if self._judge is None:
            return None
        return {name: math.nan if figure is None else figure for name, figure in self._judge.score(arrays).items()}
