"""The scoreboard: the verdict of a study and its criteria, each with its interval beside the threshold."""

from html import escape

from fleetbeat.study.bootstrap import Estimate
from fleetbeat.study.criteria import Criterion
from fleetbeat.study.verdict import Verdict
from fleetbeat.study.wording import MARKS, limit_of, line

STAMPS = {"held up": "met", "did not hold up": "missed", "cannot say": "undecided", "nothing to hold up": "nothing"}
BETTER_ABOVE = ("central_above_chance", "gain_over_local")
_WIDTH, _HEIGHT = 240, 36


def scoreboard(verdict: Verdict) -> str:
    """Return the stamp, the sentence and a card for every criterion, as HTML."""
    cards = "".join(map(_card, verdict.chief.criteria))
    remarks = "".join(f"<li>{escape(remark)}</li>" for remark in verdict.chief.remarks)
    return (
        f'<p class="stamp {STAMPS[verdict.verdict]}">{escape(verdict.verdict)}</p>'
        f'<p class="sentence">{escape(verdict.sentence)}</p>'
        f'<ul class="score">{cards}</ul>' + (f'<ul class="note">{remarks}</ul>' if remarks else "")
    )


def _card(criterion: Criterion) -> str:
    told = line(criterion)
    remark = f'<p class="note">{escape(told.remark)}</p>' if told.remark else ""
    between = f"<small>{escape(told.between)}</small>" if told.between else ""
    return (
        f'<li class="{told.state}"><h3><span class="mark" aria-hidden="true">{MARKS[told.state]}</span>'
        f"{escape(told.title)}<span class=state>: {told.state}</span></h3>"
        f'<p class="asked">{escape(told.asked)}</p><p class="found">{escape(told.found)}{between}</p>'
        f"{_gauge(criterion)}{remark}</li>"
    )


def _gauge(criterion: Criterion) -> str:
    """Return the interval as a bar on a scale on which the good side of the threshold is shaded."""
    known = criterion.estimate
    if known is None:
        return ""
    left, right = _scale(known, criterion.threshold)

    def place(value: float) -> float:
        return round(_WIDTH * (value - left) / (right - left), 1)

    at, middle = place(criterion.threshold), _HEIGHT / 2 - 7
    good = (at, _WIDTH - at) if criterion.name in BETTER_ABOVE else (0, at)
    bar = ""
    if known.low is not None and known.high is not None:
        low, high = place(known.low), place(known.high)
        bar = f'<rect class="bar" x="{low}" y="{middle - 3}" width="{max(high - low, 2):.1f}" height="6" rx="3"/>'
    # the word stays inside the picture
    anchor = "start" if at < _WIDTH / 4 else "end" if at > 3 * _WIDTH / 4 else "middle"
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(_said(criterion))}">'
        f'<rect class="scale" x="0" y="{middle - 7}" width="{_WIDTH}" height="14" rx="3"/>'
        f'<rect class="good" x="{good[0]}" y="{middle - 7}" width="{max(good[1], 0):.1f}" height="14" rx="3"/>{bar}'
        f'<circle cx="{place(known.value)}" cy="{middle}" r="5"/>'
        f'<line x1="{at}" x2="{at}" y1="{middle - 10}" y2="{middle + 10}"/>'
        f'<text x="{at}" y="{_HEIGHT - 2}" text-anchor="{anchor}">{escape(limit_of(criterion))}</text></svg>'
    )


def _scale(known: Estimate, threshold: float) -> tuple[float, float]:
    ends = [known.value, threshold, 0.0, *(end for end in (known.low, known.high) if end is not None)]
    room = 0.12 * (max(ends) - min(ends) or 0.1)
    return min(ends) - room, max(ends) + room


def _said(criterion: Criterion) -> str:
    told = line(criterion)
    return f"{told.title}: {told.found} ({told.between}); asked: {told.asked}; {told.state}"
