"""One seed, in whichever process: live what is missing of it and tell each cell."""

import time
from collections.abc import Callable

from fleetbeat.study.cell import Cell
from fleetbeat.study.engines import Began, Ended, News, Task
from fleetbeat.study.same_days import Onlooker, SameDays


def live(task: Task, tell: Callable[[News], None]) -> None:
    """Live *task*; raises RunFolderError if its folder cannot be written."""
    since = [time.perf_counter()]

    def began(arm: str) -> None:
        since[0] = time.perf_counter()
        tell(Began(arm, task.seed))

    def ended(cell: Cell) -> None:
        tell(Ended(cell.arm, task.seed, time.perf_counter() - since[0]))

    SameDays(task.fleets, task.seed, task.study, Onlooker(began, ended)).live()
