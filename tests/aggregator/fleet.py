"""A small fleet for tests: devices that live on the virtual loop, and a server of Flower's that trains on them."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from flwr.app import ArrayRecord, Error, Message, MetricRecord, RecordDict
from flwr.serverapp import ServerApp

from aggregator.course import Course, course_from
from aggregator.grid import FleetGrid
from aggregator.habits import Habits
from aggregator.hosting import serve
from aggregator.server_app import Plan, Witness, server_app
from aggregator.strategies import Cohort
from aggregator.superlink import SuperLink
from aggregator.timetable import Timetable
from aggregator.turns import Turns
from aggregator.uplink import NodeUplink
from broker.events import Event
from broker.messages import Telemetry
from fleetbeat.clock import VirtualLoop

T0_UNIX = 1_767_636_000.0  # 2026-01-05T18:00:00Z
SCORE = dict.fromkeys(("loss", "accuracy", "balanced_accuracy", "auc", "kappa", "majority_share"), 0.5)

Answering = Callable[[Message], Message]


def answer(message: Message, **metrics: float) -> Message:
    """Reply as a well-behaved ClientApp does: the arrays plus one, and whether that was clipped, if asked to clip."""
    if any("clipping_norm" in config for config in message.content.config_records.values()):
        metrics = {"norm_bit": 1, **metrics}
    figures = MetricRecord({"num-examples": 10, "loss": 0.5, "train_loss": 0.5, **metrics})
    if message.metadata.message_type == "evaluate":
        return Message(RecordDict({"metrics": figures}), reply_to=message)
    arrays = [array + 1 for array in message.content.array_records["arrays"].to_numpy_ndarrays()]
    return Message(RecordDict({"arrays": ArrayRecord(arrays), "metrics": figures}), reply_to=message)


def failing(message: Message) -> Message:
    """Reply as a node does whose app raised."""
    return Message(Error(2, "ValueError: no such thing"), reply_to=message)


@dataclass
class FakeDevice:
    """Fetches every 3 s while reachable, works for *work_s* per task, one after the other."""

    uplink: NodeUplink
    work_s: float = 60.0
    answering: Answering = answer
    poll_s: float = 3.0
    comes_s: float = 0.0
    fetched: list[tuple[float, Message]] = field(default_factory=list)
    accepted: list[bool] = field(default_factory=list)

    async def live(self) -> None:
        loop = asyncio.get_running_loop()
        bell = asyncio.Event()
        self.uplink.on_task(bell.set)
        if self.comes_s:
            await asyncio.sleep(self.comes_s)
        self.uplink.reachable(loop.time())
        while True:
            await bell.wait()
            bell.clear()
            while self.uplink.waiting(loop.time()):
                if self.poll_s:
                    await asyncio.sleep(self.poll_s - loop.time() % self.poll_s)
                message = self.uplink.fetch(loop.time())
                if message is None:
                    break
                self.fetched.append((loop.time(), message))
                await asyncio.sleep(self.work_s)
                self.accepted.append(await self.uplink.deliver(loop.time(), self.answering(message)))


class Everybody:
    """Readiness as telemetry would tell it: names in a set that tests change."""

    def __init__(self, *names: str) -> None:
        self.names = set(names)
        self.told: dict[int, Telemetry] = {}

    async def look(self) -> set[str]:
        return self.names

    def reports(self) -> Mapping[int, Telemetry]:
        return self.told


class Fleet:
    """Some fake devices, a SuperLink's twin, and the events of what happened."""

    def __init__(self, devices: int, *, seed: int = 7, **device: Any) -> None:
        self.superlink = SuperLink(seed, T0_UNIX, heartbeat_s=30.0)
        self.names = [f"phone-{number}" for number in range(1, devices + 1)]
        self.devices = {name: FakeDevice(NodeUplink(self.superlink, name), **device) for name in self.names}
        self.readiness = Everybody(*self.names)
        self.seed = seed
        self.diary: list[Event] = []
        self.course: Course = course_from([np.zeros((1, 3)), np.zeros(1)])
        self.grid: FleetGrid
        self.turns: Turns
        self.after: list[Callable[[], Any]] = []

    def events(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.diary if type(event) is kind]

    async def host(self, app_of: Callable[["Fleet"], ServerApp], **habits: Any) -> None:
        """Let everybody live until the app returns, or until ``days_s`` is over."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        days_s = habits.pop("days_s", 20 * 86_400.0)
        timetable = Timetable(habits.pop("first_round_s", 100.0), habits.pop("round_every_s", 1_000.0))
        settings: dict[str, Any] = {"seed": self.seed, "poll_s": 3.0, "selectable": "reachable", "needed": 2}
        own = Habits(**{**settings, "patience_s": 2_000.0, **habits})
        self.turns = Turns(loop, loop.hold, "the server (test)")
        self.grid = FleetGrid(self.turns, self.superlink, self.readiness, timetable, own, self.diary.append)
        lives = [asyncio.create_task(device.live()) for device in self.devices.values()]
        outcome = serve(app_of(self), self.grid, self.turns, {})
        timer = loop.call_at(days_s, self.turns.end)
        try:
            await outcome
        finally:
            timer.cancel()
            for life in lives:
                life.cancel()
            await asyncio.gather(*lives, return_exceptions=True)

    async def learn(
        self, strategy: str = "fedavg", *, rounds: int = 2, deadline_s: float = 600.0, **habits: Any
    ) -> None:
        """Run our ServerApp with one of Flower's strategies."""
        options: Mapping[str, Any] = habits.pop("options", {})
        cohort = Cohort(devices=len(self.devices), **habits.pop("cohort", {}))
        plan = Plan(
            strategy=strategy, strategy_options=options, rounds=rounds, round_deadline_s=deadline_s, cohort=cohort
        )

        def app_of(fleet: "Fleet") -> ServerApp:
            names = {node_id: node.device for node_id, node in fleet.superlink.nodes.items()}
            witness = Witness(
                record=fleet.diary.append,
                now_s=fleet.grid.now_s,
                round_closed=fleet.grid.round_closed,
                device_of=names,
            )
            return server_app(plan, fleet.course, lambda _arrays: SCORE, witness)

        await self.host(app_of, **habits)
