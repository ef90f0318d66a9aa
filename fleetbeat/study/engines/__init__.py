"""Engines: where the seeds of a study are lived. Each takes seeds and tells, cell by cell, what became of them."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from devices.settings import Fleet


@dataclass(frozen=True, slots=True)
class Task:
    """One seed of a study: all that a process, here or elsewhere, needs to live what is missing of it."""

    fleets: Mapping[str, Fleet]
    seed: int
    study: Path
    """The folder of the study."""


@dataclass(frozen=True, slots=True)
class Began:
    """Work on a cell began."""

    arm: str
    seed: int


@dataclass(frozen=True, slots=True)
class Ended:
    """A cell is on disk, after so many seconds of work on it."""

    arm: str
    seed: int
    wall_s: float


@dataclass(frozen=True, slots=True)
class Lost:
    """Whoever worked on a seed is gone, and why; what it had written is on disk."""

    seed: int
    why: str


News = Began | Ended | Lost


class Engine(Protocol):
    """A place to live seeds in."""

    def live(self, tasks: Sequence[Task]) -> Generator[News, None, None]:
        """Live *tasks*, as many at once as there is room for; whoever stops listening ends all of it at once.

        Raises RunFolderError if the study's folder cannot be written.
        """
        ...
