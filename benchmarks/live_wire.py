"""Three hundred devices' MQTT connections from one process: ``python -m benchmarks.live_wire``.

A whole house of `fleetbeat up`, as it is: every device with a TLS connection and a user of its own at a private
Mosquitto, readings sealed, outbox and buffer in SQLite, a node at a SuperLink. Nobody trains. Each device is always
worn and sends a batch a minute of life; at 60 times real time that is a batch a second each, to the broker and back
(a watch is its own trainer: it reads what it sent). Memory and processor time are this process's. Linux only.
"""

import argparse
import asyncio
import resource
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from threadpoolctl import threadpool_limits

from benchmarks.machine import description, load, write_section
from broker import events as ev
from broker.pace import Pace
from devices.fleet_file import Overrides, load_fleet
from devices.residents import residents
from devices.settings import Fleet
from devices.storage.outbox import SqliteOutbox
from fleetbeat.brokers import BrokerChoice
from fleetbeat.house import House
from fleetbeat.live_clock import run_live, wall_unix_s
from fleetbeat.premises import Wishes, opened

TITLE = "The wire, live"
FLEET = """
schema = 1
name = "wire"
ideal = true
start = 2026-01-05T12:00:00
[learning]
task = "sleep-wake"
history_nights = 0
[[group]]
kind = "smartwatch"
count = {devices}
set = {{ sync_every_s = 60 }}
"""
SETTLING_S = 30.0
"""Wall seconds until everybody has connected and enrolled; what happens before is not counted."""


@dataclass
class Watch:
    """What is looked at while the house lives."""

    sent: int = 0
    waiting: list[int] = field(default_factory=list)
    """Readings in all outboxes together, at each look."""
    late_s: list[float] = field(default_factory=list)
    """How late the loop came to each look, in wall seconds."""
    acknowledged_ms: list[float] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    _left_s: dict[tuple[int, int], float] = field(default_factory=dict)

    def record(self, event: ev.Event) -> None:
        """Hear an event of the house."""
        if isinstance(event, ev.BatchSent):
            self.sent += 1
        elif isinstance(event, ev.HubLost | ev.ServerLost | ev.ReadingsDropped | ev.MessageRefused):
            self.troubles.append(f"{event.device}: {ev.kind_of(type(event))}")

    def forget(self) -> None:
        """Begin anew: what was until now was the start."""
        self.sent = 0
        for figures in (self.waiting, self.late_s, self.acknowledged_ms):
            figures.clear()

    @contextmanager
    def over_the_outboxes(self) -> Iterator[None]:
        """Note how long each batch waits for the broker's acknowledgement."""
        sent, confirmed = SqliteOutbox.sent, SqliteOutbox.confirmed

        def noted_sent(outbox: SqliteOutbox) -> None:
            assert outbox._leaving is not None
            self._left_s[id(outbox), outbox._leaving.seq] = time.monotonic()
            sent(outbox)

        def noted_confirmed(outbox: SqliteOutbox, seq: int) -> None:
            left_s = self._left_s.pop((id(outbox), seq), None)
            if left_s is not None:
                self.acknowledged_ms.append(1e3 * (time.monotonic() - left_s))
            confirmed(outbox, seq)

        SqliteOutbox.sent, SqliteOutbox.confirmed = noted_sent, noted_confirmed  # type: ignore[method-assign,assignment]  # it tells nobody
        try:
            yield
        finally:
            SqliteOutbox.sent, SqliteOutbox.confirmed = sent, confirmed  # type: ignore[method-assign]  # as above


@dataclass(frozen=True)
class Measured:
    """One house: what its watch saw, and what the process used from the end of the start on."""

    watch: Watch
    wall_s: float
    processor_s: float
    rss_mb: tuple[float, float]
    """At the end of the start, and at the end."""


def fleet_of(devices: int) -> Fleet:
    """Return so many watches that send every minute."""
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "wire.toml"
        file.write_text(FLEET.format(devices=devices), encoding="utf-8")
        return load_fleet(file, Overrides())


