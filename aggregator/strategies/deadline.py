"""Deadline: select more devices than are needed, and aggregate at the target or at the deadline.

K. Bonawitz et al., *Towards Federated Learning at Scale: System Design*, MLSys 2019 (arXiv:1902.01046), section 2.2
and 9: a round selects 130 % of its goal, since 6 to 10 % drop out and stragglers would hold up the rest; as soon as
the goal is reached the others are aborted, and after the time-out the round goes on with those who have reported.
Not taken from it: the selection phase in which devices check in by themselves, and the minimum below which a round is
abandoned. A late update kept for the next round is no part of the paper.
"""

import math
from collections.abc import Callable, Iterable
from typing import Any, Literal

from flwr.app import ArrayRecord, ConfigRecord, Message, MessageType, MetricRecord, RecordDict
from flwr.serverapp import Grid
from flwr.serverapp.strategy import FedAvg, Result

from aggregator.flower import Run
from aggregator.strategies.post import GRACE_S, Post

OVER_SELECTION = 1.3
"""Bonawitz et al.: 130 % of the target number."""
KEPT_S = 7 * 86_400.0
"""So long the SuperLink keeps a late update that is wanted."""


class Deadline(FedAvg):
    """FedAvg over the first so many updates, or over those that the deadline found.

    *over_selection*: how many times the target are selected. Where no more are there than the target, as with a
    fraction of 1, the target is smaller by that factor. *late*: what becomes of an update that comes after the
    deadline: dropped, or used in the next round that aggregates. Flower calls no device back: the surplus works to the
    end, and its updates are left unread; after the deadline the SuperLink takes no more, unless they are kept.
    """

    def __init__(
        self, over_selection: float = OVER_SELECTION, late: Literal["drop", "keep"] = "drop", **options: Any
    ) -> None:
        super().__init__(**options)
        if not 1.0 <= over_selection < math.inf:
            raise ValueError(f"`over_selection` must be 1 or more, found {over_selection}")
        self.over_selection = over_selection
        self.late = late
        self.fraction_train = min(1.0, self.fraction_train * over_selection)
        self.target = 0
        """How many updates the round that is open wants."""
        self._kept: dict[str, float] = {}
        """Tasks of earlier rounds whose updates are still wanted, by id, and until when they live."""

    def start(
        self,
        grid: Grid,
        initial_arrays: ArrayRecord,
        num_rounds: int = 3,
        timeout: float = 3600,
        train_config: ConfigRecord | None = None,
        evaluate_config: ConfigRecord | None = None,
        evaluate_fn: Callable[[int, ArrayRecord], MetricRecord | None] | None = None,
    ) -> Result:
        """Run Flower's rounds; *timeout*, in seconds, is the deadline of each phase."""
        punctual = _Punctual(grid, self.collect)
        return super().start(punctual, initial_arrays, num_rounds, timeout, train_config, evaluate_config, evaluate_fn)

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Select as FedAvg does, over_selection times as many."""
        messages = list(super().configure_train(server_round, arrays, config, grid))
        self.target = max(self.min_train_nodes, round(len(messages) / self.over_selection))
        return messages

    def collect(self, grid: Grid, messages: list[Message], timeout: float | None) -> list[Message]:
        """Send *messages*; return what came until the target was reached or *timeout* seconds were over.

        Of updates found by the same look the first ones count. Late ones of earlier rounds come on top of the target.
        """
        post = Post(grid)
        until_s = math.inf if timeout is None else post.now_s() + timeout
        for message in messages:
            if self.late == "keep":
                message.metadata.ttl = KEPT_S
            elif timeout is not None:
                message.metadata.ttl = timeout + GRACE_S
        began_s = post.now_s()
        self._kept = {task_id: lives_s for task_id, lives_s in self._kept.items() if lives_s > began_s}
        waiting = dict.fromkeys(post.send(messages))
        replies: list[Message] = []
        surplus: list[str] = []
        updates = 0
        while True:
            for reply in post.pull([*waiting, *self._kept]):
                task_id = reply.metadata.reply_to_message_id
                if task_id not in waiting:
                    self._kept.pop(task_id, None)
                    if reply.has_error():
                        continue  # of a round that is over
                elif not reply.has_error():
                    updates += 1
                    if updates > self.target:
                        surplus.append(task_id)
                waiting.pop(task_id, None)
                if task_id not in surplus:
                    replies.append(reply)
            if not waiting or updates >= self.target or post.now_s() >= until_s:
                break
            post.rest([*waiting, *self._kept], until_s)
        if updates >= self.target:
            post.dismiss([*surplus, *waiting], "surplus")
        else:
            post.overdue(waiting, kept=self.late == "keep")
            if self.late == "keep":
                self._kept.update(dict.fromkeys(waiting, began_s + KEPT_S))
        return replies


class _Punctual(Grid):
    """A Grid whose training rounds are collected by somebody else; everything else is the Grid's own."""

    def __init__(self, grid: Grid, collect: Callable[[Grid, list[Message], float | None], list[Message]]) -> None:
        self._grid = grid
        self._collect = collect

    def set_run(self, run: Run) -> None:
        self._grid.set_run(run)

    @property
    def run(self) -> Run:
        return self._grid.run

    def create_message(
        self, content: RecordDict, message_type: str, dst_node_id: int, group_id: str, ttl: float | None = None
    ) -> Message:
        return self._grid.create_message(content, message_type, dst_node_id, group_id, ttl)

    def get_node_ids(self) -> Iterable[int]:
        return self._grid.get_node_ids()

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        return self._grid.push_messages(messages)

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        return self._grid.pull_messages(message_ids)

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float | None = None) -> Iterable[Message]:
        sent = list(messages)
        if sent and sent[0].metadata.message_type == MessageType.TRAIN:
            return self._collect(self._grid, sent, timeout)
        return self._grid.send_and_receive(sent, timeout=timeout)
