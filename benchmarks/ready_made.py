"""Our ClientApp for Flower's simulation, on buffers that were filled before: each process reads them once."""

import os
import pickle
from functools import cache
from pathlib import Path

from flwr.app import Context, Message
from flwr.clientapp import ClientApp
from flwr.clientapp.typing import ClientAppCallable

from devices.buffer import MemoryBuffer
from devices.learning.client_app import train


@cache
def buffers() -> list[MemoryBuffer]:
    """Return the buffers in the file ``READY_MADE``, one a partition."""
    found = []
    for number, nights in enumerate(pickle.loads(Path(os.environ["READY_MADE"]).read_bytes())):
        buffer = MemoryBuffer(f"memory:ready-made/{number}", 0)
        for night in nights:
            buffer.keep_night(night.index, night.examples, night.fresh)
        found.append(buffer)
    return found


def with_buffer(message: Message, context: Context, call_next: ClientAppCallable) -> Message:
    """Tell the node its buffer and its task, as a fleet would."""
    node = {"buffer": buffers()[int(context.node_config["partition-id"])].reference}
    run: dict[str, bool | float | int | str] = {"task": os.environ["READY_MADE_TASK"], "fraction_evaluate": 0.0}
    return call_next(message, Context(context.run_id, context.node_id, {**node}, context.state, run))


app = ClientApp(mods=[with_buffer])
app.train()(train)
