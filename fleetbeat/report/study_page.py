"""The page of a study: the verdict in ten seconds, the plots behind it, all figures below."""

from collections.abc import Callable, Iterable

from fleetbeat.report import study_plots as plots
from fleetbeat.report.html import details, paragraph, spoken, table
from fleetbeat.report.page import Section, page
from fleetbeat.report.pair_plots import forest
from fleetbeat.report.plot import DAY_S, Plot
from fleetbeat.report.scoreboard import scoreboard
from fleetbeat.study.bootstrap import Estimate
from fleetbeat.study.cell import Cell
from fleetbeat.study.comparison import Comparison
from fleetbeat.study.figures import ArmFigures
from fleetbeat.study.settings import Study
from fleetbeat.study.verdict import Verdict
from fleetbeat.study.wording import MARKS, limit_of, line, percent, points

REFERENCES_SAY = {
    "fleet": "the fleet as it is",
    "ideal": "the same wearers, every device always on: the demo's world",
    "no-training": "the same days without learning: what the batteries would have been",
    "central": "one model of all data that ever reached a buffer, pooled: the bound",
    "local-only": "each device alone",
    "personalised": "the global model, then fine-tuned on each device",
}


def study_page(study: Study, cells: Iterable[Cell], verdict: Verdict) -> str:
    """Return one self-contained HTML document; the same cells give the same bytes."""
    cells = list(cells)
    comparison = Comparison(cells)
    seeds = len({cell.seed for cell in cells})
    counted = "one seed: an anecdote" if seeds == 1 else f"{seeds} seeds, the same days for every arm"
    sections = (
        Section("time", "How close, how soon", _time(study, comparison, verdict)),
        Section("selections", "What became of selections", _selections(verdict)),
        Section("price", "What it costs, and whom it serves", _price(study, comparison, verdict)),
        Section("pairs", "Every arm against every reference", _pairs(study, verdict)),
        Section("arms", "The arms in figures", _arms(study, verdict)),
    )
    closing = (
        f"Fleetbeat study {study.name}; {counted}. Intervals are 95 % bootstrap intervals over seeds and wearers; "
        "docs/verdict.md defines every figure. All is simulated: an interval tells what other seeds of the same model "
        "of life would give, not what the world would."
    )
    over = f"Fleetbeat · study {study.name} · fleet {study.fleet} · {counted}"
    return page(over, study.asks, scoreboard(verdict), sections, closing)


def _time(study: Study, comparison: Comparison, verdict: Verdict) -> str:
    words = paragraph(
        "How far each arm's model is behind one trained on all data, judged on wearers outside the fleet, as the days "
        "go by."
    )
    rows = []
    for arm, figures in verdict.figures.items():
        reached = figures.to_target
        if reached is None:
            continue
        if reached.median_s is None:
            when = "never, in most seeds" if reached.reached else "never"
        else:
            last = "never" if reached.high_s is None else _days(reached.high_s)
            first = "never" if reached.low_s is None else _days(reached.low_s)
            when = f"{_days(reached.median_s)} ({first} to {last})"
        rounds = "–" if reached.median_rounds is None else f"{reached.median_rounds:.0f}"
        rows.append((arm, f"{reached.reached} of {reached.seeds}", when, rounds))
    plot = plots.gap_over_time(study, comparison, verdict)
    if plot is None and not rows:
        return words + paragraph("Nobody outside the fleet was judged after each round: there is no such curve.")
    columns = ("arm", "seeds that came within the gap", "days until then, median (95 %)", "rounds")
    caption = "Time to target; a seed that never came there counts as later than all others"
    return words + (plot.html() if plot else "") + table(caption, columns, rows)


def _selections(verdict: Verdict) -> str:
    words = paragraph("Every device-round that a server selected for training, by how it ended; all seeds together.")
    return words + _drawn(plots.outcome_bars(verdict), "No arm selected anybody.")


def _price(study: Study, comparison: Comparison, verdict: Verdict) -> str:
    drawn = [plots.price_against_worth(study, verdict), plots.fairness(comparison, verdict)]
    pictures = "".join(plot.html() for plot in drawn if plot)
    rows = [
        (
            *(arm, kind, f"{cost.devices}", _shown(cost.battery_min_a_day, "{:.1f}".format)),
            *(_shown(cost.battery_day_share, percent), _shown(cost.mb_a_month, "{:.1f}".format)),
        )
        for arm, figures in verdict.figures.items()
        if arm != "no-training"
        for kind, cost in figures.kinds.items()
    ]
    columns = ("arm", "kind", "devices", "battery, minutes a day", "share of a battery day", "MB a month")
    costs = table(
        "What learning takes from one device; the readings it streams anyway are not in it", columns, rows, words=(0, 1)
    )
    return (f'<div class="side">{pictures}</div>' if pictures else paragraph("No arm lived.")) + costs


