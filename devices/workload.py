"""What a task asks of a device: arithmetic to do, bytes to move; and what a reply says about it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from flwr.app import ArrayRecord, Error, Message
from flwr.common.constant import ErrorCode

from devices.learning.models import model_named
from devices.learning.task import TASKS
from devices.learning_table import Learning

FORWARD_SHARE = 1 / 3
"""Judging is the forward pass alone; training adds a backward pass of twice its cost (FedScale: ``computation`` ×3)."""

ENVELOPE_BYTES = 1_000
"""A message without its arrays: metadata, metrics and transport headers, as seen with flwr 1.41 over HTTP."""


@dataclass(frozen=True, slots=True)
class Workload:
    """One fit or evaluation: giga-operations, bytes down, and the examples it is about."""

    gflop: float
    bytes_down: int
    examples: int
    examples_fresh: int
    megabytes_up: float | None
    """Declared size of an update; None: as large as its arrays."""

    def bytes_up(self, reply: Message) -> int:
        """Return the size of *reply* on the far link."""
        if reply.has_error() or next(_array_records(reply), None) is None:
            return ENVELOPE_BYTES
        if self.megabytes_up is not None:
            return round(self.megabytes_up * 1e6)
        return ENVELOPE_BYTES + arrays_bytes(reply)


def workload(learning: Learning, message: Message, examples: int, examples_fresh: int) -> Workload:
    """Return what *message* asks, as declared by the fleet's ``work`` or computed from model and data.

    What is neither training nor evaluation (a query) costs its bytes alone.
    """
    kind = message.metadata.message_type.partition(".")[0]
    if kind not in ("train", "evaluate"):
        return Workload(0.0, ENVELOPE_BYTES + arrays_bytes(message), examples, examples_fresh, None)
    training, declared = kind == "train", learning.work
    if declared is not None:
        gflop = declared.gflop if training else declared.gflop * FORWARD_SHARE / learning.local_epochs
        return Workload(gflop, round(declared.mb_down * 1e6), examples, examples_fresh, declared.mb_up)
    model_bytes = arrays_bytes(message)
    once = model_named(learning.model).flop(TASKS[learning.task], model_bytes)
    flop = once * examples * learning.local_epochs
    gflop = (flop if training else flop * FORWARD_SHARE / learning.local_epochs) / 1e9
    return Workload(gflop, ENVELOPE_BYTES + model_bytes, examples, examples_fresh, None)


def arrays_bytes(message: Message) -> int:
    """Return the bytes of a message's arrays."""
    return sum(len(array.data) for record in _array_records(message) for array in record.values())


def _array_records(message: Message) -> Iterator[ArrayRecord]:
    """Yield what ``message.content.array_records`` holds, which is a copy made and checked anew at every look."""
    return (record for record in message.content.values() if isinstance(record, ArrayRecord))


def result_in(reply: Message) -> tuple[float, float]:
    """Return loss and accuracy as the app reported them (NaN where it did not)."""
    for metrics in reply.content.metric_records.values():
        return _number(metrics.get("loss", metrics.get("train_loss"))), _number(metrics.get("accuracy"))
    return math.nan, math.nan


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else math.nan


def exception_in(reply: Message) -> str:
    """Return the exception's name from an error reply (its reason begins with it)."""
    return (reply.error.reason or "").split(":")[0].strip() or "Error"


def error_reply(message: Message, reason: str, *, crashed: bool = False) -> Message:
    """Answer *message* with an error that says *reason*."""
    code = ErrorCode.CLIENT_APP_CRASHED if crashed else ErrorCode.MOD_FAILED_PRECONDITION
    return Message(Error(code, reason), reply_to=message)
