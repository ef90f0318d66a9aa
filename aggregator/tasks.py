"""What lies at a SuperLink: tasks for nodes, and the replies to them."""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from flwr.app import Message, RecordDict

from aggregator.presence import Presence

JUST_AFTER_S = 1e-6
"""The clock's finest step: a node is given up *after* the moment until which it counts as online."""


@dataclass(frozen=True, slots=True)
class Label:
    """The round and the phase (train, evaluate, query …) that a task belongs to."""

    round: int
    phase: str


class Laid(Protocol):
    """A task that lies at a node, as far as its sender needs to know it."""

    @property
    def task_id(self) -> str:
        """Flower's id of the instruction."""

    @property
    def device(self) -> str:
        """Whose node it is."""

    @property
    def node_id(self) -> int:
        """Flower's id of the node."""

    @property
    def label(self) -> Label:
        """Round and phase."""


@dataclass(slots=True)
class Node:
    """A node as the server knows it."""

    device: str
    node_id: int
    order: int
    presence: Presence
    on_task: Callable[[], None]
    inbox: deque["Task"] = field(default_factory=deque)
    open: dict[str, "Task"] = field(default_factory=dict)
    upload: "Reply | None" = None
    """A reply whose head is at the server and whose body is on its way."""


@dataclass(slots=True)
class Reply:
    """An answer as the server gets it; *message* is None while its head is there and its body still comes."""

    task: "Task"
    arrived_s: float
    message: Message | None = None
    expires_s: float = math.inf
    lost_s: float | None = None
    """When the server stops waiting for the body, if the node stays silent."""

    @property
    def place(self) -> tuple[float, int]:
        """Where it comes among others: by arrival, then by node."""
        return self.arrived_s, self.task.node.order

    def torn(self, now_s: float) -> bool:
        """Whether its body will never come."""
        return self.message is None and self.lost_s is not None and self.lost_s <= now_s


@dataclass(slots=True)
class Task:
    """An instruction of the server to one node. Moments are seconds of life."""

    task_id: str
    node: Node
    label: Label
    content: RecordDict
    message_type: str
    group_id: str
    created_s: float
    ttl_s: float
    closed: bool = False
    """Pulled: nobody waits for it any more."""
    reply: Reply | None = None

    @property
    def device(self) -> str:
        """Whose node it is."""
        return self.node.device

    @property
    def node_id(self) -> int:
        """Flower's id of the node."""
        return self.node.node_id

    @property
    def expires_s(self) -> float:
        """The moment from which the task and its reply are void."""
        return self.created_s + self.ttl_s

    def let_go(self) -> None:
        """Keep neither what was sent nor what came back: the task is closed, or void."""
        self.content, self.reply = RecordDict(), None

    def live(self, now_s: float) -> bool:
        """Whether a reply would still be kept."""
        return not self.closed and self.expires_s > now_s

    def due_s(self, now_s: float) -> float:
        """Return the earliest moment from *now_s* on at which pulling it gives something if nobody acts."""
        presence = self.node.presence
        if self.closed or self.reply is not None or presence.given_up(now_s):
            return now_s
        until_s = math.inf if presence.beating else presence.online_until_s(now_s) + JUST_AFTER_S
        return max(now_s, min(self.expires_s, until_s))