def measured(devices: int, speed: float, seconds: float, every_s: float) -> Measured:
    """Let a house live for so many wall *seconds* after its start, looking at it every so many."""
    fleet, watch = fleet_of(devices), Watch()
    here = residents(fleet)
    with tempfile.TemporaryDirectory() as place, watch.over_the_outboxes():
        folder = Path(place)
        with opened(fleet, here, Wishes(broker=BrokerChoice("mosquitto")), folder) as premises:
            pace = Pace(wall_unix_s(), speed)

            async def live() -> Measured:
                house = House(fleet, here, premises.roads, pace, folder / "devices", watch.record)
                lives = asyncio.create_task(house.live())
                loop = asyncio.get_running_loop()
                await asyncio.sleep(SETTLING_S * speed)
                watch.forget()
                began_s, used_s, born_mb = time.monotonic(), processor_s(), rss_mb()
                due_s = loop.time()
                while time.monotonic() < began_s + seconds and not lives.done():
                    due_s += every_s * speed
                    await asyncio.sleep(due_s - loop.time())
                    watch.late_s.append((loop.time() - due_s) / speed)
                    watch.waiting.append(sum(look.outbox or 0 for look in house.looks()))
                wall_s = time.monotonic() - began_s
                found = Measured(watch, wall_s, processor_s() - used_s, (born_mb, rss_mb()))
                lives.cancel()
                await asyncio.gather(lives, return_exceptions=True)
                await house.end()
                house.close()
                return found

            return run_live(pace, live())


def processor_s() -> float:
    """Return the processor seconds of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def rss_mb() -> float:
    """Return the memory that is resident now."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return sum(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1_024


def row(devices: int, speed: float, found: Measured) -> str:
    """Return one line of the table."""
    watch = found.watch
    halves = len(watch.waiting) // 2
    early, late = statistics.mean(watch.waiting[:halves]), statistics.mean(watch.waiting[halves:])
    acknowledged = statistics.quantiles(watch.acknowledged_ms, n=100)
    return (
        f"| {devices} | {speed:g} | {found.wall_s:.0f} | {watch.sent / found.wall_s:.0f} "
        f"| {early / devices:.1f} → {late / devices:.1f} | {acknowledged[49]:.0f}, {acknowledged[98]:.0f} "
        f"| {1e3 * max(watch.late_s):.0f} | {100 * found.processor_s / found.wall_s:.0f} % "
        f"| {found.rss_mb[0]:.0f} → {found.rss_mb[1]:.0f} | {len(watch.troubles)} |"
    )


def main() -> None:
    """Measure, print, and write the section in ``results.md`` (not after ``--quick``)."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--devices", type=int, default=300, help="connections (300)")
    parser.add_argument("--speed", type=float, default=60.0, help="seconds of life in a second (60)")
    parser.add_argument("--seconds", type=float, default=240.0, help="wall seconds after the start (240)")
    parser.add_argument("--quick", action="store_true", help="30 devices for 20 s: does it work?")
    given = parser.parse_args()
    devices, seconds = (30, 20.0) if given.quick else (given.devices, given.seconds)
    threadpool_limits(1)
    before = load()
    found = measured(devices, given.speed, seconds, every_s=seconds / 40)
    lines = [
        description("flwr", "paho-mqtt", "cryptography"), "",
        __doc__.strip().partition("\n\n")[2].replace("\n", " ").replace(" Linux only.", ""), "",
        "| devices | speed | wall s | batches/s | readings in an outbox, first → second half | acknowledged after ms, "
        "median, 99 % | loop late by ms at most | of a core | RSS MB | troubles |",
        "|---|---|---|---|---|---|---|---|---|---|",
        row(devices, given.speed, found), "",
        f"Load before: {before:.1f}.",
    ]  # fmt: skip
    if given.quick:
        print("\n".join(lines))
    else:
        write_section(TITLE, lines)


if __name__ == "__main__":
    main()
