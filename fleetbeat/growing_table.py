"""A table that grows while life goes on: what was put into words once is not put into words again."""

from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

from fleetbeat.run_folder import row

T = TypeVar("T")


class GrowingTable(Generic[T]):
    """Keeps the rows of the things at the beginning of a sequence, as long as they are the very same things."""

    def __init__(self, lines_of: Callable[[Iterable[T]], Iterable[Sequence[object]]]) -> None:
        """*lines_of* tells things as the cells of a table, a line each."""
        self._lines_of = lines_of
        self._things: Sequence[T] = ()
        self._rows: list[str] = []

    def rows(self, things: Sequence[T]) -> list[str]:
        """Return a row of CSV for each of *things*."""
        pairs = enumerate(zip(self._things, things, strict=False))
        shorter = min(len(self._things), len(things))
        same = next((number for number, (before, now) in pairs if before is not now), shorter)
        self._rows[same:] = map(row, self._lines_of(things[same:]))
        self._things = [*things]
        return self._rows
