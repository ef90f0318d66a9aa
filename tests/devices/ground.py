"""A ground for device stories: a server that lays tasks, an app that answers, one home's devices on a script."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from flwr.app import ArrayRecord, Error, Message, MetricRecord, RecordDict

from aggregator.flower import identify
from broker.events import Event
from broker.memory import MemoryBroker, MemoryLink, MemoryWire
from devices.host import Host
from devices.lifelog import Lived
from devices.residents import residents
from devices.settings import Fleet
from devices.storage.store import MemoryStore
from devices.surroundings import Surroundings
from devices.uplink import Fit

GFLOP = 2_110.0
"""A thousand seconds of a phone of the middle class that nobody uses."""

EVEN = {"wearers": {"network_spread": 0.0}}
"""Networks as their kinds have them, so that a transfer's seconds can be told beforehand."""

PHONE = "phone-1"
BAND = "band-1"


def fleet(*events: tuple[float, str, str], learning: dict[str, Any] | None = None, **keys: Any) -> Fleet:
    """One wearer of a phone with a band; the phone lies on its charger, at home, with Wi-Fi, unless *events* say more.

    Everything is said twice: a counter-event would hand the column back to habits.
    """
    calm = [(0.0, PHONE, do) for do in ("plug", "put_down", "far_link_on")] + [(0.0, BAND, "near_link_on")]
    defaults = {"history_nights": 3, "work": {"gflop": GFLOP, "mb_down": 35.0, "mb_up": 27.0}}
    document = {
        "schema": 1,
        "name": "home",
        "days": 0.5,
        "group": [{"kind": "phone", "with": ["band"], "count": 1, "set": keys.pop("set", {}), **EVEN}],
        "event": [
            {"at_s": at_s, "device": device, "do": do} for at_s, device, do in [*calm, *events] for _ in range(2)
        ],
        "learning": defaults | (learning or {}),
    }
    return Fleet.model_validate(document | keys)


@dataclass
class FakeServer:
    """Lays tasks at one node at chosen moments, and keeps what the node says: the uplink as a device sees it."""

    node_id: int = 1
    inbox: deque[Message] = field(default_factory=deque)
    laid_s: dict[str, float] = field(default_factory=dict)
    labels: dict[str, tuple[int, str]] = field(default_factory=dict)
    given_up: set[str] = field(default_factory=set)
    heard: list[tuple[float, str]] = field(default_factory=list)
    replies: list[tuple[float, Message]] = field(default_factory=list)
    abandoned: list[tuple[float, Message]] = field(default_factory=list)
    ring: Callable[[], None] = lambda: None

    def lay(self, round_: int, phase: str = "train") -> None:
        content = RecordDict({"arrays": ArrayRecord([np.zeros((1, 10)), np.zeros(1)])})
        message = Message(content, self.node_id, phase)
        name = f"task-{round_}-{phase}"
        message.metadata.__dict__["_message_id"] = name
        self.labels[name] = (round_, phase)
        self.laid_s[name] = asyncio.get_running_loop().time()
        self.inbox.append(message)
        self.ring()

    def give_up(self, round_: int, phase: str = "train") -> None:
        self.given_up.add(f"task-{round_}-{phase}")

    # what an Uplink promises

    def reachable(self, now_s: float) -> None:
        self.heard.append((now_s, "reachable"))

    def silent(self, now_s: float) -> None:
        self.heard.append((now_s, "silent"))

    def signed_off(self, now_s: float) -> None:
        self.heard.append((now_s, "signed_off"))

    def waiting(self, now_s: float) -> bool:
        return bool(self.inbox)

    def fetch(self, now_s: float) -> Message | None:
        return self.inbox.popleft() if self.inbox else None

    def label(self, message: Message) -> tuple[int, str]:
        return self.labels[message.metadata.message_id]

    def waited_s(self, message: Message, now_s: float) -> float:
        return now_s - self.laid_s[message.metadata.message_id]

    def wanted(self, message: Message, now_s: float) -> bool:
        return message.metadata.message_id not in self.given_up

    def on_task(self, ring: Callable[[], None]) -> None:
        self.ring = ring

    def begin_upload(self, message: Message, now_s: float) -> bool:
        return self.wanted(message, now_s)

    def abandon(self, message: Message, now_s: float) -> None:
        self.abandoned.append((now_s, message))

    async def deliver(self, now_s: float, reply: Message) -> bool:
        self.replies.append((now_s, reply))
        return reply.metadata.reply_to_message_id not in self.given_up


class FakeApp:
    """Answers as a well-behaved ClientApp does; fails on the rounds in *failing*, breaks down when *broken*."""

    def __init__(self, broken: Exception | None = None, *, fails: bool = False) -> None:
        self.broken = broken
        self.fails = fails

    def begin(self, device: str, message: Message) -> Fit:
        future = Fit()
        metrics = MetricRecord({"num-examples": 3, "loss": 0.5, "accuracy": 0.75})
        if self.broken is not None:
            future.set_exception(self.broken)
        elif self.fails:
            future.set_result(Message(Error(2, "ValueError: too sad"), reply_to=message))
        else:
            arrays = ArrayRecord([np.ones((1, 10)), np.ones(1)])
            future.set_result(Message(RecordDict({"arrays": arrays, "metrics": metrics}), reply_to=message))
        return future


class Home:
    """The devices of one fleet, a memory broker with a guest who hears everything, and a fake server for the phone."""

    def __init__(self, settings: Fleet, app: FakeApp | None = None) -> None:
        identify(1)
        self.diary: list[Event] = []
        self.server = FakeServer()
        self.fleet = settings
        self.here = residents(settings)
        self.wire = MemoryWire(MemoryBroker())
        self.guest: MemoryLink = self.wire.link("guest")
        self.lived: list[Lived] = []
        around = Surroundings(
            wire=self.wire,
            uplink_of=lambda _: self.server,
            app=app or FakeApp(),
            store=MemoryStore(settings.name),
            record=self.diary.append,
            lived=self.lived.append,
        )
        self.host = Host(settings, self.here, around)

    async def live(self, until_s: float, *tasks: tuple[float, int, str]) -> None:
        """Live until *until_s*; lay a task (moment, round, phase) whenever one is due. Then everything is settled."""
        loop = asyncio.get_running_loop()
        await self.guest.connect()
        for leaf in ("biometrics", "$state", "telemetry"):
            await self.guest.subscribe(f"fleetbeat/v1/{self.fleet.name}/+/{leaf}")
        for at_s, round_, phase in tasks:
            loop.call_at(at_s, self.server.lay, round_, phase)
        await self.host.live(until_s)
        await self.host.finish(until_s)

    def told(self, kind: type[Event], device: str = PHONE) -> list[Any]:
        """The events of one kind that happened to *device*."""
        return [event for event in self.diary if type(event) is kind and event.device == device]

    def moments(self, device: str = PHONE, *kinds: type[Event]) -> Sequence[tuple[str, float]]:
        """Names and moments of the events of *kinds*, in order."""
        return [
            (type(event).__name__, round(event.t_s, 3))
            for event in self.diary
            if event.device == device and type(event) in kinds
        ]
