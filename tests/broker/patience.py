"""Waiting, on the wall, for what raises no event here: another process's end, a byte on a foreign connection."""

import asyncio
from collections.abc import Callable

WITHIN_S = 60.0
"""Long: a machine may be busy, and waiting costs nothing when it is not."""


async def until(claim: Callable[[], bool]) -> None:
    """Return once *claim* holds; fail if that takes too long."""
    async with asyncio.timeout(WITHIN_S):
        while not claim():  # what is awaited happens outside this loop
            await asyncio.sleep(0.001)
