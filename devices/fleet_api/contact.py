"""Whether a node is to be heard of just now, and a bell for all who wait for that to change. On the door's loop."""

import asyncio


class Contact:
    """What the device said last: it is reachable, it went silent, or it is leaving in order."""

    def __init__(self) -> None:
        self.on = False
        self.leaving = False
        self.beat_at_s = 0.0
        """When the next heartbeat is due, on the door's clock."""
        self._news = asyncio.Event()

    def turn(self, *, on: bool = False, leaving: bool = False) -> None:
        """Take note of what the device says, and ring."""
        self.on, self.leaving = on, leaving
        self.ring()

    def ring(self) -> None:
        """Wake everybody who waits."""
        self._news.set()
        self._news = asyncio.Event()

    async def news(self, until_s: float | None = None) -> None:
        """Return at the next ring, or at *until_s* on the loop's clock."""
        bell = self._news
        try:
            async with asyncio.timeout_at(until_s):
                await bell.wait()
        except TimeoutError:
            return
