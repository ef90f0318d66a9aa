"""The host: builds the device agents of one process and lets them live together."""

import asyncio
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC
from functools import cached_property
from pathlib import Path

from broker import events as ev
from broker.errors import AccountBroken
from broker.link import Link, Wire
from devices import ideal, script
from devices.agent import Agent, Anatomy
from devices.body import CHANNELS, Body, RecordedBody, Recordings, SyntheticBody, read_recordings
from devices.body.day import DAY_S
from devices.buffer import MemoryBuffer
from devices.bulletin import Bulletin
from devices.circumstances import Circumstances, worn_in
from devices.duty import Duty
from devices.figures import Figures, Report
from devices.habits import Habits
from devices.hardware.battery import Battery
from devices.intake import Intake
from devices.learning.diary import Diary, diary_for
from devices.learning.history import Worn, always, nights_of
from devices.learning.task import TASKS, Task
from devices.life_file import read_life_file
from devices.lifelog import LifeLog, Lived
from devices.near import Near
from devices.power import Power
from devices.randomness import stream
from devices.recorded_life import RecordedLife
from devices.residents import Device
from devices.settings import Fleet
from devices.stream import Address, Stream
from devices.uplink import App, Uplink
from devices.voice import Voice
from devices.work import Tools

AS_RECORDED = 0.0
"""The rhythm of a sensor whose readings come when they were recorded."""

JOULES_PER_WH = 3_600.0
FULL_AT_START = (0.5, 0.95)
"""Batteries start somewhere between half and nearly full (assumed; a day later habits have taken over)."""


