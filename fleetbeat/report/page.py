"""The page: one self-contained HTML document that needs no network, dark or light as its reader likes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files

from plotly.offline import get_plotlyjs

from fleetbeat.report.html import paragraph


@dataclass(frozen=True)
class Section:
    """One part of a page; *content* is HTML."""

    name: str
    title: str
    content: str


def page(over: str, title: str, lead: str, sections: Sequence[Section], closing: str) -> str:
    """Return the document: a line over the title, the *lead* (HTML), the sections, a last word."""
    here = files("fleetbeat.report")
    style, script = (here.joinpath(name).read_text("utf-8") for name in ("page.css", "page.js"))
    contents = "".join(f'<li><a href="#{part.name}">{escape(part.title)}</a></li>' for part in sections)
    body = "\n".join(
        f'<section id="{part.name}" aria-labelledby="{part.name}-title">'
        f'<h2 id="{part.name}-title">{escape(part.title)}</h2>{part.content}</section>'
        for part in sections
    )
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(over)}: {escape(title)}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f'<link rel="icon" href="data:,"><style>{style}</style></head>\n'
        f'<body><a class="skip" href="#content">To the content</a>\n<header><p class="over">{escape(over)}</p>'
        f'<h1>{escape(title)}</h1><div class="lead">{lead}</div>\n'
        f'<nav aria-label="On this page"><ul>{contents}</ul></nav></header>\n'
        '<main id="content">\n<noscript><p>The plots need JavaScript; all tables are readable without.</p></noscript>\n'
        f"{body}\n</main>\n"
        f"<footer>{paragraph(closing)}</footer>\n"
        f"<script>{get_plotlyjs()}</script>\n<script>{script}</script>\n</body></html>\n"
    )
