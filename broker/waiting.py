"""Waiting for real work from whichever clock one lives on.

A virtual clock must not move on while a worker process, a server's thread or a broker is
busy: its loop has a method ``hold`` that stops time until the work is done. An ordinary loop
just awaits.
"""

import asyncio
import concurrent.futures
from typing import TypeVar

Result = TypeVar("Result")


async def finished(work: "concurrent.futures.Future[Result]", who: str) -> Result:
    """Return what *work* came to; *who* is named if it never comes.

    Raises HeldTooLong on a virtual clock when the work outlasts the clock's patience.
    """
    loop = asyncio.get_running_loop()
    hold = getattr(loop, "hold", None)
    if hold is None:
        return await asyncio.wrap_future(work)
    result: Result = hold(work, who)
    return result
