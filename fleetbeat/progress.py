"""What one sees while a run goes on: the virtual date, the round, who delivered, who did not and why."""

import math
import sys
from datetime import datetime, timedelta

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

from aggregator.accounting import Account
from broker import events as ev
from devices.settings import Fleet

NAMES_SHOWN = 3


class Watcher:
    """Shows a run on the terminal, on stderr, and never in the way of what is printed on stdout."""

    def __init__(self, fleet: Fleet, *, quiet: bool) -> None:
        """Follow a run of *fleet*; *quiet*: show nothing."""
        self._start, self._until_s = fleet.start, fleet.days * 86_400.0
        self._of = f" of {fleet.learning.rounds}" if fleet.app is None else ""
        self._console = Console(file=sys.stderr, quiet=quiet)
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.fields[date]}"),
            BarColumn(bar_width=24),
            TextColumn("{task.description}"),
            console=self._console,
            transient=True,
            disable=quiet or not self._console.is_terminal,
        )
        self._bar = self._progress.add_task("the fleet lives", total=self._until_s, date="")

    def __enter__(self) -> "Watcher":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def say(self, words: str) -> None:
        """Print one line."""
        self._console.print(words, highlight=False, soft_wrap=True)

    def moment(self, t_s: float) -> None:
        """Life has come to *t_s*."""
        date = (self._start + timedelta(seconds=t_s)).strftime("%a %d %b %H:%M")
        self._progress.update(self._bar, completed=t_s, date=date)

    def round_ended(self, event: ev.RoundEnded, account: Account) -> None:
        """One line for the round: who delivered, who did not and why, how good the model is now."""
        self._progress.update(self._bar, description=f"round {event.round}{self._of} done")
        self.say(told(self._start, event, account))


def told(start: datetime, event: ev.RoundEnded, account: Account) -> str:
    """Return the line for a round that has ended: when, who delivered, who did not and why, how good the model is."""
    date = (start + timedelta(seconds=event.t_s)).strftime("%a %H:%M")
    return f"[dim]{date}[/dim]  round {event.round}: {described(account, event.round)}"


def described(account: Account, round_: int) -> str:
    """Return a round in words: deliveries, failures with their reasons and devices, the model's score."""
    trails = [trail for trail in account.trails() if trail.round == round_ and trail.phase == "train"]
    delivered = [trail.device for trail in trails if trail.outcome == "delivered"]
    causes: dict[tuple[str, str], list[str]] = {}
    for trail in trails:
        if trail.outcome != "delivered":
            causes.setdefault((trail.outcome or "under way", trail.reason), []).append(trail.device)
    parts = [f"{len(delivered)} of {len(trails)} delivered"]
    for (outcome, reason), devices in sorted(causes.items(), key=lambda item: (-len(item[1]), item[0])):
        who = ", ".join(devices[:NAMES_SHOWN]) + (
            f" and {len(devices) - NAMES_SHOWN} more" if len(devices) > NAMES_SHOWN else ""
        )
        parts.append(f"{who} {outcome.replace('_', ' ')}" + (f" ({reason.replace('_', ' ')})" if reason else ""))
    score = account.rounds[round_].score
    if score is not None and not math.isnan(score.balanced_accuracy):
        parts.append(f"balanced accuracy {score.balanced_accuracy:.3f}, AUC {_or_dash(score.auc)}")
    return " · ".join(parts)


def _or_dash(figure: float) -> str:
    return "–" if math.isnan(figure) else f"{figure:.3f}"
