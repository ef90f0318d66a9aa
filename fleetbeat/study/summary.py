"""The end of a study in words and one table, as a terminal shows it."""

from collections.abc import Iterable
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from fleetbeat.study.bootstrap import Estimate
from fleetbeat.study.cell import Cell
from fleetbeat.study.figures import ArmFigures
from fleetbeat.study.settings import Study
from fleetbeat.study.verdict import Verdict
from fleetbeat.study.wording import MARKS, line, percent, points

LOOKS = {
    "held up": "bold green",
    "did not hold up": "bold red",
    "cannot say": "bold yellow",
    "nothing to hold up": "bold magenta",
}
STATES = {"met": "green", "missed": "red", "undecided": "yellow"}
COLUMNS = ("arm", "verdict", "accuracy", "behind central", "over alone", "battery", "delivered", "reached")
INTERVALS = ("behind central", "over alone")
WIDTH = 100


def show(console: Console, study: Study, cells: Iterable[Cell], verdict: Verdict, folder: Path | None = None) -> None:
    """Print the verdict, its criteria, the arms, and where the page is, at most `WIDTH` columns wide."""
    seeds = verdict.figures[verdict.about].seeds or len({cell.seed for cell in cells})
    parts: list[RenderableType] = [
        Text(study.asks, style="dim"),
        Text.assemble((f"{verdict.verdict}. ", LOOKS[verdict.verdict]), verdict.sentence),
        _criteria(verdict),
        _arms(verdict, seeds),
    ]
    if verdict.chief.remarks:
        parts.append(Text("\n".join(f"Mind: {remark}." for remark in verdict.chief.remarks)))
    if folder is not None:
        parts.append(Text(f"Tables: {folder}   Page: {folder / 'report.html'}", overflow="fold"))
    shown = Group(*(part for pair in ((part, Text("")) for part in parts) for part in pair))
    console.print(shown, width=min(WIDTH, console.width))


def _criteria(verdict: Verdict) -> Table:
    table = Table.grid(padding=(0, 2))
    for criterion in verdict.chief.criteria:
        told = line(criterion)
        mark = Text(MARKS[told.state], style=STATES[told.state])
        found = f"[b]{escape(told.found)}[/b]" + (f" ({escape(told.between)})" if told.between else "")
        table.add_row(
            mark, f"{told.title}\n[dim]{told.asked}[/dim]", found + (f"\n{escape(told.remark)}" if told.remark else "")
        )
    return table


def _arms(verdict: Verdict, seeds: int) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), title_justify="left", caption_justify="left")
    table.title = f"Arms over {seeds} seed{'' if seeds == 1 else 's'}, the same days for all"
    table.caption = (
        "accuracy: balanced, on strangers, else on own nights; behind, over: points of it [95 % interval]; battery: of "
        "its day, the kind that gives most; reached: seeds that came within the allowed gap of central"
    )
    for name in COLUMNS:
        words = name in ("arm", "verdict")
        table.add_column(name, justify="left" if words else "right", overflow="fold", no_wrap=name in INTERVALS)
    for arm, figures in verdict.figures.items():
        known = verdict.arms.get(arm)
        word = Text(known.verdict, style=LOOKS[known.verdict].removeprefix("bold ")) if known else Text("–", "dim")
        if figures.crashed:
            word.append(f" ({len(figures.crashed)} crashed)")
        table.add_row(Text(arm, style="bold" if arm == verdict.about else ""), word, *map(Text, _cells(figures)))
    return table


def _cells(figures: ArmFigures) -> Iterable[str]:
    reached, kind = figures.to_target, figures.worst_kind
    strangers, own = figures.balanced_accuracy, figures.own_balanced_accuracy
    delivered = figures.outcomes.get("delivered")
    yield f"{strangers.value:.3f}" if strangers else f"own {own.value:.3f}" if own else "–"
    yield _interval(figures.gap_to_central)
    yield _interval(figures.gain_over_local)
    yield "–" if kind is None else percent(figures.kinds[kind].battery_day_share.value)
    yield "–" if delivered is None else f"{delivered.value:.0%}"
    yield "–" if reached is None else f"{reached.reached}/{reached.seeds}"


def _interval(known: Estimate | None) -> str:
    if known is None:
        return "–"
    if known.low is None or known.high is None:
        return points(known.value)
    return f"{points(known.value)} [{points(known.low)}, {points(known.high)}]"
