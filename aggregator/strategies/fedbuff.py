"""FedBuff: asynchronous federated learning with a buffer. Nobody waits for the slowest.

J. Nguyen et al., *Federated Learning with Buffered Asynchronous Aggregation*, AISTATS 2022 (arXiv:2106.06639). A
number of devices (*concurrency*) is at work at any time. Each of their updates, the difference to the model that it
began with, goes into a buffer; when the buffer holds K of them, the model takes a step of *server_learning_rate* times
their mean, and that is a new version. An update that is s versions old counts 1 / sqrt(1 + s). A round is a version.

Not taken: the secure aggregation that the buffer stands for. Added: updates are weighted by their examples, as FedAvg
does (with equal numbers that is the paper's mean); a device that answers with an error, or not within the deadline, is
left alone for a while; none is asked twice for the same version, since it would answer the same. There is no federated
evaluation: it would stop the flow.
"""

import math
import random
from collections.abc import Callable, Iterable
from typing import Any

from flwr.app import ArrayRecord, ConfigRecord, Message, MessageType, MetricRecord, RecordDict
from flwr.serverapp import Grid
from flwr.serverapp.strategy import FedAvg, Result

from aggregator.lull import TooFewForTooLong
from aggregator.strategies.arithmetic import difference, moved, weighted_mean
from aggregator.strategies.crew import Crew
from aggregator.strategies.post import GRACE_S, Post

BUFFER_SIZE = 10
"""Nguyen et al. found 10 to do well on all their tasks."""
REST_S = 3_600.0
PATIENCE_S = 2 * 86_400.0
ASK_EVERY_S = 60.0
"""So often the Grid is asked for devices while there is room for more."""

Judge = Callable[[int, ArrayRecord], MetricRecord | None]


