"""The SuperLink's state, as a twin in pure arithmetic: the caller brings the time, in seconds of life.

It keeps the promises of flwr 1.41's LinkState (`tests/aggregator/test_superlink_contract.py` holds both
to them): a task is handed out once; whether a node is there is judged when the server pulls, before
its reply is looked at; a reply to a task that is gone is dropped. This is the server's side, `NodeUplink`
the node's.
"""

import heapq
import math
from collections.abc import Callable, Iterable, Sequence
from zlib import crc32

import numpy as np
from flwr.app import Error, Message, RecordDict

from aggregator.flower import (
    MESSAGE_UNAVAILABLE,
    NODE_UNAVAILABLE,
    REPLY_UNAVAILABLE,
    TORN_UPLOAD,
    copied,
    named,
    superlink_error,
)
from aggregator.presence import Presence
from aggregator.tasks import Label, Node, Reply, Task


class SuperLink:
    """Nodes, tasks and replies of one run.

    Whoever waits here is told, without asking again: *changed* (task, moment) when pulling that task may give something
    at a moment not known before; *dropped* (task, now) when an update came that nobody wants; *moved* when a node came
    or went.
    """

    def __init__(self, seed: int, t0_unix: float, heartbeat_s: float) -> None:
        """Begin empty; *t0_unix* is the Unix time of t_s = 0, *seed* gives node ids and the rhythms of heartbeats."""
        self._seed = seed
        self._heartbeat_s = heartbeat_s
        self.t0_unix = t0_unix
        self.run_id = self._drawn("run")[0]
        self.nodes: dict[int, Node] = {}
        self.tasks: dict[str, Task] = {}
        self._expiring: list[tuple[float, int, Task]] = []
        self.changed: Callable[[Task, float], None] = lambda _task, _at_s: None
        self.dropped: Callable[[Task, float], None] = lambda _task, _now_s: None
        self.moved: Callable[[], None] = lambda: None

    def enrol(self, device: str) -> Node:
        """Register *device* as a node; its id and the phase of its heartbeats depend on seed and name only."""
        node_id, share = self._drawn(device)
        presence = Presence(self._heartbeat_s, round(share * self._heartbeat_s, 3))
        node = self.nodes[node_id] = Node(device, node_id, len(self.nodes), presence, on_task=lambda: None)
        return node

    def online(self, now_s: float) -> list[int]:
        """Return the nodes that the server calls online, in the order in which they enrolled."""
        return [node_id for node_id, node in self.nodes.items() if node.presence.online(now_s)]

    def next_departure_s(self, now_s: float) -> float:
        """Return when the next silent node goes offline if nobody acts; infinity if none will."""
        silent = (node.presence for node in self.nodes.values() if not node.presence.beating)
        return min((p.online_until_s(now_s) for p in silent if p.online(now_s)), default=math.inf)

    def push(self, messages: Sequence[Message], labels: Sequence[Label], now_s: float) -> list[str]:
        """Lay one task per message at its node and return their ids (empty for a node that was never there).

        Contents are copied: what the sender does with its records afterwards changes no task. The nodes are not told
        yet: see `ring`. Raises ValueError for a message that Flower's grids refuse.
        """
        self._forget_expired(now_s)
        copies: dict[int, RecordDict] = {}
        ids = []
        for message, label in zip(messages, labels, strict=True):
            sent = message.metadata
            if sent.ttl <= 0:
                raise ValueError(f"Invalid message: {message}")
            node = self.nodes.get(sent.dst_node_id)
            if node is None or not node.presence.known:
                ids.append("")
                continue
            content = copies.get(id(message.content))
            if content is None:
                content = copies[id(message.content)] = copied(message.content)
            task_id = f"task-{len(self.tasks) + 1}"
            task = Task(task_id, node, label, content, sent.message_type, sent.group_id, now_s, sent.ttl)
            self.tasks[task_id] = node.open[task_id] = task
            heapq.heappush(self._expiring, (task.expires_s, len(self.tasks), task))
            node.inbox.append(task)
            named(message, task_id)
            ids.append(task_id)
        return ids

    def ring(self, task_ids: Iterable[str]) -> None:
        """Tell the nodes of *task_ids* that there is something for them."""
        for task_id in task_ids:
            if task_id:
                self.tasks[task_id].node.on_task()

    def pull(self, task_ids: Iterable[str], now_s: float) -> list[Reply | Message]:
        """Take what there is for *task_ids*, by arrival and then by node; an id that never was gives a bare error."""
        unknown = [task_id for task_id in task_ids if task_id not in self.tasks]
        taken = (self.take(self.tasks[task_id], now_s) for task_id in task_ids if task_id in self.tasks)
        replies = sorted((reply for reply in taken if reply is not None), key=lambda reply: reply.place)
        return [*(self._error_message(MESSAGE_UNAVAILABLE, task_id, now_s) for task_id in unknown), *replies]

    def take(self, task: Task, now_s: float) -> Reply | None:
        """Take the reply to one task, or the error that stands for it; None while the server has to wait.

        In Flower's order: a void task (error 3), a node that is gone (5: even if its reply is here), a void reply (4).
        """
        presence, reply = task.node.presence, task.reply
        if not task.live(now_s):
            return self._error(MESSAGE_UNAVAILABLE, task, now_s if task.closed else task.expires_s)
        if presence.given_up(now_s):
            return self._error(NODE_UNAVAILABLE, task, presence.online_until_s(now_s))
        if reply is None:
            return None
        if reply.message is not None and reply.expires_s < now_s:
            return self._error(REPLY_UNAVAILABLE, task, reply.expires_s)
        self._close(task)
        return reply

    def body_of(self, reply: Reply, now_s: float) -> Message | None:
        """Return the message of a reply that was taken; while only its head is here None, once it is lost an error."""
        if reply.torn(now_s):
            reply.message = self._error_message(TORN_UPLOAD, reply.task.task_id, now_s)
        return reply.message

    def _error(self, error: Error, task: Task, at_s: float) -> Reply:
        self._close(task)
        return Reply(task, at_s, self._error_message(error, task.task_id, at_s))

    def _error_message(self, error: Error, task_id: str, at_s: float) -> Message:
        return superlink_error(error, self.run_id, task_id, self.t0_unix + at_s)

    @staticmethod
    def _close(task: Task) -> None:
        task.closed = True
        task.let_go()
        task.node.open.pop(task.task_id, None)

    def _forget_expired(self, now_s: float) -> None:
        """Models take room: let go of those that nobody can fetch or pull any more."""
        while self._expiring and self._expiring[0][0] <= now_s:
            task = heapq.heappop(self._expiring)[2]
            if task.reply is None or task.reply.message is not None:  # else its upload still has to come to its end
                task.let_go()

    def _drawn(self, name: str) -> tuple[int, float]:
        """Return an id (never one of Flower's reserved 0 and 1) and a share of 1 that belong to *name*."""
        rng = np.random.default_rng(np.random.SeedSequence([self._seed, crc32(name.encode()), crc32(b"superlink")]))
        return int(rng.integers(2, 2**62)), float(rng.random())
