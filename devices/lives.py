"""The lives of a fleet's wearers: their bodies, what happens to their devices, what is measured, and their nights."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from devices import ideal
from devices.body import CHANNELS, Body, RecordedBody, Recordings, SyntheticBody, read_recordings
from devices.body.day import DAY_S
from devices.buffer import Examples
from devices.circumstances import Circumstances, sessions_in, worn_in
from devices.habits import Habits
from devices.learning.diary import Diary
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

    def __init__(self, fleet: Fleet, residents: Sequence[Device]) -> None:
        self._fleet = fleet
        self._residents = {resident.name: resident for resident in residents}
        self._bodies: dict[str, Body] = {}
        self._recordings: dict[Path, Recordings] = {}

    def body(self, resident: Device) -> Body:
        """Return the body of the wearer of *resident*."""
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

    def of(self, resident: Device, from_s: float, to_s: float) -> Iterator[Circumstances]:
        """Yield what happens to *resident*, as intervals that tile [from_s, to_s).

        A life file tells of the fleet's days; before and after them it goes as habits would have it.
        """
        fleet, body = self._fleet, self.body(resident)
        if fleet.ideal:
            return ideal.untroubled(from_s, to_s)
        if fleet.life is not None and from_s >= 0 and to_s <= fleet.days * DAY_S:
            return read_life_file(fleet.life).of(resident.name, from_s, to_s)
        if isinstance(body, RecordedBody):
            return RecordedLife(body).lives(from_s, to_s)
        trainer = self._residents.get(resident.trainer or "")
        hub = trainer.kind if trainer is not None and trainer.name != resident.name else None
        me = resident
        habits = Habits(fleet.seed, me.name, me.kind, hub, me.wearer, body, fleet.start, me.traits)
        return habits.lives(from_s, to_s)

    def senses(self, resident: Device) -> dict[str, float]:
        """Return the channels that this device measures, and how often (0: as recorded)."""
        if isinstance(self.body(resident), RecordedBody):
            first = next(r.name for r in self._residents.values() if r.wearer == resident.wearer and r.kind.senses)
            return dict.fromkeys(CHANNELS, AS_RECORDED) if resident.name == first else {}
        return dict(resident.kind.senses) if resident.trainer is not None else {}

    def senses_in_session(self, resident: Device) -> dict[str, float]:
        """Return the channels that this device measures more often during sport, and how often then."""
        return {} if isinstance(self.body(resident), RecordedBody) else dict(resident.kind.senses_in_session)

    def nights(
        self, trainer: Device, from_s: float, to_s: float, diary: Diary | None = None
    ) -> list[tuple[int, Examples]]:
        """Return index and examples of the nights that become known in [from_s, to_s), as *trainer* would hold them.

        Of the same life: only what its wearer's devices were worn for. (A recording tells itself when it was not.)
        """
        sources = [one for one in self._residents.values() if one.trainer == trainer.name and self.senses(one)]
        senses = {channel: every_s for one in sources for channel, every_s in self.senses(one).items()}
        if not senses or from_s >= to_s:
            return []
        body, learning = self.body(trainer), self._fleet.learning
        worn: Worn = always
        sessions: list[Sessions] = []
        if not isinstance(body, RecordedBody):
            lives = [list(self.of(one, from_s - DAY_S, to_s)) for one in sources]
            worn = worn_in(lives)
            rhythms = [self.senses_in_session(one) for one in sources]
            sessions = [(rhythm, sessions_in(own)) for rhythm, own in zip(rhythms, lives, strict=True) if rhythm]
        task = TASKS[learning.task]
        return nights_of(
            body, senses, task, from_s, to_s, epochs=learning.epochs, diary=diary, worn=worn, sessions=sessions
        )
