"""The vigil: what a server's thread waits for on the loop, without asking every second."""

import asyncio
import math
from collections.abc import Mapping, Sequence

from aggregator.habits import Selectable
from aggregator.selection import Readiness
from aggregator.superlink import SuperLink
from aggregator.tasks import Reply, Task
from broker.messages import Telemetry

LISTEN_EVERY_S = 10.0
"""How often a server that waits for ready devices hears telemetry (devices speak every 15 minutes at most)."""
_SLACK = 1e-9
"""Of a step: so that a moment on a whole step is not pushed to the next one by rounding."""


class Vigil:
    """Sees who can be selected, and sees when that changes. Lives on the loop; moments are seconds of life."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, superlink: SuperLink, readiness: Readiness, selectable: Selectable
    ) -> None:
        """Watch the nodes of *superlink*; *selectable*: all that it calls online, or those that report ready too."""
        self._loop = loop
        self._superlink = superlink
        self._readiness = readiness
        self._selectable: Selectable = selectable
        self._news = asyncio.Event()
        self.ready = 0
        """How many nodes reported ready when somebody last looked."""

    def stir(self) -> None:
        """Something changed at the SuperLink."""
        self._news.set()

    async def selectable(self) -> tuple[int, ...]:
        """Return the nodes that can be selected now, by order of enrolment."""
        ready = await self._readiness.look()
        nodes = self._superlink.nodes
        self.ready = sum(1 for node in nodes.values() if node.device in ready)
        online = self._superlink.online(self._loop.time())
        if self._selectable == "reachable":
            return tuple(online)
        return tuple(node_id for node_id in online if nodes[node_id].device in ready)

    async def until_changed(self, nodes: tuple[int, ...], step_s: float, until_s: float) -> None:
        """Return at the first whole *step_s* at which others than *nodes* can be selected, or after *until_s*."""
        began_s = self._loop.time()
        while self._loop.time() < until_s and await self.selectable() == nodes:
            next_s = min(until_s, self._superlink.next_departure_s(self._loop.time()))
            if self._selectable == "ready":
                next_s = min(next_s, self._loop.time() + LISTEN_EVERY_S)
            await self._news_or(next_s)
        steps = max(1, math.ceil((self._loop.time() - began_s) / step_s - _SLACK))
        await asyncio.sleep(began_s + steps * step_s - self._loop.time())

    async def reports(self) -> Mapping[int, Telemetry]:
        """Hear what is new, and return the last report of each node."""
        await self._readiness.look()
        return self._readiness.reports()

    async def replies(self, tasks: Sequence[Task], step_s: float, until_s: float, *, at_once: bool) -> None:
        """Return at the first whole *step_s* at which pulling one of *tasks* may give something, or after *until_s*.

        *at_once*: a step is no rhythm, only the shortest wait.
        """
        began_s = self._loop.time()
        while (now_s := self._loop.time()) < until_s:
            due_s = min((task.due_s(now_s) for task in tasks), default=math.inf)
            if due_s <= now_s:
                break
            await self._news_or(min(due_s, until_s))
        waited_s = self._loop.time() - began_s
        steps = max(1, math.ceil(waited_s / step_s - _SLACK))
        ends_s = began_s + (max(step_s, waited_s) if at_once else steps * step_s)
        await asyncio.sleep(ends_s - self._loop.time())

    async def bodies(self, replies: Sequence[Reply]) -> None:
        """Return when every reply has its body, or has lost it."""
        while any(self._superlink.body_of(reply, self._loop.time()) is None for reply in replies):
            lost = [reply.lost_s for reply in replies if reply.message is None and reply.lost_s is not None]
            await self._news_or(min(lost, default=math.inf))

    async def _news_or(self, at_s: float) -> None:
        """Return when something changed, at the latest at *at_s*."""
        self._news.clear()
        timer = self._loop.call_at(at_s, self._news.set) if at_s < math.inf else None
        await self._news.wait()
        if timer is not None:
            timer.cancel()
