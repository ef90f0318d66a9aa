"""A process with devices in it, to be killed: ``python -m tests.live.faults.household PLAN.json``.

It answers each line on stdin with one line of JSON on stdout: ``report`` with the counters of its devices, ``DEVICE
WORD`` after it did what an ``[[event]]`` of that word does, ``date SECONDS`` after it set its date by so much. When
stdin ends, the devices end in order. What it has to say for itself goes to stderr, as a user would read it.
"""

import asyncio
import datetime
import json
import logging
import secrets
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flwr.supercore import date
from threadpoolctl import threadpool_limits

from broker.address import read_address
from broker.credentials import Credentials
from broker.narration import Narrator
from broker.pace import Pace
from devices.fleet_api import identity
from devices.fleet_file import load_fleet
from devices.residents import residents
from fleetbeat.house import House, Roads
from fleetbeat.live_clock import run_live
from fleetbeat.own_broker import HOUSE

_REAL_TIME = time.time  # noqa: TID251  # before anybody moves it


@dataclass(frozen=True)
class Plan:
    """What a process must know; *wearers* is wearer → key in hexadecimal."""

    fleet: str
    devices: list[str]
    folder: str
    broker: str
    broker_ca: str
    passwords: dict[str, str]
    superlink: str
    superlink_ca: str
    wearers: dict[str, str]
    t0_unix: float
    speed: float

    def roads(self) -> Roads:
        return Roads(
            broker=read_address(self.broker, Path(self.broker_ca)),
            credentials=Credentials(self.passwords),
            superlink=self.superlink,
            superlink_ca=Path(self.superlink_ca),
            wearers={wearer: bytes.fromhex(key) for wearer, key in self.wearers.items()},
        )


def main() -> None:
    """Live by the plan until stdin ends."""
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s")
    threadpool_limits(1)
    plan = Plan(**json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    pace = Pace(plan.t0_unix, plan.speed)
    run_live(pace, _live(plan, pace))


async def _live(plan: Plan, pace: Pace) -> None:
    loop = asyncio.get_running_loop()
    fleet = load_fleet(plan.fleet)
    here = [device for device in residents(fleet) if device.name in plan.devices]
    roads = plan.roads()
    narrator = Narrator(roads.broker, roads.credentials, HOUSE, fleet.name, f"{HOUSE}-{secrets.token_hex(4)}")
    narrator.life = pace.t0_unix
    house = House(fleet, here, roads, pace, Path(plan.folder), narrator.record)
    await asyncio.to_thread(narrator.connect, 30.0)
    lives = asyncio.create_task(house.live())
    over = asyncio.Event()

    async def answer(line: str) -> dict[str, Any]:
        who, _, what = line.strip().partition(" ")
        if who == "report":
            house.report()
            return {name: report.numbers() for name, report in house._host.reports().items()}
        if who == "date":
            _set_date(float(what))
        else:
            house.order(who, what, lambda _changed: None)
        return {}

    def tell(what: dict[str, Any]) -> None:
        sys.stdout.write(f"{json.dumps(what)}\n")
        sys.stdout.flush()

    def listen() -> None:
        for line in sys.stdin:
            tell(asyncio.run_coroutine_threadsafe(answer(line), loop).result())
        loop.call_soon_threadsafe(over.set)

    threading.Thread(target=listen, daemon=True).start()
    tell({})
    ended = asyncio.create_task(over.wait())
    await asyncio.wait([lives, ended], return_when=asyncio.FIRST_COMPLETED)
    for task in (lives, ended):
        task.cancel()
    await asyncio.gather(lives, ended, return_exceptions=True)
    await house.end()
    house.close()
    await asyncio.to_thread(narrator.close, 10.0)


def _set_date(by_s: float) -> None:
    """Move what this process takes for the date: a machine's real one is not a test's to set.

    It is the whole date of Python code: ``time.time``, and Flower's ``now`` wherever it was imported. Signatures, which
    are made anew every two minutes, are so every second here.
    """
    identity.SIGNATURE_LASTS_S = 1.0
    time.time = lambda: _REAL_TIME() + by_s  # noqa: TID251  # the date is the subject

    def now() -> datetime.datetime:
        return datetime.datetime.fromtimestamp(time.time(), datetime.UTC)  # noqa: TID251

    for module in list(sys.modules.values()):
        if getattr(getattr(module, "now", None), "__module__", None) in (date.__name__, __name__):
            module.now = now  # type: ignore[attr-defined]  # bound by name there


if __name__ == "__main__":
    main()
