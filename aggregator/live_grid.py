"""The live grid: Flower's Grid on a fleet of processes and a real SuperLink. To a strategy it is like the virtual one.

Before a road to the SuperLink (`aggregator.patient`, or any other Grid) it adds what a fleet needs: rounds that begin
when they are due, nodes in one order and of those devices only that may be selected, and the server's side of the
account. What strategies give in seconds (a timeout, a message's time to live) are seconds of life, as in virtual time;
their own ``time.sleep`` is the wall's.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence

from flwr.app import Message, RecordDict
from flwr.serverapp import Grid

from aggregator.desk import Desk
from aggregator.draws import Draws
from aggregator.errands import Errand, Errands, Road
from aggregator.flower import NodeInfo, Run
from aggregator.habits import Habits
from aggregator.lull import Lull
from aggregator.roll import Roll
from aggregator.rounds import Rounds
from aggregator.strategies.capabilities import Unwanted
from aggregator.timetable import Timetable
from aggregator.wall import LiveTime
from broker import events as ev
from broker.errors import RunEnded
from broker.messages import Telemetry

_NAMES_AGAIN_WALL_S = 0.5
_BREATH_WALL_S = 0.1
"""A strategy that looks for replies more often than this would keep the SuperLink from its work."""


class DaysOver(RunEnded):
    """The fleet's days are over while the server still works or waits."""


class LiveGrid(Grid):
    """A strategy's view of a live fleet. Lives in the server's thread and blocks it; moments are seconds of life."""

    def __init__(
        self,
        road: Road,
        roll: Roll,
        timetable: Timetable,
        habits: Habits,
        time: LiveTime,
        record: ev.Record,
        ends_s: float = math.inf,
    ) -> None:
        """*ends_s*: when the fleet's days are over; whatever waits then raises `DaysOver`."""
        self._road = road
        self._roll = roll
        self._errands = Errands(road, roll, time, Desk(record))
        self._rounds = Rounds(timetable, habits.needed, record)
        self._habits = habits
        self._time = time
        self._ends_s = ends_s
        self._draws = Draws(habits.seed)
        self._lull = Lull(habits.patience_s)

    # --- Flower's Grid

    def set_run(self, run: Run) -> None:
        """Remember the run."""
        self._road.set_run(run)

    @property
    def run(self) -> Run:
        """The run, a copy."""
        return self._road.run

    def create_message(
        self, content: RecordDict, message_type: str, dst_node_id: int, group_id: str, ttl: float | None = None
    ) -> Message:
        """Return a new instruction (Flower prefers its Message constructor)."""
        return Message(content, dst_node_id, message_type, ttl=ttl, group_id=group_id)

    def get_node_ids(self) -> Iterable[int]:
        """Return the nodes that can be selected, always in one order; a round's first question waits for its start.

        Sampling draws from global generators, seeded anew here: nobody else's draws change anything.
        """
        self._check_days()
        if not self._rounds.open:
            self._await_round()
        nodes, now_s = self._selectable(), self.now_s()
        self._lull.check(nodes, now_s)
        self._lull.asked(nodes)
        self._lull.sleeps(0.0, now_s)  # unseen: if it asks again and did nothing else, it was waiting since now
        if len(nodes) < self._rounds.needed:
            self._rounds.waits(len(nodes), now_s)
        self._draws.reseed()
        return list(nodes)

    def get_nodes(self) -> Iterable[NodeInfo]:
        """Return the same as records."""
        return [NodeInfo(node_id=node_id, status="online") for node_id in self.get_node_ids()]

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        """Lay a task at each message's node; return their ids in the same order, empty where the node is gone."""
        self._check_days()
        return [errand.task_id for errand in self._send(list(messages))]

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        """Take what has come."""
        self._check_days()
        return self._fetch(list(message_ids))

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float | None = None) -> Iterable[Message]:
        """Lay tasks at nodes and return what came back within *timeout*, by moment seen and then by node."""
        sent = self._send(list(messages))
        began_s = self.now_s()
        until_s = math.inf if timeout is None else began_s + timeout
        left = dict.fromkeys(errand.task_id for errand in sent if errand.task_id)
        replies: list[Message] = []
        if until_s > began_s:
            while left:
                for reply in self._fetch(list(left)):
                    left.pop(reply.metadata.reply_to_message_id, None)
                    replies.append(reply)
                if not left or not self._rest(until_s, self._habits.poll_s):
                    break
        label = sent[0].label if sent else None
        if label is not None:
            self._errands.end(label, left)
        self._rounds.answered(label, self.now_s())
        self._draws.reseed()
        return replies

    # --- what strategies may ask for beyond that: aggregator.strategies.capabilities

    def now_s(self) -> float:
        """Return the seconds of life."""
        return self._time.now_s()

    def reports(self) -> Mapping[int, Telemetry]:
        """Return the last report of each node that made one."""
        self._lull.disturbed()
        return self._roll.reports()

    def await_replies(self, message_ids: Collection[str], until_s: float) -> None:
        """Wait for the next look, at the latest until *until_s*."""
        self._lull.disturbed()
        soonest_s = self.now_s() + _BREATH_WALL_S * self._time.pace.speed
        self._rest(max(until_s, soonest_s), self._habits.poll_s)

    def overdue(self, message_ids: Iterable[str], *, kept: bool) -> None:
        """Write down that these were not answered by the deadline."""
        self._errands.overdue(message_ids, kept=kept)

    def dismiss(self, message_ids: Iterable[str], reason: Unwanted) -> None:
        """Write down that nothing is wanted of these any more."""
        self._errands.dismiss(message_ids, reason)

    # --- rounds

    def round_closed(self, round_: int) -> None:
        """Hear from a ServerApp that *round_* is over, evaluation included (0: before the first)."""
        self._rounds.closed(round_, self.now_s())

    def _await_round(self) -> None:
        while self._rest(self._rounds.due_s, math.inf):
            pass
        self._await_names()
        self._rounds.start(self.now_s())

    def _await_names(self) -> None:
        """Let devices that have just enrolled say who they are: a round that began before would miss them."""
        self._errands.online()
        while self._roll.unnamed and self._rest(math.inf, _NAMES_AGAIN_WALL_S):
            self._errands.online()

    # --- the clock of the server's thread

    def _check_days(self) -> None:
        if self.now_s() >= self._ends_s:
            raise DaysOver("the fleet's days are over")

    def _rest(self, until_s: float, longest_wall_s: float) -> bool:
        """Wait, at the latest until *until_s*; return False at once if that has been reached.

        (So the last look for replies is at the deadline itself: at many times life's speed a poll is half an hour.)
        """
        self._check_days()
        left_s = min(until_s, self._ends_s) - self.now_s()
        if left_s <= 0:
            return False
        self._time.rest(min(self._time.pace.wall_s(left_s), longest_wall_s))
        return True

    # --- the SuperLink

    def _selectable(self) -> tuple[int, ...]:
        online = self._errands.online()
        if self._habits.selectable == "reachable":
            return tuple(online)
        ready = self._roll.ready()
        return tuple(node_id for node_id in online if self._roll[node_id] in ready)

    def _send(self, messages: Sequence[Message]) -> Sequence[Errand]:
        self._lull.disturbed()
        return self._errands.send(messages, self._rounds.asked)

    def _fetch(self, task_ids: Collection[str]) -> list[Message]:
        self._lull.disturbed()
        return self._errands.fetch(task_ids)
