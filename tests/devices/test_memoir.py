"""A process ends in the middle of its devices' lives, and another goes on where it was."""

import asyncio
import copy
from itertools import pairwise
from typing import Any

import pytest

from aggregator.flower import identify
from broker import events as ev
from broker.memory import MemoryBroker, MemoryWire
from devices.host import Host
from devices.lifelog import Lived
from devices.residents import residents
from devices.storage.store import MemoryStore
from devices.surroundings import Surroundings
from tests.devices.ground import BAND, PHONE, FakeApp, FakeServer, fleet

pytestmark = pytest.mark.virtual_time

HOUR_S = 3_600.0


class Lives:
    """One life of a phone and a band, in one process after another that share a disk."""

    def __init__(self) -> None:
        self.settings = fleet((0.0, PHONE, "plug"), (0.0, PHONE, "put_down"), (0.0, PHONE, "far_link_on"))
        self.store = MemoryStore("home")
        self.server = FakeServer()
        self.diary: list[ev.Event] = []
        self.lived: list[Lived] = []
        self.host: Host
        identify(1)

    async def live(
        self, until_s: float, *tasks: tuple[float, int, str], killed: bool = False, unheard: int = 0
    ) -> None:
        """Live until then in a process of their own, which ends in order or not.

        Of each device so many of the last intervals that a killed one told have not come any further.
        """
        around = Surroundings(
            wire=MemoryWire(MemoryBroker()),
            uplink_of=lambda _: self.server,
            app=FakeApp(),
            store=self.store,
            record=self.diary.append,
            lived=self.lived.append,
            hub_retry_s=60.0,
        )
        loop = asyncio.get_running_loop()
        self.host = Host(self.settings, residents(self.settings), around)
        for at_s, round_, phase in tasks:
            loop.call_at(at_s, self.server.lay, round_, phase)
        life = asyncio.create_task(self.host.live(until_s + HOUR_S))
        await asyncio.sleep(until_s - loop.time())
        said, written = len(self.diary), copy.deepcopy(self.store._notes)
        life.cancel()
        if killed:
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()
        await asyncio.gather(life, return_exceptions=True)
        if killed:  # whatever our own end here said and wrote: a dead process does not
            del self.diary[said:]
            self.store._notes = written
            for device in (PHONE, BAND):
                own = [line for line in self.lived if line.device == device]
                for line in own[len(own) - unheard :]:
                    self.lived.remove(line)
        else:
            await self.host.finish(until_s)

    def tiles(self, device: str) -> list[Lived]:
        """Return the intervals of *device*, each once, in their order; nothing lies between two of them."""
        tiles = sorted({line for line in self.lived if line.device == device}, key=lambda line: line.from_s)
        assert all(before.to_s == after.from_s for before, after in pairwise(tiles))
        return tiles

    def told(self, *kinds: type[ev.Event]) -> list[Any]:
        return [event for event in self.diary if type(event) in kinds and event.device == PHONE]


async def test_battery_and_counters_go_on() -> None:
    lives = Lives()
    await lives.live(2 * HOUR_S)
    before = lives.host.reports()[PHONE]
    await asyncio.sleep(HOUR_S)

    await lives.live(4 * HOUR_S)

    after = lives.host.reports()[PHONE]
    assert after.figures.charging_s == pytest.approx(3 * HOUR_S)
    assert after.life_j == pytest.approx(1.5 * before.life_j, rel=0.05)
    assert lives.told(ev.SoftwareCrashed) == []


async def test_who_was_killed_at_a_task_says_so_as_of_then() -> None:
    lives = Lives()
    await lives.live(2 * HOUR_S, (1.9 * HOUR_S, 1, "train"), killed=True)
    await asyncio.sleep(HOUR_S)

    await lives.live(4 * HOUR_S)

    (fetched,) = lives.told(ev.TaskFetched)
    (crashed,), (bill,) = lives.told(ev.WorkCrashed), lives.told(ev.WorkSettled)
    (failed,), (on,) = lives.told(ev.SoftwareCrashed), lives.told(ev.PoweredOn)
    assert (crashed.round, crashed.phase, crashed.exception) == (1, "train", "ProcessKilled")
    assert fetched.t_s <= crashed.t_s == bill.t_s <= 2 * HOUR_S
    assert (failed.exception, on.t_s) == ("ProcessKilled", 3 * HOUR_S)
    assert failed.t_s == crashed.t_s


async def test_a_task_that_was_done_with_is_not_told_again() -> None:
    lives = Lives()
    await lives.live(3 * HOUR_S, (HOUR_S, 1, "train"), killed=True)

    await lives.live(4 * HOUR_S)

    assert len(lives.told(ev.WorkSettled)) == 1
    assert lives.told(ev.WorkCrashed) == []


async def test_intervals_tile_the_run_and_say_when_nobody_was_there() -> None:
    lives = Lives()
    await lives.live(2 * HOUR_S)
    await asyncio.sleep(HOUR_S)
    await lives.live(4 * HOUR_S)

    for device in (PHONE, BAND):
        own = lives.tiles(device)
        assert (own[0].from_s, own[-1].to_s) == (0.0, 4 * HOUR_S)
        off = [line for line in own if not line.power]
        assert (off[0].from_s, off[-1].to_s) == (2 * HOUR_S, 3 * HOUR_S)
        assert {line.why_not for line in off} == {"powered_off"}


@pytest.mark.parametrize("unheard", [1, 3])
async def test_what_a_killed_process_told_and_nobody_heard_the_next_one_tells_again(unheard: int) -> None:
    lives = Lives()
    await lives.live(2 * HOUR_S, (1.9 * HOUR_S, 1, "train"), (1.95 * HOUR_S, 2, "train"), killed=True, unheard=unheard)
    heard_s = lives.lived[-1].to_s
    await asyncio.sleep(HOUR_S)
    await lives.live(3 * HOUR_S + 1.0, killed=True, unheard=unheard)  # it had hardly begun
    await lives.live(4 * HOUR_S)

    assert heard_s < 1.95 * HOUR_S
    for device in (PHONE, BAND):
        own = lives.tiles(device)
        assert (own[0].from_s, own[-1].to_s) == (0.0, 4 * HOUR_S)
