"""A live fleet without a wall: a SuperLink's twin that counts the wall's seconds, nodes that work, and a clock."""

import heapq
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from flwr.app import Context, Message, RecordDict
from flwr.serverapp import ServerApp

from aggregator.course import course_from
from aggregator.flower import Run, identify
from aggregator.habits import Habits
from aggregator.live_grid import LiveGrid
from aggregator.roll import Roll
from aggregator.server_app import Plan, Witness, server_app
from aggregator.strategies import Cohort
from aggregator.superlink import SuperLink
from aggregator.tasks import Label, Reply
from aggregator.timetable import Timetable
from aggregator.uplink import NodeUplink
from broker.events import Event
from broker.messages import Telemetry
from broker.pace import Pace
from tests.aggregator.fleet import SCORE, T0_UNIX, Answering, answer
from tests.aggregator.posts import at_once

SPEED = 60.0
"""A minute of life in a second of the wall."""


class FakeTime:
    """A wall on which time passes only while the server rests; what is planned happens meanwhile."""

    def __init__(self, speed: float = SPEED) -> None:
        self.pace = Pace(T0_UNIX, speed)
        self.wall_s = 0.0
        self._plans: list[tuple[float, int, Callable[[], object]]] = []
        self._planned = 0

    def now_s(self) -> float:
        return self.wall_s * self.pace.speed

    def rest(self, wall_s: float) -> None:
        until_s = self.wall_s + wall_s
        while self._plans and self._plans[0][0] <= until_s:
            self.wall_s, _, do = heapq.heappop(self._plans)
            do()
        self.wall_s = until_s

    def at(self, wall_s: float, do: Callable[[], object]) -> None:
        self._planned += 1
        heapq.heappush(self._plans, (wall_s, self._planned, do))


@dataclass
class FakeNode:
    """Fetches a task a second after it came, works *work_wall_s* on it, answers."""

    time: FakeTime
    uplink: NodeUplink
    work_wall_s: float = 1.0
    answering: Answering = answer
    fetched: list[Message] = field(default_factory=list)
    accepted: list[bool] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.uplink.on_task(lambda: self.time.at(self.time.wall_s + 1.0, self._fetch))

    def _fetch(self) -> None:
        message = self.uplink.fetch(self.time.wall_s)
        if message is not None:
            self.fetched.append(message)
            self.time.at(self.time.wall_s + self.work_wall_s, lambda: self._deliver(message))

    def _deliver(self, message: Message) -> None:
        self.accepted.append(at_once(self.uplink.deliver(self.time.wall_s, self.answering(message))))


class TwinRoad:
    """The way to the twin, as `PatientRoad` is to a real one."""

    def __init__(self, time: FakeTime, superlink: SuperLink) -> None:
        self._time = time
        self._superlink = superlink
        self._run = Run.create_empty(superlink.run_id)
        self._heads: list[Reply] = []
        self.before_push: Callable[[], object] = lambda: None
        self.gone: set[int] = set()
        """Nodes that the SuperLink does not take tasks for any more."""

    @property
    def run(self) -> Run:
        return self._run

    def set_run(self, run: Run) -> None:
        self._run = run

    def get_node_ids(self) -> Iterable[int]:
        return reversed(self._superlink.online(self._time.wall_s))

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        self.before_push()
        sent = list(messages)
        staying = [message for message in sent if message.metadata.dst_node_id not in self.gone]
        ids = self._superlink.push(staying, [Label(0, "?")] * len(staying), self._time.wall_s)
        self._superlink.ring(ids)
        given = iter(ids)
        return ["" if message.metadata.dst_node_id in self.gone else next(given) for message in sent]

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        wanted = list(message_ids)
        under_way = {head.task.task_id for head in self._heads}
        pulled = self._superlink.pull([task for task in wanted if task not in under_way], self._time.wall_s)
        self._heads += [found for found in pulled if isinstance(found, Reply)]
        whole = [head for head in self._heads if self._superlink.body_of(head, self._time.wall_s) is not None]
        self._heads = [head for head in self._heads if head not in whole]
        bare = [found for found in pulled if isinstance(found, Message)]
        return [*bare, *(head.message for head in whole if head.message is not None)]


@dataclass
class Telling:
    """What devices tell of themselves, in dicts that tests change."""

    nodes_of: dict[int, str] = field(default_factory=dict)
    ready_now: set[str] = field(default_factory=set)

    def ready(self) -> set[str]:
        return self.ready_now

    def nodes(self) -> Mapping[int, str]:
        return self.nodes_of

    def reports(self) -> Mapping[int, Telemetry]:
        return {}


class LiveFleet:
    """Some nodes, the road to them, and the events of what happened."""

    def __init__(self, devices: int, *, seed: int = 7, **node: Any) -> None:
        self.time = FakeTime()
        self.seed = seed
        self.superlink = SuperLink(seed, T0_UNIX, heartbeat_s=30.0)
        identify(self.superlink.run_id)
        self.names = [f"phone-{number}" for number in range(1, devices + 1)]
        self.nodes = {name: FakeNode(self.time, NodeUplink(self.superlink, name), **node) for name in self.names}
        for one in self.nodes.values():
            one.uplink.reachable(0.0)
        self.telling = Telling({node.uplink.node_id: name for name, node in self.nodes.items()}, set(self.names))
        self.road = TwinRoad(self.time, self.superlink)
        self.diary: list[Event] = []
        self.course = course_from([np.zeros((1, 3)), np.zeros(1)])
        self.grid: LiveGrid

    def events(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.diary if type(event) is kind]

    def host(self, app_of: Callable[["LiveFleet"], ServerApp], **habits: Any) -> None:
        """Call the app on a `LiveGrid`."""
        timetable = Timetable(habits.pop("first_round_s", 600.0), habits.pop("round_every_s", 6_000.0))
        ends_s = habits.pop("days_s", 20 * 86_400.0)
        settings: dict[str, Any] = {"seed": self.seed, "poll_s": 3.0, "selectable": "reachable", "needed": 2}
        own = Habits(**{**settings, "patience_s": 86_400.0, **habits})
        roll = Roll(self.telling, self.names, 10.0 * self.time.pace.speed)
        self.roll = roll
        self.grid = LiveGrid(self.road, roll, timetable, own, self.time, self.diary.append, ends_s)
        app_of(self)(self.grid, Context(self.superlink.run_id, 1, {}, RecordDict(), {}))

    def learn(self, strategy: str = "fedavg", *, rounds: int = 2, deadline_s: float = 3_600.0, **habits: Any) -> None:
        """Run our ServerApp with one of Flower's strategies."""
        cohort = Cohort(devices=len(self.names), **habits.pop("cohort", {}))
        options = habits.pop("options", {})
        plan = Plan(
            strategy=strategy, strategy_options=options, rounds=rounds, round_deadline_s=deadline_s, cohort=cohort
        )

        def app_of(fleet: "LiveFleet") -> ServerApp:
            witness = Witness(
                record=fleet.diary.append,
                now_s=fleet.time.now_s,
                round_closed=fleet.grid.round_closed,
                device_of=fleet.roll,
            )
            return server_app(plan, fleet.course, lambda _arrays: SCORE, witness)

        self.host(app_of, **habits)
