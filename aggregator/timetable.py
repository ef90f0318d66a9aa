"""The timetable: when a round may start, for strategies that know no calendar."""

from dataclasses import dataclass


@dataclass
class Timetable:
    """Rounds start at *first_s*, then *every_s* after the last start, at the earliest. Moments are seconds of life."""

    first_s: float
    every_s: float
    round: int = 0
    """The round that is open, or was last."""
    running: bool = False
    _started_s: float = 0.0

    @property
    def due_s(self) -> float:
        """When the next round may start."""
        return self.first_s if self.round == 0 else self._started_s + self.every_s

    @property
    def started_s(self) -> float:
        """When that round began."""
        return self._started_s

    def resume(self, round_: int, started_s: float, *, running: bool) -> None:
        """Go on where another server was."""
        self.round, self._started_s, self.running = round_, started_s, running

    def start(self, now_s: float) -> None:
        """A round begins."""
        self.round += 1
        self.running = True
        self._started_s = now_s

    def close(self) -> None:
        """The round is over."""
        self.running = False
