"""The shelf: contents of tasks that were fetched lately. All nodes of a round get the same, so one fetches for all."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from flwr.app import RecordDict

CAPACITY_BYTES = 64 * 1_048_576
"""Some rounds of a large model; a node that comes later fetches again."""


class Shelf:
    """Keeps contents by name; the least recently used go first. Whoever takes one must not change it."""

    def __init__(self, capacity_bytes: int = CAPACITY_BYTES) -> None:
        self._capacity_bytes = capacity_bytes
        self._held: OrderedDict[str, tuple[RecordDict, int]] = OrderedDict()
        self._held_bytes = 0
        self._coming: dict[str, asyncio.Lock] = {}

    async def get(self, name: str, fetch: Callable[[], Awaitable[tuple[RecordDict, int]]]) -> RecordDict:
        """Return the content called *name*; *fetch* gets it, with its size in bytes, if nobody has it or is about to.

        Raises what *fetch* raises; whoever waited for the same then tries for itself.
        """
        if name not in self._held:
            async with self._coming.setdefault(name, asyncio.Lock()):
                if name not in self._held:
                    content, size_bytes = await fetch()
                    self._put(name, content, size_bytes)
            self._coming.pop(name, None)
        self._held.move_to_end(name)
        return self._held[name][0]

    def _put(self, name: str, content: RecordDict, size_bytes: int) -> None:
        self._held[name] = content, size_bytes
        self._held_bytes += size_bytes
        while self._held_bytes > self._capacity_bytes and len(self._held) > 1:
            _, (_, gone_bytes) = self._held.popitem(last=False)
            self._held_bytes -= gone_bytes
