"""The lives of a fleet's wearers: their bodies, what happens to their devices, what is measured, and their nights."""

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from devices import ideal
from devices.annals import Annals
from devices.body import CHANNELS, Body, RecordedBody, Recordings, SyntheticBody, read_recordings
from devices.body.day import DAY_S
from devices.body.synthetic import KEPT_BLOCKS
from devices.buffer import Examples
from devices.circumstances import Circumstances, sessions_in, worn_in
from devices.foresight import PAST, Foresight, blind
from devices.habits import Habits
from devices.kinds import Kind
from devices.learning.diary import Diary, diary_for
from devices.learning.history import Sessions, Worn, always, nights_of
from devices.learning.task import TASKS
from devices.life_file import read_life_file
from devices.recorded_life import RecordedLife
from devices.residents import Device
from devices.settings import Fleet

AS_RECORDED = 0.0
"""The rhythm of a sensor whose readings come when they were recorded."""


class Lives:
    """What seed and fleet file say of everybody, whatever the server does."""

    def __init__(
        self,
        fleet: Fleet,
        residents: Sequence[Device],
        annals: Annals | None = None,
        foresight: Foresight = blind,
        blocks: int = KEPT_BLOCKS,
    ) -> None:
        """*annals*, if any, tell what other runs of the same seed and start have told before, *foresight* what comes.

        Without annals bodies remember their signals for so many *blocks* of a day.
        """
        self._fleet = fleet
        self._annals = annals
        self._foresight = foresight
        self._blocks = blocks
        self._residents = {resident.name: resident for resident in residents}
        self._bodies: dict[str, Body] = {}
        self._recordings: dict[Path, Recordings] = {}
        self._habits: dict[str, Habits] = {}

    def body(self, resident: Device) -> Body:
        """Return the body of the wearer of *resident*."""
        body = self._bodies.get(resident.wearer)
        if body is None:
            annals, under = self._annals, (resident.recording, resident.traits)
            body = (
                annals.bodies(resident.wearer, under, lambda: self._born(resident, annals.blocks))
                if annals is not None
                else self._born(resident, self._blocks)
            )
            self._bodies[resident.wearer] = body
        return body

    def _born(self, resident: Device, blocks: int) -> Body:
        fleet = self._fleet
        if resident.recording is None:
            return SyntheticBody(fleet.seed, resident.wearer, fleet.start, resident.traits, blocks, self._foresight)
        folder, person = resident.recording
        recordings = self._recordings.setdefault(folder, read_recordings(folder))
        return RecordedBody(recordings, person, fleet.start)

    def of(self, resident: Device, from_s: float, to_s: float) -> Iterable[Circumstances]:
        """Return what happens to *resident*, as intervals that tile [from_s, to_s).

        A life file tells of the fleet's days; before and after them it goes as habits would have it.
        """
        if self._annals is None:
            return self._days(resident, from_s, to_s)
        under = (resident, self._hub(resident), self._fleet.ideal, self._fleet.life, self._fleet.days)
        return self._annals.days((resident.name, from_s, to_s), under, lambda: [*self._days(resident, from_s, to_s)])

    def _days(self, resident: Device, from_s: float, to_s: float) -> Iterator[Circumstances]:
        fleet, body = self._fleet, self.body(resident)
        if fleet.ideal:
            return ideal.untroubled(from_s, to_s)
        if fleet.life is not None and from_s >= 0 and to_s <= fleet.days * DAY_S:
            return read_life_file(fleet.life).of(resident.name, from_s, to_s)
        if isinstance(body, RecordedBody):
            return RecordedLife(body).lives(from_s, to_s)
        return self._made_habits(resident).lives(from_s, to_s)

    def day(self, resident: Device, day: int) -> list[Circumstances] | None:
        """Return a whole *day* of life as the habits of *resident* have it; None if they have no say in it."""
        fleet = self._fleet
        if fleet.ideal or fleet.life is not None or isinstance(self.body(resident), RecordedBody):
            return None
        habits = self._habits.get(resident.name)
        if habits is None:
            habits = self._habits[resident.name] = self._made_habits(resident)
        return habits.day(day, day * DAY_S, (day + 1) * DAY_S)

    def _made_habits(self, me: Device) -> Habits:
        fleet, body, hub = self._fleet, self.body(me), self._hub(me)
        return Habits(fleet.seed, me.name, me.kind, hub, me.wearer, body, fleet.start, me.traits, self._foresight)

    def _hub(self, resident: Device) -> Kind | None:
        """Return the kind of the device that *resident* streams to by radio, if there is one."""
        trainer = self._residents.get(resident.trainer or "")
        return trainer.kind if trainer is not None and trainer.name != resident.name else None

    def senses(self, resident: Device) -> dict[str, float]:
        """Return the channels that this device measures, and how often (0: as recorded)."""
        if isinstance(self.body(resident), RecordedBody):
            first = next(r.name for r in self._residents.values() if r.wearer == resident.wearer and r.kind.senses)
            return dict.fromkeys(CHANNELS, AS_RECORDED) if resident.name == first else {}
        return dict(resident.kind.senses) if resident.trainer is not None else {}

    def senses_in_session(self, resident: Device) -> dict[str, float]:
        """Return the channels that this device measures more often during sport, and how often then."""
        return {} if isinstance(self.body(resident), RecordedBody) else dict(resident.kind.senses_in_session)

    def diary(self, trainer: Device) -> Diary | None:
        """Return the diary of the wearer of *trainer*, if labels come from it."""
        learning = self._fleet.learning
        return diary_for(learning.label_source, TASKS[learning.task], self._fleet.seed, trainer.wearer)

    def past(self, trainer: Device) -> Sequence[tuple[int, Examples]]:
        """Return the nights before t_s = 0 that *trainer* knows: as many as the fleet says, or as were recorded."""
        told: Sequence[tuple[int, Examples]] | None = self._foresight(PAST, trainer.name, 0)
        if told is not None:
            return told
        recorded = isinstance(self.body(trainer), RecordedBody)
        reach_s = math.inf if recorded else self._fleet.learning.history_nights * DAY_S
        return self.nights(trainer, -reach_s, 0.0, self.diary(trainer))

    def nights(
        self, trainer: Device, from_s: float, to_s: float, diary: Diary | None = None
    ) -> Sequence[tuple[int, Examples]]:
        """Return index and examples of the nights that become known in [from_s, to_s), as *trainer* would hold them.

        Of the same life: only what its wearer's devices were worn for. (A recording tells itself when it was not.)
        """
        sources = [one for one in self._residents.values() if one.trainer == trainer.name and self.senses(one)]
        if self._annals is None:
            return self._taught(trainer, sources, from_s, to_s, diary)
        fleet, learning = self._fleet, self._fleet.learning
        hubs = [self._hub(source) for source in sources]
        told_by = None if diary is None else learning.label_source
        under = (trainer, sources, hubs, fleet.ideal, fleet.life, fleet.days, learning.task, learning.epochs, told_by)
        return self._annals.nights(
            (trainer.name, from_s, to_s), under, lambda: self._taught(trainer, sources, from_s, to_s, diary)
        )

    def _taught(
        self, trainer: Device, sources: Sequence[Device], from_s: float, to_s: float, diary: Diary | None
    ) -> list[tuple[int, Examples]]:
        senses = {channel: every_s for one in sources for channel, every_s in self.senses(one).items()}
        if not senses or from_s >= to_s:
            return []
        body, learning = self.body(trainer), self._fleet.learning
        worn: Worn = always
        sessions: list[Sessions] = []
        if not isinstance(body, RecordedBody):
            lives = [list(self._days(one, from_s - DAY_S, to_s)) for one in sources]
            worn = worn_in(lives)
            rhythms = [self.senses_in_session(one) for one in sources]
            sessions = [(rhythm, sessions_in(own)) for rhythm, own in zip(rhythms, lives, strict=True) if rhythm]
        task = TASKS[learning.task]
        return nights_of(
            body, senses, task, from_s, to_s, epochs=learning.epochs, diary=diary, worn=worn, sessions=sessions
        )
