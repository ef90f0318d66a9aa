"""The SuperLink's state, as a twin in pure arithmetic: the caller brings the time, in seconds of life.

It keeps the promises of flwr 1.41's LinkState (`tests/aggregator/test_superlink_contract.py` holds both
to them): a task is handed out once; whether a node is there is judged when the server pulls, before
its reply is looked at; a reply to a task that is gone is dropped.
"""

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from zlib import crc32

import numpy as np
from flwr.app import Message, RecordDict

from aggregator.flower import (
    MESSAGE_TTL_TOLERANCE,
    MESSAGE_UNAVAILABLE,
    NODE_UNAVAILABLE,
    OBJECT_PUSH_SESSION_TTL_SECONDS,
    REPLY_UNAVAILABLE,
    SUPERLINK_NODE_ID,
    TORN_UPLOAD,
    Metadata,
    copied,
    make_message,
    named,
    superlink_error,
)
from aggregator.presence import Presence
from aggregator.tasks import Label, Node, Reply, Task

JUST_AFTER_S = 1e-6
"""The clock's finest step: a node is given up *after* the moment until which it counts as online."""


class SuperLink:
    """Nodes, tasks and replies of one run.

    *changed* is told (task, moment) whenever pulling that task may give something at a moment not known before;
    *dropped* (task, now) when a reply came that nobody waits for; *moved* when a node's presence changed.
    """

    def __init__(self, seed: int, t0_unix: float, heartbeat_s: float) -> None:
        """Begin empty; *t0_unix* is the Unix time of t_s = 0, *seed* gives node ids and the rhythm of heartbeats."""
        self._rng = np.random.default_rng(np.random.SeedSequence([seed, crc32(b"superlink")]))
        self._seed = seed
        self._t0_unix = t0_unix
        self._heartbeat_s = heartbeat_s
        self.run_id = int(self._rng.integers(2, 2**62))
        self.nodes: dict[int, Node] = {}
        self._tasks: dict[str, Task] = {}
        self._pushed = 0
        self.changed: Callable[[str, float], None] = lambda _task_id, _at_s: None
        self.dropped: Callable[[str, float], None] = lambda _task_id, _now_s: None
        self.moved: Callable[[], None] = lambda: None

    # --- nodes

    def enrol(self, device: str) -> Node:
        """Register *device*; its id and rhythm depend on seed and name only."""
        rng = np.random.default_rng(np.random.SeedSequence([self._seed, crc32(device.encode()), crc32(b"node")]))
        node_id = int(rng.integers(2, 2**62))
        presence = Presence(self._heartbeat_s, round(float(rng.random()) * self._heartbeat_s, 3))
        node = self.nodes[node_id] = Node(device, node_id, len(self.nodes), presence, on_task=lambda: None)
        return node

    def online(self, now_s: float) -> list[int]:
        """Return the nodes that the server calls online, in the order in which they enrolled."""
        return [node_id for node_id, node in self.nodes.items() if node.presence.online(now_s)]

    def next_departure_s(self, now_s: float) -> float:
        """Return when the next silent node goes offline, if nobody acts; infinity if none will."""
        silent = (n.presence.online_until_s(now_s) for n in self.nodes.values() if not n.presence.beating)
        return min((until_s for until_s in silent if until_s > now_s), default=math.inf)

    def reachable(self, node: Node, now_s: float) -> None:
        """Its heartbeats arrive from now on; an upload that was torn goes on if the server still waits for it."""
        node.presence.reachable(now_s)
        if node.upload is not None and node.upload.lost_s is not None and node.upload.lost_s > now_s:
            node.upload.lost_s = None
        self.moved()

    def silent(self, node: Node, now_s: float) -> None:
        """Its heartbeats cease without a word."""
        node.presence.silent(now_s)
        self._left(node, now_s)

    def signed_off(self, node: Node, now_s: float) -> None:
        """It said goodbye."""
        node.presence.signed_off(now_s)
        self._left(node, now_s)

    def _left(self, node: Node, now_s: float) -> None:
        upload = node.upload
        if upload is not None and upload.lost_s is None:
            upload.lost_s = now_s + OBJECT_PUSH_SESSION_TTL_SECONDS
            self.changed(upload.task_id, upload.lost_s)
        for task_id in node.open:
            self.changed(task_id, max(now_s, node.presence.online_until_s(now_s) + JUST_AFTER_S))
        self.moved()

    # --- the server's side

    def push(self, messages: Sequence[Message], labels: Sequence[Label], now_s: float) -> list[str]:
        """Lay one task per message at its node, and return their ids (empty for a node that was never there).

        Contents are copied: what the sender does with its records afterwards changes no task.
        Raises ValueError for a message that Flower's grids refuse.
        """
        copies: dict[int, RecordDict] = {}
        ids = []
        for message, label in zip(messages, labels, strict=True):
            metadata = message.metadata
            if metadata.ttl <= 0:
                raise ValueError(f"Invalid message: {message}")
            node = self.nodes.get(metadata.dst_node_id)
            if node is None or not node.presence.known:
                ids.append("")
                continue
            self._pushed += 1
            task_id = f"task-{self._pushed}"
            content = copies.get(id(message.content))
            if content is None:
                content = copies[id(message.content)] = copied(message.content)
            task = Task(task_id, node, label, content, metadata.message_type, metadata.group_id, now_s, metadata.ttl)
            self._tasks[task_id] = node.open[task_id] = task
            node.inbox.append(task_id)
            named(message, task_id)
            ids.append(task_id)
        return ids

    def ring(self, task_ids: Iterable[str]) -> None:
        """Tell the nodes of *task_ids* that there is something for them."""
        for task_id in task_ids:
            if task_id:
                self._tasks[task_id].node.on_task()

    def pull(self, task_ids: Iterable[str], now_s: float) -> list[Reply]:
        """Take what there is for *task_ids* now, by arrival and then by node; each is answered once."""
        replies = (self.take(task_id, now_s) for task_id in task_ids)
        return sorted((reply for reply in replies if reply is not None), key=lambda reply: reply.place)

    def take(self, task_id: str, now_s: float) -> Reply | None:
        """Take the reply to one task, or the error that stands for it; None while the server has to wait.

        In Flower's order: a void task (error 3), a node that is gone (5: also when its reply is here), a void reply (4).
        """
        task = self._tasks.get(task_id)
        if task is None or task.expires_s <= now_s:
            at_s = now_s if task is None else task.expires_s
            self._close(task)
            return self._error(MESSAGE_UNAVAILABLE, task_id, task, at_s)
        presence = task.node.presence
        if presence.given_up(now_s):
            self._close(task)
            return self._error(NODE_UNAVAILABLE, task_id, task, presence.online_until_s(now_s))
        reply = task.reply
        if reply is None:
            return None
        self._close(task)
        if reply.message is not None and reply.expires_s < now_s:
            return self._error(REPLY_UNAVAILABLE, task_id, task, reply.expires_s)
        return reply

    def body_of(self, reply: Reply, now_s: float) -> Message | None:
        """Return the message of a reply that was taken when only its head was here; an error once it is lost; None: wait."""
        if reply.message is None and reply.lost_s is not None and reply.lost_s <= now_s:
            self._forget_upload(reply)
            reply.message = superlink_error(TORN_UPLOAD, self.run_id, reply.task_id, self._t0_unix + now_s, "train")
        return reply.message

    def due_s(self, task_id: str, now_s: float) -> float:
        """Return the earliest moment at which pulling *task_id* gives something if nobody acts; infinity: never."""
        task = self._tasks.get(task_id)
        if task is None or task.reply is not None or task.node.presence.given_up(now_s):
            return now_s
        until_s = math.inf
        if not task.node.presence.beating:
            until_s = task.node.presence.online_until_s(now_s) + JUST_AFTER_S
        return max(now_s, min(task.expires_s, until_s))

    def next_change(self, task_ids: Collection[str], now_s: float) -> float:
        """Return the earliest moment at which pulling *task_ids* gives something if nobody acts."""
        return min((self.due_s(task_id, now_s) for task_id in task_ids), default=math.inf)

    # --- a node's side

    def waiting(self, node: Node, now_s: float) -> bool:
        """Whether a task lies here for *node*."""
        inbox = node.inbox
        while inbox and self._live(inbox[0], now_s) is None:
            inbox.popleft()
        return bool(inbox)

    def fetch(self, node: Node, now_s: float) -> Message | None:
        """Hand out the oldest task of *node*, once and never again."""
        if not self.waiting(node, now_s):
            return None
        task = self._tasks[node.inbox.popleft()]
        metadata = Metadata(
            run_id=self.run_id,
            message_id=task.task_id,
            src_node_id=SUPERLINK_NODE_ID,
            dst_node_id=node.node_id,
            reply_to_message_id="",
            group_id=task.group_id,
            created_at=self._t0_unix + task.created_s,
            ttl=task.ttl_s,
            message_type=task.message_type,
        )
        return make_message(metadata=metadata, content=copied(task.content))

    def wanted(self, task_id: str, now_s: float) -> bool:
        """Whether a reply to *task_id* would be kept."""
        task = self._live(task_id, now_s)
        return task is not None and task.reply is None

    def begin_upload(self, node: Node, task_id: str, now_s: float) -> bool:
        """Take the head of a reply whose body follows (`deliver`); False if nobody wants it.

        From here on the server, once it has pulled the head, waits for the body whatever its timeout: until the node
        has been silent for the 180 s of an object-push session. (Flower counts from the last object; so does this,
        as objects flow while the node is reachable.)
        """
        upload = node.upload
        if upload is not None and upload.task_id == task_id and (upload.lost_s is None or upload.lost_s > now_s):
            return True
        task = self._live(task_id, now_s)
        if task is None or task.reply is not None:
            self.dropped(task_id, now_s)
            return False
        node.upload = task.reply = Reply(task_id, node.order, now_s, None)
        self.changed(task_id, now_s)
        return True

    def deliver(self, node: Node, reply: Message, now_s: float) -> bool:
        """Keep a reply, whole; False if nobody wants it: the task is void or gone, or was answered before."""
        task_id = reply.metadata.reply_to_message_id
        upload = node.upload
        if upload is not None and upload.task_id == task_id:
            return self._finish_upload(node, upload, reply, now_s)
        task = self._live(task_id, now_s)
        if task is None or task.node is not node or task.reply is not None:
            self.dropped(task_id, now_s)
            return False
        task.reply = Reply(task_id, node.order, now_s, None)
        self._seal(task.reply, reply, task, now_s)
        self.changed(task_id, now_s)
        return True

    def _finish_upload(self, node: Node, upload: Reply, reply: Message, now_s: float) -> bool:
        node.upload = None
        if upload.message is not None or (upload.lost_s is not None and upload.lost_s <= now_s):
            self.dropped(upload.task_id, now_s)
            return False
        self._seal(upload, reply, self._tasks.get(upload.task_id), now_s)
        self.changed(upload.task_id, now_s)
        return True

    def _seal(self, kept: Reply, reply: Message, task: Task | None, now_s: float) -> None:
        """Give the server its own copy of a reply, dated in virtual time (a worker knows only the wall clock)."""
        sent = reply.metadata
        created_at = self._t0_unix + now_s
        left_s = task.expires_s - now_s if task is not None else sent.ttl
        ttl_s = sent.ttl if self._chose_ttl(reply, task) and sent.ttl < left_s else left_s
        kept.expires_s = now_s + ttl_s
        metadata = Metadata(
            run_id=self.run_id,
            message_id=f"reply-{kept.task_id}",
            src_node_id=sent.src_node_id,
            dst_node_id=SUPERLINK_NODE_ID,
            reply_to_message_id=kept.task_id,
            group_id=sent.group_id,
            created_at=created_at,
            ttl=ttl_s,
            message_type=sent.message_type,
        )
        if reply.has_error():
            kept.message = make_message(metadata=metadata, error=reply.error)
        else:
            kept.message = make_message(metadata=metadata, content=copied(reply.content))

    def _chose_ttl(self, reply: Message, task: Task | None) -> bool:
        """Whether the app gave its reply a time to live of its own, instead of what was left of the task's."""
        if task is None:
            return False
        inherited_s = self._t0_unix + task.expires_s - reply.metadata.created_at
        return 0 < reply.metadata.ttl < inherited_s - MESSAGE_TTL_TOLERANCE

    def _live(self, task_id: str, now_s: float) -> Task | None:
        """Return the task unless it is gone or void."""
        task = self._tasks.get(task_id)
        return task if task is not None and task.expires_s > now_s else None

    def _close(self, task: Task | None) -> None:
        if task is not None:
            del self._tasks[task.task_id]
            del task.node.open[task.task_id]

    @staticmethod
    def _forget_upload(reply: Reply) -> None:
        reply.expires_s = 0.0

    def _error(self, error: Error, task_id: str, task: Task | None, at_s: float) -> Reply:
        order = task.node.order if task is not None else len(self.nodes)
        message_type = task.message_type if task is not None else "train"
        message = superlink_error(error, self.run_id, task_id, self._t0_unix + at_s, message_type)
        return Reply(task_id, order, at_s, message)
