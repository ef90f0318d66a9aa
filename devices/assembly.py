"""The assembly: puts devices together, each from its kind, its wearer's body and what it finds around it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from functools import cached_property

from broker.link import Link
from devices import ideal, script
from devices.agent import Agent
from devices.anatomy import Anatomy
from devices.body import Body
from devices.body.day import DAY_S
from devices.buffer import Buffer
from devices.bulletin import Bulletin
from devices.duty import Duty
from devices.figures import Figures
from devices.hardware.battery import Battery
from devices.intake import Intake
from devices.learning.task import TASKS
from devices.lifelog import LifeLog
from devices.lives import Lives
from devices.memoir import Memoir
from devices.near import Near
from devices.power import Power
from devices.randomness import stream
from devices.reception import reception, steady
from devices.residents import Device
from devices.settings import Fleet
from devices.stream import Address, Stream
from devices.surroundings import Surroundings
from devices.voice import Voice
from devices.work import Tools

JOULES_PER_WH = 3_600.0
FULL_AT_START = (0.5, 0.95)
"""Batteries start somewhere between half and nearly full (assumed; a day later habits have taken over)."""


INTAKE_EVERY_S = 7_200.0
"""In virtual time nobody misses readings before morning: the rarer they are put away, the cheaper. Live they are put
away at every sync: what only lies in memory is lost with the process, and the outbox sends again the last few only."""


@dataclass(frozen=True)
class Parts:
    """One device and those of its parts that others ask about."""

    agent: Agent
    power: Power
    figures: Figures
    stream: Stream | None
    intake: Intake | None


class Assembly:
    """Builds the devices of a fleet that live in this process."""

    def __init__(self, fleet: Fleet, residents: Sequence[Device], around: Surroundings) -> None:
        self._fleet = ideal.prompt(fleet) if fleet.ideal else fleet
        self._around = around
        self._residents = {resident.name: ideal.equipped(fleet, resident) for resident in residents}
        self._lives = Lives(self._fleet, [*self._residents.values()], around.annals, around.foresight)
        self._figures = {name: Figures() for name in self._residents}

    def devices(self) -> dict[str, Parts]:
        """Return all of them by name, each beside its hub."""
        built = {name: self._built(resident) for name, resident in self._residents.items()}
        for name, resident in self._residents.items():
            if resident.trainer is not None and resident.trainer != name:
                hub = built[resident.trainer]
                built[name].agent.follow(hub.agent)
                near = built[name].agent.near
                near.hub_power, near.taker = hub.power, hub.agent.near
        return built

    @cached_property
    def _t0_unix(self) -> float:
        return self._fleet.start.replace(tzinfo=UTC).timestamp()

    def _built(self, resident: Device) -> Parts:
        """Put one device together."""
        fleet, around, kind, name = self._fleet, self._around, resident.kind, resident.name
        rng = stream(fleet.seed, name, "device")
        fullness, sync_phase_s, poll_phase_s = rng.random(3).tolist()
        low, high = FULL_AT_START
        capacity_j = kind.capacity_wh * JOULES_PER_WH
        power = Power(kind, Battery(capacity_j, capacity_j * (low + (high - low) * fullness)))
        link = around.wire.link(name)
        body, figures = self._lives.body(resident), self._figures[name]
        memoir = Memoir(name, around.store.notes(name), power, figures, around.record) if around.lasting else None
        voice = Voice(fleet.name, name, link, around.record)
        stream_ = self._stream(resident, body, link) if self._lives.senses(resident) else None
        intake = self._intake(resident, body, link) if kind.trains else None
        agent: Agent

        def ring() -> None:
            agent.ring()

        near = Near(name, kind, link, voice, power, stream_, intake, around.record, ring, around.hub_retry_s)
        duty = None
        if intake is not None:
            uplink = around.uplink_of(name)
            uplink.on_task(ring)
            record = memoir.record if memoir is not None else around.record
            receives = steady if fleet.ideal else reception(fleet.seed, resident.wearer, resident.traits)
            tools = Tools(name, kind, power, figures, uplink, around.app, record, ring, receives)
            duty = Duty(tools, fleet.learning, intake, poll_phase_s * fleet.learning.poll_s)
        anatomy = Anatomy(
            name=name,
            kind=kind,
            power=power,
            figures=figures,
            lifelog=LifeLog(name, memoir.keeping(around.lived) if memoir is not None else around.lived),
            near=near,
            bulletin=Bulletin(voice, kind.low_at, stream_, intake, duty),
            record=around.record,
            sync_phase_s=round(sync_phase_s * kind.sync_every_s, 3),
            intake_every_s=0.0 if around.lasting else INTAKE_EVERY_S,
            min_examples=fleet.learning.min_examples,
            stream=stream_,
            intake=intake,
            duty=duty,
            memoir=memoir,
        )
        member = resident.member
        own = [e for e in fleet.event if e.device == name and member.from_s <= e.at_s < member.to_s]
        lives = script.Overlaid(member.lived(self._lives.of(resident, 0.0, fleet.days * DAY_S)), own)
        agent = Agent(anatomy, lives, member.commanded(script.commands(own)))
        return Parts(agent, power, figures, stream_, intake)

    def _stream(self, resident: Device, body: Body, link: Link) -> Stream:
        around = self._around
        address = Address(self._fleet.name, resident.name, resident.trainer or resident.name, self._t0_unix)
        outbox, figures = (
            around.store.outbox(resident.name, resident.kind.outbox_readings),
            self._figures[resident.name],
        )
        tally = outbox.tally()
        figures.readings_sensed, figures.readings_dropped = tally.sensed, tally.dropped
        figures.readings_sent = tally.sent
        return Stream(
            address=address,
            near=resident.kind.near,
            senses=self._lives.senses(resident),
            body=body,
            link=link,
            outbox=outbox,
            figures=figures,
            record=around.record,
            seal=around.seals.sealing(resident) if around.seals is not None else None,
            senses_in_session=self._lives.senses_in_session(resident),
            lasting=around.lasting,
        )

    def _intake(self, resident: Device, body: Body, link: Link) -> Intake:
        fleet, around, name = self._fleet, self._around, resident.name
        task = TASKS[fleet.learning.task]
        sources = [r for r in self._residents.values() if r.trainer == name]
        buffer = around.store.buffer(name, resident.kind.buffer_readings)
        for source in sources:
            self._figures[source.name].readings_buffered = buffer.taken(source.name)
        self._remember(buffer, resident)
        return Intake(
            device=name,
            fleet=fleet.name,
            t0_unix=self._t0_unix,
            link=link,
            buffer=buffer,
            sources={source.name: self._figures[source.name] for source in sources},
            record=around.record,
            body=body,
            task=task,
            epochs=fleet.learning.epochs,
            diary=self._lives.diary(resident),
            unsealer=around.seals.opening(resident) if around.seals is not None else None,
        )

    def _remember(self, buffer: Buffer, trainer: Device) -> None:
        """Put the nights before t_s = 0 into the buffer: of the same life, so only what was worn."""
        known = {night.index for night in buffer.nights()}  # by an earlier process
        for index, examples in self._lives.past(trainer):
            if index not in known:
                buffer.keep_night(index, examples, fresh=False)
