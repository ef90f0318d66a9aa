"""The verdict in plain words, every number from its criteria."""

from dataclasses import dataclass

from fleetbeat.study.bootstrap import Estimate
from fleetbeat.study.criteria import Criterion

TITLES = {
    "central_above_chance": "There is something to learn",
    "gap_to_central": "As good as one model of all data",
    "gain_over_local": "Better than each device alone",
    "battery_day_share": "Leaves the battery its day",
}
MARKS = {"met": "✓", "missed": "✗", "undecided": "?"}


@dataclass(frozen=True, slots=True)
class Line:
    """A criterion as it is shown: what is asked, what was found, between what and what."""

    title: str
    asked: str
    found: str
    between: str
    state: str
    remark: str


def line(criterion: Criterion) -> Line:
    """Return *criterion* in words."""
    known = criterion.estimate
    if known is None:
        found, between = "not known", ""
    else:
        found, between = _found(criterion, known), _between(criterion, known)
    return Line(TITLES[criterion.name], asked(criterion), found, between, criterion.state, remark(criterion))


def asked(criterion: Criterion) -> str:
    """Return what the threshold asks for."""
    limit = limit_of(criterion)
    return {
        "central_above_chance": f"one model of all data at least {limit} above guessing",
        "gap_to_central": f"at most {limit} behind it",
        "gain_over_local": f"more than {limit} better, on nights of their own",
        "battery_day_share": f"no kind of device gives more than {limit} of a battery day",
    }[criterion.name]


def remark(criterion: Criterion) -> str:
    """Return why *criterion* is undecided, and what would decide it."""
    if criterion.state != "undecided":
        return ""
    if criterion.why:
        return criterion.why
    return f"the interval crosses the threshold; {_would_tell(criterion)}"


def more_seeds(number: int) -> str:
    """Return an estimated number of seeds, in two digits."""
    rough = int(float(f"{number:.2g}"))
    return f"about {rough:,} more seed{'' if rough == 1 else 's'}"


def sentence(name: str, verdict: str, criteria: tuple[Criterion, ...], remarks: tuple[str, ...]) -> str:
    """Return the one sentence of a verdict about the arm called *name*; it tells the figure that decided."""
    by_state = {state: [one for one in criteria if one.state == state] for state in MARKS}
    if verdict == "nothing to hold up":
        gate = criteria[0]
        most = f"at most {points(gate.estimate.high)}" if gate.estimate and gate.estimate.high is not None else ""
        return (
            f"There is nothing to hold up: even one model trained on everybody's data is only {_value(gate)} points of "
            f"balanced accuracy better than guessing ({most}; {limit_of(gate)} asked for)."
        )
    if verdict == "did not hold up":
        first, *others = by_state["missed"]
        also = "".join(f", and {_clause(one)} ({_bound(one)})" for one in others)
        return f"Learning did not hold up with {name}: {_clause(first)} ({_bound(first)}){also}."
    if verdict == "cannot say":
        return f"It cannot be said whether learning holds up with {name}: {_doubt(by_state['undecided'], remarks)}."
    gap, gain, battery = criteria[1:]
    return (
        f"Learning held up with {name}: {_clause(gap)} ({_bound(gap)}), {_value(gain)} points more often right than "
        f"each device alone, and it takes {_percent_of(battery)} of a {battery.about}'s battery day."
    )


def points(share: float) -> str:
    """Return a figure as points of a hundred, one digit."""
    text = f"{100 * share:.1f}".replace("-", "−")
    return "0.0" if text == "−0.0" else text


def percent(share: float) -> str:
    """Return a figure in percent, one digit."""
    return f"{points(share)} %"


def limit_of(criterion: Criterion) -> str:
    """Return a threshold as the study file's author would say it, with its unit."""
    number = f"{100 * criterion.threshold:.4g}"
    if criterion.name == "battery_day_share":
        return f"{number} %"
    return f"{number} point{'' if number == '1' else 's'}"


