"""A population: a fleet's days without any learning, and what they look like by hour of the local day."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

from flwr.app import Message
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from broker import events as ev
from broker.access import Access
from broker.memory import MemoryBroker, MemoryWire
from devices.annals import Annals
from devices.figures import Report
from devices.host import Host
from devices.lifelog import Lived
from devices.residents import Device, residents
from devices.settings import Fleet
from devices.storage.store import MemoryStore
from devices.surroundings import Surroundings
from devices.table import DAY_S
from fleetbeat.clock import run_virtual
from fleetbeat.hours import KindHours, by_kind_and_hour
from fleetbeat.run_folder import cannot_be_written, row
from fleetbeat.tables import LIFE, life_lines

HOURS_TOLD = (0, 4, 8, 12, 16, 20)


@dataclass(frozen=True)
class Population:
    """What everybody lived, and the figures of every kind, in the order of the fleet file."""

    fleet: Fleet
    residents: tuple[Device, ...]
    lived: tuple[Lived, ...]
    kinds: tuple[KindHours, ...]
    life_j: Mapping[str, float]
    """What each device drew."""
    flat_s: Mapping[str, Sequence[float]]
    """The moments at which a device's battery went flat; devices without are left out."""

    def as_json(self) -> dict[str, Any]:
        """Return the figures as one JSON document; lists by hour begin at midnight, shares and batteries are 0–1."""
        return {
            "fleet": self.fleet.name,
            "seed": self.fleet.seed,
            "start": self.fleet.start.isoformat(),
            "days": self.fleet.days,
            "devices": len(self.residents),
            "wearers": len({resident.wearer for resident in self.residents}),
            "kinds": [asdict(kind) for kind in self.kinds],
        }


class NoServer:
    """An uplink behind which nobody ever asks for anything."""

    def __init__(self, node_id: int) -> None:
        self.node_id = node_id

    def on_task(self, ring: Callable[[], None]) -> None:
        """Never ring."""

    def reachable(self, now_s: float) -> None:
        """Nobody hears it."""

    def silent(self, now_s: float) -> None:
        """Nobody misses it."""

    def signed_off(self, now_s: float) -> None:
        """Nobody is told."""

    def waiting(self, now_s: float) -> bool:
        """Return False: there is never a task."""
        return False

    def fetch(self, now_s: float) -> Message | None:
        """Return None: there is never a task."""
        return None

    def _without_a_task(self, *_: object) -> NoReturn:
        raise AssertionError("there was never a task to work on")

    label = waited_s = wanted = begin_upload = deliver = begin = abandon = _without_a_task


def live_without_learning(fleet: Fleet, days: float | None = None, annals: Annals | None = None) -> Population:
    """Let *fleet* live its days (or *days* of them) with nobody ever asking it to train.

    What the wearers and the world do is the same as in a run of the same seed, so the two can be compared; they may
    share *annals*.
    """
    if days is not None:
        fleet = fleet.model_copy(update={"days": float(days)})
    here = residents(fleet)
    access = Access(fleet.name, {r.name: [other.name for other in here if other.trainer == r.name] for r in here})
    flat_s: dict[str, list[float]] = {}
    sent_bytes = dict.fromkeys((resident.name for resident in here), 0)

    def record(event: ev.Event) -> None:
        if isinstance(event, ev.BatchSent) and event.device is not None:
            sent_bytes[event.device] += event.bytes
        elif isinstance(event, ev.BatteryEmpty) and event.device is not None:
            flat_s.setdefault(event.device, []).append(event.t_s)

    numbers = itertools.count(1)
    wire = MemoryWire(MemoryBroker(access))
    lived: list[Lived] = []
    around = Surroundings(
        wire=wire,
        uplink_of=lambda _: NoServer(next(numbers)),
        app=NoServer(0),
        store=MemoryStore(fleet.name),
        record=record,
        lived=lived.append,
        annals=annals,
    )
    host = Host(fleet, here, around)
    run_virtual(_days(host, wire, fleet.days * DAY_S))
    reports: dict[str, Report] = host.reports()
    life_j = {name: report.life_j for name, report in reports.items()}
    kinds = tuple(by_kind_and_hour(fleet, here, lived, life_j, sent_bytes))
    return Population(fleet, here, tuple(lived), kinds, life_j, flat_s)


async def _days(host: Host, wire: MemoryWire, until_s: float) -> None:
    await host.live(until_s)
    await host.finish(until_s)
    await wire.close()


def words(population: Population) -> RenderableType:
    """Return the figures to be read in a terminal."""
    fleet = population.fleet
    title = Text(
        f"{fleet.name}, {fleet.days:g} days without learning: {len(population.residents)} devices, seed {fleet.seed}",
        style="bold",
    )
    return Group(
        title,
        Text(""),
        _overview(population),
        Text(""),
        *(_of_the_day(kind) for kind in population.kinds if kind.trains),
    )


def _overview(population: Population) -> Table:
    table = Table(title="A day of one device", title_justify="left", box=None, pad_edge=False)
    for place, name in enumerate(
        (
            "kind",
            "devices",
            "on",
            "far link",
            "worn",
            "charging",
            "ready",
            "days between charges",
            "MB streamed",
            "J",
            "why not ready",
        )
    ):
        table.add_column(name, justify="left" if place in (0, 10) else "right", overflow="fold")
    for kind in population.kinds:
        shares = (kind.share(what) for what in ("powered", "far_link_up", "worn", "charging"))
        table.add_row(
            kind.kind,
            str(kind.devices),
            *(f"{share:.0%}" for share in shares),
            f"{kind.share('ready'):.0%}" if kind.trains else "–",
            "–" if kind.days_between_charges is None else f"{kind.days_between_charges:.1f}",
            f"{kind.mb_a_day:.2f}",
            f"{kind.j_a_day:,.0f}",
            ", ".join(f"{reason.replace('_', ' ')} {share:.0%}" for reason, share in kind.why_not.items())
            if kind.trains
            else "–",
        )
    table.caption = "why not ready: shares of all time; a device that cannot train is never asked"
    table.caption_justify = "left"
    return table


def _of_the_day(kind: KindHours) -> Table:
    table = Table(title=f"{kind.kind}, by local hour", title_justify="left", box=None, pad_edge=False)
    table.add_column("")
    for hour in HOURS_TOLD:
        table.add_column(f"{hour:02}–{hour + 4:02}", justify="right")
    for what, shares in kind.by_hour.items():
        table.add_row(what.replace("_", " "), *(f"{sum(shares[hour : hour + 4]) / 4:.0%}" for hour in HOURS_TOLD))
    middle = kind.battery["p50"]
    table.add_row("battery, median", *(_percent(middle[hour]) for hour in HOURS_TOLD))
    return table


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"


def write_population(population: Population, out: Path) -> None:
    """Write ``life.csv`` and ``report.html`` into *out*; raise RunFolderError if that cannot be."""
    from fleetbeat.report.population_page import population_page

    lines = [LIFE, *map(row, life_lines(population.lived))]
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / "life.csv").write_text("\n".join(lines) + "\n", "utf-8")
        (out / "report.html").write_text(population_page(population), "utf-8")
    except OSError as error:
        raise cannot_be_written(out, error) from None
