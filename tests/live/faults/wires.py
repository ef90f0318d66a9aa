"""A wire between devices and what they talk to, of which we hold the scissors: a TCP relay of our own.

It stands in for a bad network where no container can be had. It delays; it loses a share of all packets, which TCP
turns into waiting (0.2 s for the first repetition, twice as long for each further one); it stalls, so that nothing gets
through and nobody is told; it cuts: every connection ends, and nobody gets a new one.
"""

import asyncio
import random
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

PACKET = 1_400
FIRST_REPETITION_S, LAST_REPETITION_S = 0.2, 6.4


class Wire:
    """Relays to *port* of this machine from a port of its own, in a thread of its own, until `close`."""

    def __init__(self, port: int) -> None:
        self._to = port
        self.delay_s = 0.0
        """Of every byte, each way, in wall seconds."""
        self.loss = 0.0
        """The share of packets that have to be sent again."""
        self.cut_off = False
        self._flows = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._do(asyncio.start_server, self._relay, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        self._call(self._flows.set)

    def stall(self) -> None:
        """Nothing gets through, and nobody is told: whoever connects is accepted and hears no word."""
        self._call(self._flows.clear)

    def flow(self) -> None:
        """All that waits gets through, in its order."""
        self._call(self._flows.set)

    def cut(self) -> None:
        """End every connection, and every further one at once, until `mend`."""
        self.cut_off = True
        self.tear()

    def tear(self) -> None:
        """End every connection that there is."""

        def tear() -> None:
            for writer in list(self._writers):
                writer.transport.abort()

        self._call(tear)

    def mend(self) -> None:
        """Let connections be made again."""
        self.cut_off = False

    def close(self) -> None:
        """End all."""
        self._call(self._server.close)
        self.cut()
        self._do(self._cancelled)
        self._call(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, work: Callable[..., Coroutine[Any, Any, Any]], *words: object) -> Any:
        return asyncio.run_coroutine_threadsafe(work(*words), self._loop).result(10.0)

    def _call(self, what: Callable[[], object]) -> None:
        self._loop.call_soon_threadsafe(what)

    async def _cancelled(self) -> None:
        tasks = asyncio.all_tasks(self._loop) - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.cut_off:
            writer.transport.abort()
            return
        self._writers.add(writer)
        there: asyncio.StreamWriter | None = None
        try:
            await self._flows.wait()
            back, there = await asyncio.open_connection("127.0.0.1", self._to)
            self._writers.add(there)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._carry(reader, there))
                both.create_task(self._carry(back, writer))
        except* OSError:
            pass
        finally:
            for end in (writer, there):
                if end is not None:
                    self._writers.discard(end)
                    end.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def arrive() -> None:
            while True:
                due_s, data = await under_way.get()
                await asyncio.sleep(due_s - loop.time())
                await self._flows.wait()
                if not data:
                    with suppress(OSError):
                        writer.write_eof()
                    return
                writer.write(data)
                await writer.drain()

        arriving, due_s = asyncio.create_task(arrive()), 0.0
        try:
            while data := await reader.read(PACKET):
                due_s = max(due_s, loop.time() + self.delay_s + self._repetitions_s())
                under_way.put_nowait((due_s, data))
            under_way.put_nowait((max(due_s, loop.time() + self.delay_s), b""))
            await arriving
        finally:
            arriving.cancel()

    def _repetitions_s(self) -> float:
        waited_s, pause_s = 0.0, FIRST_REPETITION_S
        while random.random() < self.loss:
            waited_s += pause_s
            pause_s = min(2 * pause_s, LAST_REPETITION_S)
        return waited_s