class Host:
    """All devices of a fleet (or a part of it) that live in this process."""

    def __init__(
        self,
        fleet: Fleet,
        residents: Sequence[Device],
        wire: Wire,
        uplink_of: Callable[[str], Uplink],
        app: App,
        record: ev.Record,
    ) -> None:
        self._fleet = ideal.prompt(fleet) if fleet.ideal else fleet
        self._wire = wire
        self._uplink_of = uplink_of
        self._app = app
        self._record = record
        self._residents = {resident.name: self._equipped(resident) for resident in residents}
        self._bodies: dict[str, Body] = {}
        self._recordings: dict[Path, Recordings] = {}
        self._figures = {name: Figures() for name in self._residents}
        self._power: dict[str, Power] = {}
        self._streams: dict[str, Stream | None] = {}
        self._intakes: dict[str, Intake] = {}
        self.buffers: dict[str, MemoryBuffer] = {}
        self.lived: list[Lived] = []
        self.agents = {name: self._agent(resident) for name, resident in self._residents.items()}
        for name, resident in self._residents.items():
            if resident.trainer is not None and resident.trainer != name:
                hub = self.agents[resident.trainer]
                self.agents[name].follow(hub)
                self.agents[name].near.hub_power = self._power[resident.trainer]

    async def live(self, until_s: float) -> None:
        """Let everybody live until *until_s*, or until this is cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                for name, agent in self.agents.items():
                    group.create_task(agent.live(until_s), name=name)
        except BaseExceptionGroup as troubles:
            raise troubles.exceptions[0] from None  # one life's trouble ends all; the first says why

    async def finish(self, now_s: float) -> None:
        """End every life at *now_s*; afterwards the sums of readings must close."""
        for agent in self.agents.values():
            await agent.settle(now_s)
        for agent in self.agents.values():
            await agent.finish(now_s)
        for name, report in self.reports().items():
            if report.figures.readings_in_flight != report.waiting_readings:
                raise AccountBroken(
                    f"{name}: {report.figures.readings_in_flight} readings are in flight by the counters, "
                    f"but {report.waiting_readings} wait in its outbox"
                )

    def reports(self) -> dict[str, Report]:
        """Return every device's figures as they stand."""
        reports = {}
        for name, power in self._power.items():
            intake, stream_ = self._intakes.get(name), self._streams.get(name)
            reports[name] = Report(
                figures=self._figures[name],
                examples=intake.examples if intake is not None else None,
                life_j=power.life_j,
                training_j=power.spent_j("training"),
                radio_j=power.spent_j("transfer") + power.spent_j("near"),
                sensing_j=power.spent_j("sensing"),
                waiting_readings=stream_.depth if stream_ is not None else 0,
            )
        return reports

    def buffer_reference(self, device: str) -> str:
        """Return the reference under which a training device's buffer is opened."""
        return f"memory:{self._fleet.name}/{device}"

    @cached_property
    def _t0_unix(self) -> float:
        return self._fleet.start.replace(tzinfo=UTC).timestamp()

    def _equipped(self, resident: Device) -> Device:
        return replace(resident, kind=ideal.ideal(resident.kind)) if self._fleet.ideal else resident

    def _body(self, resident: Device) -> Body:
        body = self._bodies.get(resident.wearer)
        if body is None:
            if resident.recording is not None:
                folder, person = resident.recording
                recordings = self._recordings.setdefault(folder, read_recordings(folder))
                body = RecordedBody(recordings, person, self._fleet.start)
            else:
                body = SyntheticBody(self._fleet.seed, resident.wearer, self._fleet.start, resident.traits)
            self._bodies[resident.wearer] = body
        return body

    def _lives(self, resident: Device, body: Body, from_s: float, to_s: float) -> Iterator[Circumstances]:
        if self._fleet.ideal:
            return ideal.untroubled(from_s, to_s)
        if self._fleet.life is not None and from_s >= 0:
            return read_life_file(self._fleet.life).of(resident.name, from_s, to_s)
        if isinstance(body, RecordedBody):
            return RecordedLife(body).lives(from_s, to_s)
        trainer = self._residents.get(resident.trainer or "")
        hub = trainer.kind if trainer is not None and trainer.name != resident.name else None
        me, fleet = resident, self._fleet
        habits = Habits(fleet.seed, me.name, me.kind, hub, me.wearer, body, fleet.start, me.traits)
        return habits.lives(from_s, to_s)

    def _agent(self, resident: Device) -> Agent:
        """Put one device together."""
        fleet, kind, name = self._fleet, resident.kind, resident.name
        rng = stream(fleet.seed, name, "device")
        fullness, sync_phase_s, poll_phase_s = rng.random(3).tolist()
        low, high = FULL_AT_START
        capacity_j = kind.capacity_wh * JOULES_PER_WH
        power = self._power[name] = Power(kind, Battery(capacity_j, capacity_j * (low + (high - low) * fullness)))
        link = self._wire.link(name)
        body, figures = self._body(resident), self._figures[name]
        voice = Voice(fleet.name, name, link, self._record)
        stream_ = self._streams[name] = self._stream(resident, body, link) if self._senses(resident, body) else None
        intake = self._intake(resident, body, link) if kind.trains else None
        near = Near(kind, link, voice, power, stream_, intake)
        agent: Agent
        duty = None
        if intake is not None:
            uplink = self._uplink_of(name)
            uplink.on_task(lambda: agent.ring())
            tools = Tools(
                name, kind, power, figures, uplink, self._app, self._record, loads_changed=lambda: agent.ring()
            )
            duty = Duty(tools, fleet.learning, intake, poll_phase_s * fleet.learning.poll_s)
        anatomy = Anatomy(
            name=name,
            kind=kind,
            power=power,
            figures=figures,
            lifelog=LifeLog(name, self.lived),
            near=near,
            bulletin=Bulletin(voice, kind.low_at, stream_, intake, duty),
            record=self._record,
            sync_phase_s=round(sync_phase_s * kind.sync_every_s, 3),
            min_examples=fleet.learning.min_examples,
            stream=stream_,
            intake=intake,
            duty=duty,
        )
        own = [event for event in fleet.event if event.device == name]
        lives = resident.member.lived(script.overlaid(self._lives(resident, body, 0.0, fleet.days * DAY_S), own))
        agent = Agent(anatomy, lives, resident.member.commanded(script.commands(own)))
        return agent

    def _senses(self, resident: Device, body: Body) -> dict[str, float]:
        """Return the channels that this device measures, and how often (0: as recorded)."""
        if isinstance(body, RecordedBody):
            first = next(r.name for r in self._residents.values() if r.wearer == resident.wearer and r.kind.senses)
            return dict.fromkeys(CHANNELS, AS_RECORDED) if resident.name == first else {}
        return dict(resident.kind.senses) if resident.trainer is not None else {}

    def _stream(self, resident: Device, body: Body, link: Link) -> Stream:
        address = Address(self._fleet.name, resident.name, resident.trainer or resident.name, self._t0_unix)
        senses = self._senses(resident, body)
        return Stream(address, resident.kind, senses, body, link, self._figures[resident.name], self._record)

    def _intake(self, resident: Device, body: Body, link: Link) -> Intake:
        fleet, name = self._fleet, resident.name
        task = TASKS[fleet.learning.task]
        sources = [r for r in self._residents.values() if r.trainer == name]
        buffer = self.buffers[name] = MemoryBuffer(self.buffer_reference(name), resident.kind.buffer_readings)
        diary = diary_for(fleet.learning.label_source, task, fleet.seed, resident.wearer)
        self._remember(buffer, sources, body, task, diary)
        intake = self._intakes[name] = Intake(
            device=name,
            fleet=fleet.name,
            t0_unix=self._t0_unix,
            link=link,
            buffer=buffer,
            sources={source.name: self._figures[source.name] for source in sources},
            record=self._record,
            body=body,
            task=task,
            epochs=fleet.learning.epochs,
            diary=diary,
        )
        return intake

    def _remember(
        self, buffer: MemoryBuffer, sources: Sequence[Device], body: Body, task: Task, diary: Diary | None
    ) -> None:
        """Put the nights before t_s = 0 into the buffer: of the same life, so only what was worn."""
        nights = self._fleet.learning.history_nights
        reach_s = nights * DAY_S if not isinstance(body, RecordedBody) else math.inf
        senses = {channel: every_s for source in sources for channel, every_s in self._senses(source, body).items()}
        if not senses or not reach_s:
            return
        worn: Worn = always
        if math.isfinite(reach_s):
            from_s = -reach_s - DAY_S
            worn = worn_in([list(self._lives(s, body, from_s, 0.0)) for s in sources if self._senses(s, body)])
        for index, examples in nights_of(
            body, senses, task, -reach_s, 0.0, epochs=self._fleet.learning.epochs, diary=diary, worn=worn
        ):
            buffer.keep_night(index, examples, fresh=False)
