"""The landlord: keeps a house of devices through a fleet's life, and through the next one if that is told.

When life begins and how fast it goes stands in the retained ``$clock``. Whoever tells it anew begins a new life: the
house of the old one is closed, and another is opened, which knows nothing of what was measured in the old one.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from broker import events as ev
from broker import topics
from broker.errors import BrokerLost, StorageError
from broker.narration import Narrator
from broker.pace import Pace
from broker.way import NobodyAnswers
from devices.residents import Device
from devices.settings import Fleet
from fleetbeat.clock import interruptible
from fleetbeat.hall_clock import HallClock
from fleetbeat.house import House, Roads
from fleetbeat.live_clock import run_live, wall_unix_s
from fleetbeat.logbook import line
from fleetbeat.plan import DAY_S

SAYS_SO_EVERY_WALL_S = 60.0
"""Whoever waits says so once a minute."""
SWITCHES_OFF_WITHIN_WALL_S = 3.0
PATIENCE_WALL_S = 3.0
BEATS_EVERY_WALL_S = 1.0
BEAT = "alive"
"""A file beside those of the devices: touched as long as this process lives, or waits, and has its broker."""

_log = logging.getLogger(__name__)


class Landlord:
    """Blocks the main thread, where signals end it; *say* takes plain lines."""

    def __init__(
        self, fleet: Fleet, here: Sequence[Device], roads: Roads, user: str, folder: Path, say: Callable[[str], None]
    ) -> None:
        """*here* lives in this process and keeps in *folder* what must last; *user* is its name at the broker."""
        self._fleet = fleet
        self._here = here
        self._roads = roads
        self._folder = folder
        self._say = say
        self._narrator = Narrator(roads.broker, roads.credentials, user, fleet.name, f"{user}-{secrets.token_hex(4)}")
        self._clock = HallClock(self._narrator.client, fleet.name)
        self._server_gone: Callable[[], None] = lambda: None
        self._narrator.client.subscribe(topics.server_state(fleet.name), self._hear_server)

    def keep(self) -> str:
        """Let the devices live until a life is over; return why it ended: ``days_over`` or ``stopped``.

        Raises BrokerRefused for a broker that does not want us, StorageError for a folder that cannot be used.
        """
        threadpool_limits(1)
        self._make_folder()
        pace: Pace | None = None
        cause = "another_life"
        try:
            self._come_in()
            while cause == "another_life":
                pace = self._await_life(pace)
                self._narrator.life = pace.t0_unix
                cause = run_live(pace, self._live(pace))
        except KeyboardInterrupt:  # while nobody lives
            cause = "stopped"
        finally:
            missing = self._narrator.close(PATIENCE_WALL_S)
            if missing:
                _log.warning("the broker did not take the last %d events", missing)
        return cause

    def _make_folder(self) -> None:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self._folder / BEAT).unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(f"{self._folder}: {error.strerror}") from None

    def _come_in(self) -> None:
        while True:
            try:
                self._narrator.connect(SAYS_SO_EVERY_WALL_S)
            except (NobodyAnswers, BrokerLost) as error:
                self._say(f"waiting for the broker: {error}")
            else:
                return

    def _await_life(self, lived: Pace | None) -> Pace:
        """Return the pace of a life that is not over, once somebody tells it."""
        why = f"for somebody to tell the time ({topics.clock(self._fleet.name)})"
        says_at_s = time.monotonic()
        while True:
            pace = self._clock.another_than(lived, BEATS_EVERY_WALL_S)
            self._beat()
            if pace is not None:
                age_s = pace.life_s(wall_unix_s())
                if age_s < self._fleet.days * DAY_S:
                    return pace
                lived, why = pace, f"for another life: the last one is {age_s / DAY_S:.1f} days old, and over"
            if time.monotonic() >= says_at_s:
                says_at_s += SAYS_SO_EVERY_WALL_S
                self._say(f"waiting {why}")

    async def _live(self, pace: Pace) -> str:
        """Let the devices live one life; return why they do no longer."""
        loop = asyncio.get_running_loop()
        house = House(self._fleet, self._here, self._roads, pace, self._folder, self._record)
        await asyncio.sleep(-loop.time())  # a life may be told of before it begins
        self._say(f"living at {pace.speed:g} times the wall's speed; life is {loop.time():.0f} s old")
        told = asyncio.Event()
        self._clock.on_another(pace, lambda: _on(loop, told.set))
        self._server_gone = lambda: _on(loop, house.report)
        tasks = {
            "days_over": asyncio.create_task(house.live(), name="the devices"),
            "another_life": asyncio.create_task(_until(told), name="another life"),
            "broken": asyncio.create_task(self._keep_beating(pace.speed), name="heartbeat"),
        }
        cause = "broken"
        with interruptible(loop) as stop:
            try:
                ways_out: list[asyncio.Future[Any]] = [*tasks.values(), stop]
                await asyncio.wait(ways_out, return_when=asyncio.FIRST_COMPLETED)
                cause = "stopped" if stop.done() else next(why for why, task in tasks.items() if task.done())
                self._say(_WORDS.get(cause, cause))
                if cause == "stopped":
                    await house.switch_off(SWITCHES_OFF_WITHIN_WALL_S * pace.speed)
                else:
                    tasks[cause].result()
            finally:
                self._server_gone = lambda: None
                for task in tasks.values():
                    task.cancel()
                await asyncio.gather(*tasks.values(), return_exceptions=True)
                with suppress(asyncio.CancelledError):
                    await house.end()
                    house.close()
        return cause

    async def _keep_beating(self, speed: float) -> None:
        while True:
            self._beat()
            await asyncio.sleep(BEATS_EVERY_WALL_S * speed)

    def _beat(self) -> None:
        if self._narrator.client.connected:
            with suppress(OSError):  # a full disk is told of by those who write
                (self._folder / BEAT).touch()

    def _record(self, event: ev.Event) -> None:
        self._narrator.record(event)
        words = line(self._fleet.start, event)
        if words is not None:
            self._say(words)

    def _hear_server(self, _topic: str, payload: bytes) -> None:
        if payload == b"disconnected":
            self._server_gone()


_WORDS = {
    "days_over": "the fleet's days are over",
    "another_life": "another life was told: this one ends",
    "stopped": "told to end: the devices are switched off",
}


def _on(loop: asyncio.AbstractEventLoop, call: Callable[[], object]) -> None:
    with suppress(RuntimeError):  # that life is over
        loop.call_soon_threadsafe(call)


async def _until(told: asyncio.Event) -> None:
    await told.wait()
