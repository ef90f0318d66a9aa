"""The grid: Flower's Grid on a fleet that lives in virtual time. A strategy cannot tell it from the real one.

It is called in the server's thread. Whatever takes time there (a sleep, waiting for replies, holding a round's
first selection until the round is due) gives the turn back to the loop; the rest is done at once, on a
SuperLink that nobody else touches meanwhile.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from flwr.app import Message, RecordDict
from flwr.serverapp import Grid

from aggregator.desk import Desk
from aggregator.draws import Draws
from aggregator.flower import NodeInfo, Run, copy_of_run
from aggregator.habits import Habits
from aggregator.lull import Lull
from aggregator.rounds import Rounds
from aggregator.selection import Readiness
from aggregator.strategies.capabilities import Unwanted
from aggregator.superlink import SuperLink
from aggregator.tasks import Reply, Task
from aggregator.timetable import Timetable
from aggregator.turns import Done, Turns
from aggregator.vigil import Vigil
from aggregator.waiting import Waiting
from broker import events as ev
from broker.messages import Telemetry

SHORTEST_SLEEP_S = 0.001
"""Thinking takes no virtual time, so a loop that yields with ``sleep(0)`` has to, or it would never see time pass."""


class FleetGrid(Grid):
    """A strategy's view of the fleet, and the clock of its thread."""

    def __init__(
        self,
        turns: Turns,
        superlink: SuperLink,
        readiness: Readiness,
        timetable: Timetable,
        habits: Habits,
        record: ev.Record,
    ) -> None:
        self._turns = turns
        self._loop = turns.loop
        self._superlink = superlink
        self._vigil = Vigil(self._loop, superlink, readiness, habits.selectable)
        self._poll_s = habits.poll_s
        self._rounds = Rounds(timetable, habits.needed, record)
        self._desk = Desk(record)
        self._draws = Draws(habits.seed)
        self._lull = Lull(habits.patience_s)
        self._run = Run.create_empty(superlink.run_id)
        self._waiting: Waiting | None = None
        superlink.changed, superlink.dropped, superlink.moved = self._changed, self._desk.dropped, self._vigil.stir

    # --- the clock of the server's thread

    def now_s(self) -> float:
        """Return the seconds of life."""
        return self._loop.time()

    def unix_s(self, *, seen: bool) -> float:
        """Return the virtual date; a strategy that looks at it may be waiting for more than nodes."""
        if seen:
            self._lull.disturbed()
        return self._superlink.t0_unix + self._loop.time()

    def sleep(self, seconds: float) -> None:
        """Let life go on for *seconds*; in a lull until the nodes that can be selected change."""
        step_s = max(seconds, SHORTEST_SLEEP_S)
        nodes = self._lull.nodes
        endless = self._lull.sleeps(step_s, self.now_s())
        if nodes is not None:
            self._rounds.waits(len(nodes), self.now_s())
        if nodes is not None and endless:
            self._turns.run(lambda: self._vigil.until_changed(nodes, step_s, self._lull.ends_s))
        else:
            self._turns.wait(lambda done: self._at(self.now_s() + step_s, done))

    # --- Flower's Grid

    def set_run(self, run: Run) -> None:
        """Remember the run."""
        self._run = run

    @property
    def run(self) -> Run:
        """The run, a copy."""
        return copy_of_run(self._run)

    def create_message(
        self, content: RecordDict, message_type: str, dst_node_id: int, group_id: str, ttl: float | None = None
    ) -> Message:
        """Return a new instruction (Flower prefers its Message constructor)."""
        return Message(content, dst_node_id, message_type, ttl=ttl, group_id=group_id)

    def get_node_ids(self) -> Iterable[int]:
        """Return the nodes that can be selected, always in one order; a round's first question waits for its start.

        Sampling draws from global generators, seeded anew here: nobody else's draws change anything.
        """
        if not self._rounds.open:
            self._await_round()
        nodes = self._turns.run(self._vigil.selectable)
        self._lull.check(nodes, self.now_s())
        self._lull.asked(nodes)
        self._draws.reseed()
        return list(nodes)

    def get_nodes(self) -> Iterable[NodeInfo]:
        """Return the same as records."""
        return [NodeInfo(node_id=node_id, status="online") for node_id in self.get_node_ids()]

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        """Lay a task at each message's node; return their ids in the same order."""
        ids = self._push(list(messages))
        self._turns.wait(lambda done: self._ring(ids, done))
        return ids

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        """Take what has come; waits only for replies whose upload has begun, as HttpGrid does."""
        self._lull.disturbed()
        pulled = self._superlink.pull(list(message_ids), self.now_s())
        replies = [reply for reply in pulled if isinstance(reply, Reply)]
        if any(self._superlink.body_of(reply, self.now_s()) is None for reply in replies):
            self._turns.run(lambda: self._vigil.bodies(replies))
        self._seen(replies, self.now_s())
        return _messages(pulled)

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float | None = None) -> Iterable[Message]:
        """Lay tasks at nodes and return what came back within *timeout*, by moment seen, arrival, node."""
        sent = list(messages)
        if self._rounds.outlived({message.metadata.message_type.split(".")[0] for message in sent}, self.now_s()):
            self._await_round()
        ids = self._push(sent)
        tasks = [self._superlink.tasks[task_id] for task_id in ids if task_id]
        nowhere = self._superlink.pull([task_id for task_id in ids if not task_id], self.now_s())
        waiting = self._waiting = Waiting(self._superlink, self._loop, self._poll_s, self._seen)

        def arm(done: Done[list[Reply]]) -> None:
            self._superlink.ring(ids)
            waiting.begin(tasks, timeout, done)

        replies = self._turns.wait(arm) if tasks else []
        self._waiting = None
        label = tasks[0].label if tasks else None
        if label is not None:
            self._desk.ended(label, waiting.left.values(), self.now_s())
        self._rounds.answered(label, self.now_s())
        self._draws.reseed()
        return _messages([*nowhere, *replies])

    # --- what strategies may ask for beyond that: aggregator.strategies.capabilities

    def reports(self) -> Mapping[int, Telemetry]:
        """Return the last report of each node that made one."""
        self._lull.disturbed()
        return self._turns.run(self._vigil.reports)

    def await_replies(self, message_ids: Collection[str], until_s: float) -> None:
        """Let life go on to the first look that may find a reply, or that finds *until_s* over."""
        self._lull.disturbed()
        tasks = self._tasks(message_ids)
        step_s = self._poll_s or SHORTEST_SLEEP_S
        self._turns.run(lambda: self._vigil.replies(tasks, step_s, until_s, at_once=not self._poll_s))

    def overdue(self, message_ids: Iterable[str], *, kept: bool) -> None:
        """Write down that these were not answered by the deadline."""
        self._desk.overdue(self._tasks(message_ids), self.now_s(), kept=kept)

    def dismiss(self, message_ids: Iterable[str], reason: Unwanted) -> None:
        """Write down that nothing is wanted of these any more."""
        tasks = self._tasks(message_ids)
        self._desk.turned_down([task for task in tasks if task.closed], reason, self.now_s())
        self._desk.let_go([task for task in tasks if not task.closed], reason, self.now_s())

    def _tasks(self, message_ids: Iterable[str]) -> list[Task]:
        return [self._superlink.tasks[task_id] for task_id in message_ids if task_id]

    # --- rounds

    def round_closed(self, round_: int) -> None:
        """Hear from a ServerApp that *round_* is over, evaluation included (0: before the first)."""
        self._rounds.closed(round_, self.now_s())

    def _await_round(self) -> None:
        due_s = self._rounds.due_s
        if due_s > self.now_s():
            self._turns.wait(lambda done: self._at(due_s, done))
        self._rounds.start(self.now_s())

    # --- what happens on the loop meanwhile

    def _push(self, messages: list[Message]) -> list[str]:
        self._lull.disturbed()
        now_s = self.now_s()
        ids = self._superlink.push(messages, self._desk.labels(messages), now_s)
        tasks = [self._superlink.tasks[task_id] for task_id in ids if task_id]
        self._rounds.asked(task.label for task in tasks)
        self._desk.asked(tasks, len(self._superlink.online(now_s)), self._vigil.ready, now_s)
        return ids

    def _ring(self, ids: Iterable[str], done: Done[None]) -> None:
        self._superlink.ring(ids)
        done(None)

    def _at(self, at_s: float, done: Done[None]) -> None:
        self._loop.call_at(at_s, done, None)

    def _changed(self, task: Task, at_s: float) -> None:
        self._vigil.stir()
        if self._waiting is not None:
            self._waiting.changed(task, at_s)
        if task.reply is not None and task.reply.message is not None:
            self._desk.came(task, task.reply.message, self.now_s())

    def _seen(self, replies: Sequence[Reply], now_s: float) -> None:
        self._desk.seen([(reply.task, reply.message) for reply in replies if reply.message is not None], now_s)


def _messages(pulled: Iterable[Reply | Message]) -> list[Message]:
    messages = (found.message if isinstance(found, Reply) else found for found in pulled)
    return [message for message in messages if message is not None]
