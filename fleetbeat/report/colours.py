"""Colours that stay apart for eyes that do not see all of them, each with a shape and a pattern of its own."""

from dataclasses import dataclass

from aggregator.accounting import OUTCOMES


@dataclass(frozen=True, slots=True)
class Sign:
    """How one outcome is drawn: fill, marker, and the hatching of its bars."""

    colour: str
    symbol: str
    pattern: str


# The eight colours of Okabe and Ito (2008), their black replaced by a brown and a grey that show on white and on black
SIGNS = dict(
    zip(
        OUTCOMES,
        (
            Sign("#009e73", "circle", ""),
            Sign("#e69f00", "square", "/"),
            Sign("#f0e442", "diamond", "."),
            Sign("#56b4e9", "triangle-up", "\\"),
            Sign("#d55e00", "x", "x"),
            Sign("#0072b2", "triangle-down", "-"),
            Sign("#cc79a7", "hourglass", "|"),
            Sign("#8a8f98", "cross", "+"),
            Sign("#8b4f2b", "star", "x"),
        ),
        strict=True,
    )
)
GLOBAL, CENTRAL, ALONE, MAJORITY = "#0072b2", "#d55e00", "#009e73", "#8a8f98"
