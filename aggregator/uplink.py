"""A node's way to the SuperLink: heartbeats, fetching tasks, delivering replies. Moments are seconds of life."""

from collections.abc import Callable

from flwr.app import Message

from aggregator.flower import MESSAGE_TTL_TOLERANCE, OBJECT_PUSH_SESSION_TTL_SECONDS, instruction, sealed
from aggregator.superlink import SuperLink
from aggregator.tasks import JUST_AFTER_S, Reply, Task


class NodeUplink:
    """What one device can do at the server, and nothing else of it."""

    def __init__(self, superlink: SuperLink, device: str) -> None:
        """Enrol *device*; nobody knows of it before it is `reachable` for the first time."""
        self._superlink = superlink
        self._node = superlink.enrol(device)
        self.node_id = self._node.node_id

    def on_task(self, ring: Callable[[], None]) -> None:
        """Have *ring* called, on the loop, whenever a task has come to lie at the server for this node."""
        self._node.on_task = ring

    def reachable(self, now_s: float) -> None:
        """Heartbeats go out from now on; a torn upload may go on if the server still waits for it."""
        self._node.presence.reachable(now_s)
        upload = self._node.upload
        if upload is not None and not upload.torn(now_s):
            upload.lost_s = None
        self._superlink.moved()

    def silent(self, now_s: float) -> None:
        """Power or link is gone without a word: heartbeats cease."""
        self._node.presence.silent(now_s)
        self._left(now_s)

    def signed_off(self, now_s: float) -> None:
        """The device leaves in order: the server knows at once."""
        self._node.presence.signed_off(now_s)
        self._left(now_s)

    def waiting(self, now_s: float) -> bool:
        """Whether a task lies at the server for this node."""
        inbox = self._node.inbox
        while inbox and not inbox[0].live(now_s):
            inbox.popleft()
        return bool(inbox)

    def fetch(self, now_s: float) -> Message | None:
        """Take the oldest task, a copy of one's own; the server never hands it out again."""
        if not self.waiting(now_s):
            return None
        task = self._node.inbox.popleft()
        created_at = self._superlink.t0_unix + task.created_s
        return instruction(task, self._superlink.run_id, created_at)

    def label(self, message: Message) -> tuple[int, str]:
        """Return the round and the phase (train or evaluate) that *message* belongs to."""
        label = self._superlink.tasks[message.metadata.message_id].label
        return label.round, label.phase

    def waited_s(self, message: Message, now_s: float) -> float:
        """Return how long the task lay at the server before it was fetched."""
        return now_s - self._superlink.tasks[message.metadata.message_id].created_s

    def wanted(self, message: Message, now_s: float) -> bool:
        """Whether the server would still keep the answer to *message*."""
        task = self._superlink.tasks[message.metadata.message_id]
        return task.live(now_s) and task.reply is None

    def begin_upload(self, message: Message, now_s: float) -> bool:
        """Send the head of the reply to *message*; its body follows (`deliver`). False: nobody wants it.

        From here on a server that pulls waits for the body, whatever its timeout, until the node has been silent for
        the 180 s of an object-push session. (Flower counts them from the last object that came through.)
        """
        task = self._superlink.tasks[message.metadata.message_id]
        upload = self._node.upload
        if upload is not None and upload.task is task and not upload.torn(now_s):
            return True
        if not self._welcome(task, now_s):
            self._superlink.dropped(task, now_s)
            return False
        self._node.upload = task.reply = Reply(task, now_s)
        self._superlink.changed(task, now_s)
        return True

    def abandon(self, message: Message, now_s: float) -> None:
        """Forget an upload that began: its body will never come, and a server that waits for it does so for 180 s."""
        task = self._superlink.tasks[message.metadata.message_id]
        upload = self._node.upload
        if upload is None or upload.task is not task:
            return
        self._node.upload = None
        if upload.lost_s is None:
            upload.lost_s = now_s + OBJECT_PUSH_SESSION_TTL_SECONDS
        self._superlink.changed(task, upload.lost_s)

    async def deliver(self, now_s: float, reply: Message) -> bool:
        """Hand in a whole reply; False when nobody wants it and it was dropped.

        It is dated in virtual time: its maker, a worker process, knows only the wall clock.
        """
        task = self._superlink.tasks[reply.metadata.reply_to_message_id]
        upload = self._node.upload
        if upload is None or upload.task is not task:
            if not self._welcome(task, now_s):
                return self._refused(reply, task, now_s)
            upload = task.reply = Reply(task, now_s)
        elif upload.torn(now_s) or upload.message is not None:
            task.reply = self._node.upload = None
            return self._refused(reply, task, now_s)
        self._node.upload = None
        ttl_s = self._ttl_s(reply, task, now_s)
        upload.expires_s = now_s + ttl_s
        upload.message = sealed(reply, task.task_id, self._superlink.run_id, self._superlink.t0_unix + now_s, ttl_s)
        self._superlink.changed(task, now_s)
        return True

    def _welcome(self, task: Task, now_s: float) -> bool:
        return task.live(now_s) and task.reply is None and task.node is self._node

    def _refused(self, reply: Message, task: Task, now_s: float) -> bool:
        if not reply.has_error():
            self._superlink.dropped(task, now_s)
        return False

    def _ttl_s(self, reply: Message, task: Task, now_s: float) -> float:
        """Return how long the reply is worth something: what the app chose, else what is left of the task's time."""
        left_s = task.expires_s - now_s
        inherited_s = self._superlink.t0_unix + task.expires_s - reply.metadata.created_at
        chosen_s = reply.metadata.ttl
        return chosen_s if 0 < chosen_s < min(left_s, inherited_s - MESSAGE_TTL_TOLERANCE) else left_s

    def _left(self, now_s: float) -> None:
        node, tell = self._node, self._superlink.changed
        if node.upload is not None and node.upload.lost_s is None:
            node.upload.lost_s = now_s + OBJECT_PUSH_SESSION_TTL_SECONDS
            tell(node.upload.task, node.upload.lost_s)
        gone_s = max(now_s, node.presence.online_until_s(now_s) + JUST_AFTER_S)
        for task in node.open.values():
            tell(task, gone_s)
        self._superlink.moved()
