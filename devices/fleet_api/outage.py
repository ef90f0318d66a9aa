"""An outage: the SuperLink does not answer, one caller asks again and again, all others wait for it to be back."""

import asyncio
import logging
import math
import random
from collections.abc import Awaitable, Callable, Iterator
from typing import Protocol, TypeVar

PATIENCE_S = 2.0
"""A hitch that is over sooner is nobody's news."""
FIRST_WAIT_S = 0.2
LONGEST_WAIT_S = 5.0

Result = TypeVar("Result")

_log = logging.getLogger(__name__)


class Away(Exception):  # not an error: what networks do
    """The SuperLink, asked at *asked_s*, did not answer, or not now; the message says what was seen."""

    def __init__(self, seen: str, asked_s: float) -> None:
        super().__init__(seen)
        self.asked_s = asked_s


class NoLonger(Exception):  # not an error: life
    """The caller does not want to ask any more."""


class Listener(Protocol):
    """Who wants to hear of outages."""

    def server_lost(self, reason: str) -> None:
        """The SuperLink has not answered for a while, or takes nothing from this node."""

    def server_found(self) -> None:
        """The SuperLink answers again."""


class Outage:
    """Whether the SuperLink answers. Lives on the wall's loop; log and listeners hear of each outage once."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._scout = asyncio.Lock()
        self._since_s: float | None = None
        self._answered_s = -math.inf
        self.reason: str | None = None
        """What is seen of an outage that is worth telling; None while there is none."""
        self.listeners: list[Listener] = []

    def seen(self, away: Away) -> None:
        """A call failed. One that hung for long is news at once, unless others were answered meanwhile."""
        now_s, reason = asyncio.get_running_loop().time(), str(away)
        if self._since_s is None:
            self._since_s = max(away.asked_s, self._answered_s)
        if self.reason is None and now_s - self._since_s >= PATIENCE_S:
            self.reason = reason
            _log.warning("the SuperLink at %s does not answer (%s): trying until it does", self._where, reason)
            for listener in self.listeners:
                listener.server_lost(reason)

    def over(self) -> None:
        """A call was answered."""
        self._answered_s = asyncio.get_running_loop().time()
        if self._since_s is None:
            return
        lasted_s, self._since_s = self._answered_s - self._since_s, None
        if self.reason is not None:
            self.reason = None
            _log.warning("the SuperLink at %s answers again, after %.0f s", self._where, lasted_s)
            for listener in self.listeners:
                listener.server_found()

    async def outlast(self, attempt: Callable[[], Awaitable[Result]]) -> Result:
        """Make *attempt* until it is answered, at growing intervals; it failed once already.

        Those who come while another tries wait behind it, and then go one by one: no stampede at a server that is just
        up again. Raises what *attempt* raises, but for Away.
        """
        async with self._scout:
            for wait_s in _waits():
                if self._since_s is not None:
                    await asyncio.sleep(wait_s)
                try:
                    return await attempt()
                except Away as away:
                    self.seen(away)
        raise AssertionError("the waits never end")


def _waits() -> Iterator[float]:
    wait_s = FIRST_WAIT_S
    while True:
        yield wait_s * random.uniform(0.5, 1.0)  # jitter against other processes; no part of any result
        wait_s = min(2 * wait_s, LONGEST_WAIT_S)