def _pairs(study: Study, verdict: Verdict) -> str:
    words = paragraph(
        "How much better each arm's answers are, in points of balanced accuracy, on the same seeds, days and wearers. "
        "An interval that misses 0 is a difference. Orange, dashed: the study's threshold; to its right is good."
    )
    pictures = "".join(plot.html() for plot in forest(study, verdict))
    rows = [
        (pair.arm, pair.reference, spoken(pair.metric), *_ends(pair.metric, pair.difference), pair.difference.seeds)
        for pair in verdict.pairs
    ]
    columns = ("arm", "reference", "metric", "difference", "from", "to", "seeds")
    all_pairs = table("Arm less reference, with the 95 % interval", columns, rows, words=(0, 1, 2))
    return words + f'<div class="side">{pictures}</div>' + details(f"All {len(rows)} pairs in figures", all_pairs)


def _arms(study: Study, verdict: Verdict) -> str:
    says = REFERENCES_SAY | {arm.name: arm.says for arm in study.arm if arm.says}
    judged = [
        (
            arm,
            verdict.arms[arm].verdict if arm in verdict.arms else "reference",
            *_states(arm, verdict),
            says.get(arm, ""),
        )
        for arm in verdict.figures
    ]
    limits = [f"{_SHORT[one.name]} ({limit_of(one)})" for one in verdict.chief.criteria]
    columns = ("arm", "verdict", *limits, "what it is")
    verdicts = table("Each arm's own verdict", columns, judged, words=(0, 1), prose=(len(columns) - 1,))
    named = list(verdict.figures)
    rows = [
        (name, *(show(verdict.figures[arm]) for arm in named))
        for name, show in FIGURES
        if any(show(verdict.figures[arm]) != "–" for arm in named)
    ]
    figures = table("All figures, mean over seeds with 95 % interval", ("figure", *named), rows)
    why = "".join(paragraph(f"{arm}: {one.sentence}", "note") for arm, one in verdict.arms.items())
    return verdicts + details("Why, arm by arm", why) + "<h3>Figures</h3>" + figures


_SHORT = {
    "central_above_chance": "central above guessing",
    "gap_to_central": "behind central",
    "gain_over_local": "over alone",
    "battery_day_share": "battery day",
}


def _states(arm: str, verdict: Verdict) -> Iterable[str]:
    if arm not in verdict.arms:
        return ("–",) * 4
    return (f"{MARKS[one.state]} {line(one).found}" for one in verdict.arms[arm].criteria)


def _figure(name: str, show: Callable[[float], str]) -> Callable[[ArmFigures], str]:
    return lambda figures: _shown(getattr(figures, name), show)


FIGURES: tuple[tuple[str, Callable[[ArmFigures], str]], ...] = (
    ("seeds", lambda figures: f"{figures.seeds}" + (f" (+{len(figures.crashed)} crashed)" if figures.crashed else "")),
    ("balanced accuracy, strangers", _figure("balanced_accuracy", "{:.3f}".format)),
    ("balanced accuracy, own nights", _figure("own_balanced_accuracy", "{:.3f}".format)),
    ("AUC", _figure("auc", "{:.3f}".format)),
    ("points behind central", _figure("gap_to_central", points)),
    ("points over each device alone", _figure("gain_over_local", points)),
    ("rounds that changed the model", _figure("aggregated_rounds", "{:.1f}".format)),
    ("days lived", _figure("virtual_s", lambda value: f"{value / DAY_S:.1f}")),
    ("energy for learning, J", _figure("learning_j", "{:,.0f}".format)),
    ("J per point above guessing", _figure("energy_per_point_j", "{:,.0f}".format)),
    ("wasted share of it", _figure("wasted_share", percent)),
    ("Gini of participation", _figure("gini", "{:.2f}".format)),
    ("accuracy, devices never heard", _figure("unheard_accuracy", "{:.3f}".format)),
    ("accuracy, the others", _figure("heard_accuracy", "{:.3f}".format)),
    ("battery deaths by learning, device-days", _figure("lost_days", "{:.1f}".format)),
)


def _shown(known: Estimate | None, show: Callable[[float], str]) -> str:
    if known is None:
        return "–"
    if known.low is None or known.high is None:
        return show(known.value)
    return f"{show(known.value)} ({show(known.low)} to {show(known.high)})"


def _ends(metric: str, known: Estimate) -> Iterable[str]:
    show = "{:+.4f}".format if metric.endswith("accuracy") or metric == "auc" else "{:+,.1f}".format
    return ("–" if end is None else show(end) for end in (known.value, known.low, known.high))


def _drawn(plot: Plot | None, otherwise: str) -> str:
    return plot.html() if plot else paragraph(otherwise)


def _days(t_s: float) -> str:
    return f"{t_s / DAY_S:.1f}"