def _found(criterion: Criterion, known: Estimate) -> str:
    if criterion.name == "battery_day_share":
        return f"{criterion.about} {percent(known.value)}"
    word = {"central_above_chance": "above", "gap_to_central": "behind", "gain_over_local": "better"}[criterion.name]
    if known.value < 0:
        word = {"above": "below", "behind": "ahead", "better": "worse"}[word]
    return f"{points(abs(known.value))} points {word}"


def _between(criterion: Criterion, known: Estimate) -> str:
    ends = _ends(criterion, known)
    over = "over wearers only" if known.seeds == 1 else f"{known.seeds} seeds"
    return f"95 %: {ends}, {over}" if ends else "no interval"


def _ends(criterion: Criterion, known: Estimate) -> str:
    """Return the interval as the words beside it count: of *ahead* and *worse*, what is below 0 is above it."""
    told = known.turned() if known.value < 0 else known
    if told.low is None or told.high is None:
        return ""
    show = percent if criterion.name == "battery_day_share" else points
    return f"{show(told.low)} to {show(told.high)}"


def _clause(criterion: Criterion) -> str:
    if criterion.estimate is None:
        return "a figure is missing"
    value = criterion.estimate.value
    if criterion.name == "gap_to_central":
        rarer = "less" if value >= 0 else "more"
        return f"its model is {points(abs(value))} points {rarer} often right than one trained on everybody's data"
    if criterion.name == "gain_over_local":
        rarer = "more" if value >= 0 else "less"
        return f"its model is {points(abs(value))} points {rarer} often right than each device that learns alone"
    if criterion.name == "battery_day_share":
        return f"it takes {percent(value)} of a {criterion.about}'s battery day"
    better = "better" if value >= 0 else "worse"
    return f"one model of everybody's data is {points(abs(value))} points {better} than guessing"


def _bound(criterion: Criterion) -> str:
    """Return the end of the interval that decided, beside what was allowed or asked for."""
    known, limit = criterion.estimate, limit_of(criterion)
    if known is None or known.low is None or known.high is None:
        return "without an interval"
    met = criterion.state == "met"
    if criterion.name == "battery_day_share":
        return f"at {'most' if met else 'least'} {percent(known.high if met else known.low)}; {limit} allowed"
    return f"balanced accuracy, {_ends(criterion, known)}; {_wanted(criterion)}"


def _wanted(criterion: Criterion) -> str:
    limit = limit_of(criterion)
    return {
        "central_above_chance": f"{limit} asked for",
        "gap_to_central": f"{limit} behind allowed",
        "gain_over_local": f"more than {limit} better asked for",
        "battery_day_share": f"{limit} allowed",
    }[criterion.name]


def _doubt(undecided: list[Criterion], remarks: tuple[str, ...]) -> str:
    if not undecided:
        return remarks[0] if remarks else "figures are missing"
    # what takes most seeds keeps the verdict open longest; what no seeds decide, longest of all
    first = max(undecided, key=lambda one: one.further_seeds if one.further_seeds is not None else 1 << 60)
    known = first.estimate
    if first.why or known is None or known.low is None or known.high is None:
        return first.why
    return (
        f"{_clause(first)}, but that may be anything from {_ends(first, known)} ({_wanted(first)}); "
        f"{_would_tell(first)}"
    )


def _would_tell(undecided: Criterion) -> str:
    """Return what would take the threshold out of the interval."""
    if (more := undecided.further_seeds) is not None:
        return f"{more_seeds(more)} would tell"
    if undecided.estimate is not None and undecided.estimate.wants_persons(undecided.threshold):
        return "it takes more persons to tell, as every seed judges the same ones"
    return "the figure lies on the threshold: more seeds may never tell"


def _value(criterion: Criterion) -> str:
    return "?" if criterion.estimate is None else points(criterion.estimate.value)


def _percent_of(criterion: Criterion) -> str:
    known = criterion.estimate
    if known is None or known.high is None:
        return "an unknown share"
    return f"{percent(known.value)} (at most {percent(known.high)})"
