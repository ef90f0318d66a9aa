"""What one sees while a study goes on: how many cells are done, how long the rest may take, how each ended."""

import sys
import time
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from fleetbeat.study.cell import Cell


class Watch:
    """Shows a study on stderr, and never in the way of what is printed on stdout."""

    def __init__(self, arms: Sequence[str], seeds: Sequence[int], done: Iterable[Cell], *, quiet: bool) -> None:
        """Watch the cells of *arms* and *seeds*, of which those *done* are there."""
        self._total = len(arms) * len(seeds)
        self._left = {(arm, seed) for arm in arms for seed in seeds} - {(cell.arm, cell.seed) for cell in done}
        self._took_s: dict[str, list[float]] = {}
        self._began_s = time.perf_counter()
        self._worked_s = 0.0
        self._at: dict[int, str] = {}
        self._console = Console(file=sys.stderr, quiet=quiet)
        self._progress = Progress(
            SpinnerColumn(),
            MofNCompleteColumn(),
            BarColumn(bar_width=24),
            TextColumn("{task.description}"),
            console=self._console,
            transient=True,
            disable=quiet or not self._console.is_terminal,
        )
        self._bar = self._progress.add_task("", total=self._total, completed=self._done)

    def __enter__(self) -> "Watch":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def say(self, words: str) -> None:
        """Print one line."""
        self._console.print(words, highlight=False, soft_wrap=True)

    def began(self, arm: str, seed: int) -> None:
        """Somebody works at a cell."""
        self._at[seed] = arm
        self._show()

    def ended(self, cell: Cell, wall_s: float) -> None:
        """One line for a cell that is on disk: how it ended, and how long the rest may take."""
        self._left.discard((cell.arm, cell.seed))
        self._took_s.setdefault(cell.arm, []).append(wall_s)
        self._worked_s += wall_s
        self._at.pop(cell.seed, None)
        self._progress.update(self._bar, completed=self._done)
        so_far = f"[dim]{self._done:>{len(str(self._total))}} of {self._total}[/dim]"
        self.say(f"{so_far}  seed {cell.seed}  {cell.arm}: {_told(cell)} [dim]· {wall_s:.0f} s{self._rest()}[/dim]")
        self._show()

    def lost(self, seed: int, why: str) -> None:
        """Whoever worked on *seed* is gone."""
        self._at.pop(seed, None)
        self.say(f"[red]seed {seed}: {escape(why)}[/red]")

    @property
    def _done(self) -> int:
        return self._total - len(self._left)

    def _show(self) -> None:
        at = ", ".join(f"{arm} (seed {seed})" for seed, arm in sorted(self._at.items())[:4])
        self._progress.update(self._bar, description=f"{at}{self._rest()}")

    def _rest(self) -> str:
        """Return an estimate of the rest: what the missing cells will take, as fast as it has gone so far."""
        if not self._took_s:
            return ""
        known = {arm: sum(took) / len(took) for arm, took in self._took_s.items()}
        usual_s = sum(known.values()) / len(known)
        work_s = sum(known.get(arm, usual_s) for arm, _ in self._left)
        at_once = max(self._worked_s / max(time.perf_counter() - self._began_s, 1e-9), 0.1)
        rest_s = work_s / at_once
        return "" if rest_s < 1 else f" · {duration(rest_s)} left"


def duration(seconds: float) -> str:
    """Return *seconds* as one says it."""
    return f"about {seconds:.0f} s" if seconds < 90 else f"about {seconds / 60:.0f} min"


def _told(cell: Cell) -> str:
    if cell.error is not None:
        return f"[red]crashed: {escape(cell.error)}[/red]"
    if cell.shares is not None:
        return f"the same fleet as {cell.shares}, and so the same run"
    parts = []
    if cell.lived is not None and cell.lived.rounds:
        parts.append(f"{cell.lived.outcomes['delivered']} of {cell.lived.selected} delivered")
    for yardstick, judged in (("strangers", cell.strangers), ("own nights", cell.own)):
        accuracy = judged.figures["balanced_accuracy"] if judged is not None else None
        if accuracy is not None:
            parts.append(f"{accuracy:.3f} on {yardstick}")
    if not parts and cell.lived is not None:
        flat = sum(map(len, cell.lived.deaths.values()))
        parts.append(f"batteries flat on {flat} device-days")
    return " · ".join(parts) or "done"
