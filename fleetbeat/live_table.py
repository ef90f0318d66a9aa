"""The live table: how every device stands at this moment, and what became of its last task."""

import sys
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from aggregator.accounting import Account
from devices.anatomy import Look

LINES_SHOWN = 24
"""More devices than fit on a screen are counted by their state instead."""


class Screen:
    """The terminal of a live run, on stderr: lines that stay, and below them a table that changes."""

    def __init__(self, *, quiet: bool) -> None:
        self._console = Console(file=sys.stderr, quiet=quiet)
        self._shows = self._console.is_terminal and not quiet
        self._live: Live | None = None

    def __enter__(self) -> "Screen":
        return self

    def __exit__(self, *_: object) -> None:
        self.hide()

    def say(self, words: str) -> None:
        """Print one line."""
        self._console.print(words, highlight=False, soft_wrap=True)

    def show(self, table: "LiveTable") -> None:
        """Show *table*, and how it changes, where this is a terminal."""
        if self._shows:
            self._live = Live(table, console=self._console, refresh_per_second=2, transient=True)
            self._live.start()

    def hide(self) -> None:
        """Show no table any more."""
        if self._live is not None:
            self._live.stop()
            self._live = None


class LiveTable:
    """Made anew whenever the terminal asks for it."""

    def __init__(
        self,
        start: datetime,
        now_s: Callable[[], float],
        looks: Callable[[], list[Look]],
        account: Callable[[], Account],
    ) -> None:
        """*looks* tells how the devices stand, *account* what became of the tasks so far."""
        self._start = start
        self._now_s = now_s
        self._looks = looks
        self._account = account

    def __rich__(self) -> RenderableType:
        looks, account = self._looks(), self._account()
        return Group(self._headline(account), _devices(looks, _last_outcomes(account)))

    def _headline(self, account: Account) -> Text:
        date = (self._start + timedelta(seconds=max(0.0, self._now_s()))).strftime("%a %d %b %H:%M")
        done = [line for line in account.rounds.values() if line.t_end_s is not None]
        scored = [line.score for line in done if line.score is not None]
        words = f"{date}   {len(done)} round{'' if len(done) == 1 else 's'} done"
        if scored:
            words += f"   balanced accuracy {scored[-1].balanced_accuracy:.3f}"
        return Text(words, style="bold")


def _devices(looks: list[Look], outcomes: Mapping[str, str]) -> Table:
    table = Table(box=None, pad_edge=False)
    if len(looks) > LINES_SHOWN:
        table.add_column("state")
        table.add_column("devices", justify="right")
        for state in sorted({look.state for look in looks}):
            table.add_row(state or "off", str(sum(look.state == state for look in looks)))
        return table
    for name in ("device", "$state", "battery", "near", "far", "buffer", "outbox", "last outcome"):
        table.add_column(name, justify="right" if name in ("battery", "buffer", "outbox") else "left")
    for look in looks:
        battery = f"{100 * look.battery:.0f} %" + (" ⚡" if look.charging else "")
        table.add_row(
            look.device,
            look.state or "off",
            battery,
            "up" if look.near_link else "down",
            look.far_link,
            _count(look.buffer),
            _count(look.outbox),
            "training" if look.busy else outcomes.get(look.device, "–"),
        )
    return table


def _count(readings: int | None) -> str:
    return "–" if readings is None else f"{readings:,}"


def _last_outcomes(account: Account) -> dict[str, str]:
    last: dict[str, str] = {}
    for trail in list(account.trails()):
        if trail.phase == "train" and trail.outcome:
            reason = f" ({trail.reason.replace('_', ' ')})" if trail.reason else ""
            last[trail.device] = f"round {trail.round}: {trail.outcome.replace('_', ' ')}{reason}"
    return last
