"""The host: lets the devices of one process live together, and tells how they stand."""

import asyncio
from collections.abc import Sequence

from broker.errors import AccountBroken
from devices.anatomy import Look
from devices.assembly import Assembly, Parts
from devices.buffer import Buffer
from devices.figures import Figures, Report
from devices.lifelog import Lived
from devices.power import Power
from devices.residents import Device
from devices.settings import Fleet
from devices.surroundings import Surroundings


class Host:
    """All devices of a fleet (or a part of it) that live in this process."""

    def __init__(self, fleet: Fleet, residents: Sequence[Device], around: Surroundings) -> None:
        self._devices = Assembly(fleet, residents, around).devices()
        self._lasting = around.lasting
        self.agents = {name: parts.agent for name, parts in self._devices.items()}
        self.buffers: dict[str, Buffer] = {
            name: parts.intake.buffer for name, parts in self._devices.items() if parts.intake is not None
        }

    async def live(self, until_s: float) -> None:
        """Let everybody live until *until_s*, or until this is cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                for name, agent in self.agents.items():
                    group.create_task(agent.live(until_s), name=name)
        except BaseExceptionGroup as troubles:
            raise troubles.exceptions[0] from None  # one life's trouble ends all; the first says why

    async def finish(self, now_s: float) -> None:
        """End every life at *now_s*; afterwards the sums of readings must close.

        Live they need not: what is on its way to a broker that is gone is in no outbox any more, and in no buffer.
        """
        for agent in self.agents.values():
            await agent.settle(now_s)
        for agent in self.agents.values():
            await agent.finish(now_s)
        for name, report in self.reports().items():
            if not self._lasting and report.figures.readings_in_flight != report.waiting_readings:
                raise AccountBroken(
                    f"{name}: {report.figures.readings_in_flight} readings are in flight by the counters, "
                    f"but {report.waiting_readings} wait in its outbox"
                )

    def looks(self) -> list[Look]:
        """Return how every device stands at this moment."""
        return [agent.look() for agent in self.agents.values()]

    def reports(self) -> dict[str, Report]:
        """Return every device's figures as they stood when it last looked around."""
        return {name: _report(parts, parts.figures, parts.power) for name, parts in self._devices.items()}

    def reports_at(self, now_s: float) -> dict[str, Report]:
        """Return every device's figures as they stand at *now_s*."""
        return {name: _report(parts, *parts.agent.seen(now_s)[:2]) for name, parts in self._devices.items()}

    def open_intervals(self, now_s: float) -> list[Lived]:
        """Return the intervals of life that go on, as far as they have come."""
        lines = (agent.seen(now_s)[2] for agent in self.agents.values())
        return [line for line in lines if line is not None]


def _report(parts: Parts, figures: Figures, power: Power) -> Report:
    return Report(
        figures=figures,
        examples=parts.intake.examples if parts.intake is not None else None,
        life_j=power.life_j,
        training_j=power.spent_j("training"),
        radio_j=power.spent_j("transfer") + power.spent_j("near"),
        sensing_j=power.spent_j("sensing"),
        waiting_readings=parts.stream.depth if parts.stream is not None else 0,
    )
