"""The end of a run in words and tables, read from its run folder."""

from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from aggregator.accounting import OUTCOMES
from fleetbeat.apps.metrics import ByRound, own_metrics
from fleetbeat.judge import nobody_judges
from fleetbeat.price import prices
from fleetbeat.saved_run import SavedRun

ROUND_COLUMNS = (
    ("balanced accuracy", "server_balanced_accuracy"),
    ("AUC", "server_auc"),
    ("majority", "majority_share"),
    ("accuracy", "server_accuracy"),
)
ROUNDS_SHOWN = 30
CLIENTS = "clients: on what each device keeps from training"
UNJUDGED = "no wearers outside the fleet to score the model on: set learning.test_persons"


def summary(run: SavedRun) -> RenderableType:
    """Return the rounds, the model, the account, the price, and where to go on."""
    parts: list[RenderableType] = [_rounds(run), _account(run), _price(run)]
    model = _model(run)
    if model is not None:
        parts.insert(1, model)
    parts.append(_closing(run))
    return Group(*(part for pair in ((part, Text("")) for part in parts) for part in pair))


def _rounds(run: SavedRun) -> Table:
    table = Table(
        title=f"Rounds of {run.fleet.name} ({run.fleet.subject})",
        title_justify="left",
        box=None,
        pad_edge=False,
        min_width=60,
    )
    for name in ("round", "selected", "delivered", "why not the others"):
        table.add_column(name, justify="left" if name.startswith("why") else "right", overflow="fold")
    own = own_scores(run)
    for name in own if own is not None else dict(ROUND_COLUMNS):
        table.add_column(name, justify="right")
    lines = run.table("rounds.csv")
    for line in lines[-ROUNDS_SHOWN:]:
        others = ", ".join(f"{line[o]} {o.replace('_', ' ')}" for o in OUTCOMES[1:] if line[o] != "0")
        table.add_row(
            line["round"],
            line["selected"],
            line["delivered"],
            others or "–",
            *(
                (figure(line[c]) for _, c in ROUND_COLUMNS)
                if own is None
                else (figure(values.get(int(line["round"]))) for values in own.values())
            ),
        )
    remarks = [f"the last {ROUNDS_SHOWN} of {len(lines)} rounds"] if len(lines) > ROUNDS_SHOWN else []
    if own is not None and run.fleet.app is None:
        remarks += [CLIENTS, UNJUDGED] if own else [UNJUDGED]
    if remarks:
        table.caption, table.caption_justify = "\n".join(remarks), "left"
    references = run.results.get("references") or {}
    for name, score in references.items():
        table.add_row(
            "", "", "", f"[dim]{name.replace('_', ' ')}[/dim]", *(figure(score.get(key)) for key in _SCORE_KEYS)
        )
    return table


def own_scores(run: SavedRun) -> Mapping[str, ByRound] | None:
    """Return what to show of a model that no strangers judge: a guest's own metrics, else what its clients say.

    None where strangers judge it.
    """
    if not nobody_judges(run.fleet):
        return None
    metrics = own_metrics(run.results)
    if run.fleet.app is None:
        return {name: values for name, values in metrics.items() if name.startswith("clients ")}
    return dict(list(metrics.items())[: len(ROUND_COLUMNS)])


_SCORE_KEYS = ("balanced_accuracy", "auc", "majority_share", "accuracy")


def _model(run: SavedRun) -> Table | None:
    words = run.results["final"].get("coefficients")
    if not words:
        return None
    table = Table(
        title="The model: old → new coefficients", title_justify="left", box=None, pad_edge=False, min_width=60
    )
    for name in ("feature", "first", "last"):
        table.add_column(name, justify="left" if name == "feature" else "right")
    for name, (first, last) in words.items():
        table.add_row(name, f"{first:+.3f}", f"→ {last:+.3f}")
    return table


def _account(run: SavedRun) -> Table:
    account = run.results["account"]
    table = Table(
        title="The account: every selected device-round, once",
        title_justify="left",
        box=None,
        pad_edge=False,
        min_width=60,
    )
    table.add_column("outcome")
    for phase in ("train", "evaluate"):
        table.add_column(phase, justify="right")
    for outcome in OUTCOMES:
        counts = [account[phase]["outcomes"][outcome] for phase in ("train", "evaluate")]
        if any(counts):
            table.add_row(outcome.replace("_", " "), *map(str, counts))
    table.add_row("[b]selected[/b]", *(f"[b]{account[phase]['selected']}[/b]" for phase in ("train", "evaluate")))
    return table


def _price(run: SavedRun) -> Table:
    """What learning cost a wearer a day: minutes of the battery's life, and megabytes."""
    table = Table(title="What learning cost", title_justify="left", box=None, pad_edge=False, min_width=60)
    for name in ("kind", "battery, minutes a day", "MB a day", "J in all", "of it wasted"):
        table.add_column(name, justify="left" if name == "kind" else "right")
    for price in prices(run):
        table.add_row(
            price.kind,
            f"{price.battery_min_a_day:.1f}",
            f"{price.mb_a_day:.2f}",
            f"{price.learning_j:.0f}",
            f"{price.wasted_j:.0f}",
        )
    days = run.results["virtual_s"] / 86_400
    table.caption = f"a day: of the {days:.1f} days lived; streaming of readings included"
    table.caption_justify = "left"
    return table


def _closing(run: SavedRun) -> Text:
    days = f"{run.results['virtual_s'] / 86_400:.1f} days"
    ended = {
        "cut_short": f"The run was cut short: {days} of life were told, and how it stood then",
        "running": f"{days} of life were told so far: the run goes on, or was killed",
    }.get(run.ended, f"Life ended after {days}: {run.ended.replace('_', ' ')}")
    labels = f"Labels: {run.fleet.learning.label_source}. " if run.fleet.app is None else ""
    return Text(
        f"{ended}. "
        f"{labels}One seed: an anecdote, see `fleetbeat study`.\n"
        f"Results: {run.path}   Report: {run.path / 'report.html'}\n"
        f"Ask why: fleetbeat why {run.path} DEVICE ROUND"
    )


def figure(value: object) -> str:
    """Return a share with three digits, a dash for what is not known."""
    return "–" if value in (None, "") else f"{float(str(value)):.3f}"