class FedBuff(FedAvg):
    """Asynchronous: so many devices as *concurrency* are at work, and every *buffer_size* updates make a version.

    *concurrency*: 0 stands for `fraction_train` of the nodes online, *buffer_size*: 0 for half of the concurrency, at
    most 10. An update that is more than *max_staleness* versions old is rejected (-1: none is). A device that failed
    rests for *rest_s*; where no update comes for *patience_s* the run ends with TooFewForTooLong. Seconds are life's.
    """

    asynchronous = True
    """Versions follow each other without a calendar."""

    def __init__(
        self,
        concurrency: int = 0,
        buffer_size: int = 0,
        server_learning_rate: float = 1.0,
        max_staleness: int = -1,
        rest_s: float = REST_S,
        patience_s: float = PATIENCE_S,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        if concurrency < 0 or buffer_size < 0 or max_staleness < -1:
            raise ValueError("`concurrency` and `buffer_size` must be 0 or more, `max_staleness` -1 or more")
        if server_learning_rate <= 0 or rest_s < 0 or patience_s <= 0:
            raise ValueError("`server_learning_rate` and `patience_s` must be above 0, `rest_s` 0 or more")
        self.concurrency = concurrency
        self.buffer_size = buffer_size
        self.server_learning_rate = server_learning_rate
        self.max_staleness = math.inf if max_staleness < 0 else max_staleness
        self.patience_s = patience_s
        self.limit = concurrency
        """So many may be at work now."""
        self._crew = Crew(rest_s)
        self._post: Post
        self._buffer: list[tuple[Message, int]] = []
        """Updates, each with the version that it began with."""
        self._began_with: dict[str, int] = {}
        self._version = 0
        """What devices are given to work on now."""
        self._models: dict[int, ArrayRecord] = {}
        """Versions that somebody works on, or has worked on for the buffer."""

    @property
    def size(self) -> int:
        """How many updates make a version."""
        return self.buffer_size or min(BUFFER_SIZE, max(1, self.limit // 2))

    def start(
        self,
        grid: Grid,
        initial_arrays: ArrayRecord,
        num_rounds: int = 3,
        timeout: float = 3600,
        train_config: ConfigRecord | None = None,
        evaluate_config: ConfigRecord | None = None,
        evaluate_fn: Judge | None = None,
    ) -> Result:
        """Train until *num_rounds* versions stand; *timeout*, in seconds, is the deadline of each task."""
        self._post, result = Post(grid), Result()
        config = ConfigRecord() if train_config is None else train_config
        arrays = result.arrays = initial_arrays
        _judge(evaluate_fn, result, 0, arrays)
        try:
            for version in range(1, num_rounds + 1):
                self._fill(version, arrays, config, grid, timeout)
                used, self._buffer = self._buffer[: self.size], self._buffer[self.size :]
                self._began_with = {update.metadata.reply_to_message_id: began for update, began in used}
                stepped, metrics = self.aggregate_train(version, [update for update, _ in used])
                arrays = result.arrays = arrays if stepped is None else stepped
                if metrics is not None:
                    result.train_metrics_clientapp[version] = metrics
                _judge(evaluate_fn, result, version, arrays)
        finally:
            self._post.dismiss([update.metadata.reply_to_message_id for update, _ in self._buffer], "run_ended")
        return result

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Give work to as many idle devices as there is room for, drawn at random; often to none."""
        online = list(grid.get_node_ids())
        self.limit = self.concurrency or max(int(len(online) * self.fraction_train), self.min_train_nodes)
        self._version = server_round
        self._models[server_round] = arrays
        if len(online) < self.min_train_nodes:
            return []
        idle = self._crew.idle(online, server_round, self._post.now_s())
        chosen = random.sample(idle, max(0, min(self.limit - len(self._crew.tasks), len(idle))))
        own = ConfigRecord({**config, "server-round": server_round})
        content = RecordDict({self.arrayrecord_key: arrays, self.configrecord_key: own})
        return [Message(content, node_id, MessageType.TRAIN) for node_id in chosen]

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        """Return the model plus the weighted mean of what each update adds to the version that it began with."""
        updates = list(replies)
        began = [self._began_with[update.metadata.reply_to_message_id] for update in updates]
        contents = [update.content for update in updates]
        steps = [
            difference(_model(content), self._models[version], 1.0 / math.sqrt(1 + server_round - version))
            for content, version in zip(contents, began, strict=True)
        ]
        step = weighted_mean(steps, [self._examples(content) for content in contents])
        needed = {task.version for task in self._crew.tasks.values()} | {version for _, version in self._buffer}
        arrays = moved(self._models[server_round], step, self.server_learning_rate)
        self._models = {version: model for version, model in self._models.items() if version in needed}
        return arrays, self.train_metrics_aggr_fn(contents, self.weighted_by_key)

    def _fill(self, version: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid, timeout: float) -> None:
        """Keep devices at work until the buffer holds a version's updates; raises TooFewForTooLong."""
        post, crew = self._post, self._crew
        heard_s = post.now_s()
        while True:
            messages = list(self.configure_train(version, arrays, config, grid))
            for message in messages:
                message.metadata.ttl = timeout + GRACE_S
            crew.begins(post.send(messages), self._version, post.now_s() + timeout)
            came = self._receive()
            if len(self._buffer) >= self.size:
                return
            now_s = post.now_s()
            heard_s = now_s if came else heard_s
            if now_s - heard_s >= self.patience_s:
                raise TooFewForTooLong(
                    f"no update came for {self.patience_s / 3600:.1f} h: {len(self._buffer)} are there of the "
                    f"{self.size} that make a version, {len(crew.tasks)} devices are at work"
                )
            until_s = min(crew.next_s(), heard_s + self.patience_s)
            if len(crew.tasks) < self.limit:
                until_s = min(until_s, now_s + ASK_EVERY_S)
            post.rest(crew.tasks, until_s)

    def _receive(self) -> int:
        """Take what has come; return how many updates of it go into the buffer."""
        post, crew = self._post, self._crew
        before = len(self._buffer)
        for reply in post.pull(crew.tasks):
            task_id = reply.metadata.reply_to_message_id
            if reply.has_error():
                crew.failed(task_id, post.now_s())
                continue
            task = crew.done(task_id)
            if self._version - task.version > self.max_staleness:
                post.dismiss([task_id], "stale")
            else:
                self._buffer.append((reply, task.version))
        overdue = crew.overdue(post.now_s())
        post.overdue(overdue, kept=False)
        for task_id in overdue:
            crew.failed(task_id, post.now_s())
        return len(self._buffer) - before

    def _examples(self, content: RecordDict) -> float:
        examples = next(iter(content.metric_records.values()))[self.weighted_by_key]
        if not isinstance(examples, int | float):
            raise TypeError(f"{self.weighted_by_key} is {examples!r}: expected a number")
        return float(examples)


def _model(content: RecordDict) -> ArrayRecord:
    return next(iter(content.array_records.values()))


def _judge(judge: Judge | None, result: Result, version: int, arrays: ArrayRecord) -> None:
    found = None if judge is None else judge(version, arrays)
    if found is not None:
        result.evaluate_metrics_serverapp[version] = found
