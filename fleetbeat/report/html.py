"""Words and tables as HTML, everything from outside escaped."""

from collections.abc import Iterable, Sequence
from html import escape
from re import compile as pattern

from fleetbeat.summary import figure

_BACKTICKS = pattern("`([^`]+)`")


def paragraph(text: str, kind: str = "") -> str:
    """Return one paragraph; *kind* is its CSS class, and what stands between backticks is code."""
    coded = _BACKTICKS.sub(r"<code>\1</code>", escape(text))
    return f"<p{_class(kind)}>{coded}</p>"


def table(
    caption: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    words: Sequence[int] = (0,),
    prose: Sequence[int] = (),
    total: Sequence[object] | None = None,
) -> str:
    """Return a table whose first column names the row; those numbered in *words* are short text, in *prose* long.

    All others are numbers.
    """
    kinds = ["prose" if i in prose else "word" if i in words else "" for i in range(len(columns))]
    head = "".join(
        f'<th scope="col"{_class(kind)}>{escape(name)}</th>' for name, kind in zip(columns, kinds, strict=True)
    )
    body = "".join(f"<tr>{_cells(row, kinds)}</tr>" for row in rows)
    foot = f"<tfoot><tr>{_cells(total, kinds)}</tr></tfoot>" if total is not None else ""
    # a box that scrolls must be reachable by keyboard, and have a name
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f"<table><caption>{escape(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>{foot}</table></div>"
    )


def tiles(facts: Iterable[tuple[str, str, str]]) -> str:
    """Return big figures side by side: name, figure, what it means."""
    parts = (
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}<small>{escape(meaning)}</small></dd></div>"
        for name, value, meaning in facts
    )
    return f'<dl class="tiles">{"".join(parts)}</dl>'


def details(summary: str, content: str) -> str:
    """Return something that a reader opens when they want it."""
    return f"<details><summary>{escape(summary)}</summary>{content}</details>"


def share(value: object) -> str:
    """Return a score or share with three digits, a dash for what is not known."""
    return figure(value)


def count(number: float, one: str, many: str | None = None) -> str:
    """Return a number with its noun."""
    return f"{number:,.0f} {one if round(number) == 1 else many or one + 's'}"


def listed(parts: Sequence[str]) -> str:
    """Return an enumeration as one says it."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""


def spoken(word: str) -> str:
    """Return a word of a table as one says it: ``lost_power`` is lost power."""
    return word.replace("_", " ")


def _cells(row: Sequence[object], kinds: Sequence[str]) -> str:
    first, *others = (escape(str(cell)) for cell in row)
    cells = "".join(f"<td{_class(kind)}>{cell}</td>" for cell, kind in zip(others, kinds[1:], strict=True))
    return f'<th scope="row">{first}</th>{cells}'


def _class(name: str) -> str:
    return f' class="{name}"' if name else ""
