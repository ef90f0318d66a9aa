"""A reader of pages: what a browser or a screen reader would find, without either."""

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

LOADS = {"src", "href", "data", "srcset", "poster", "action"}


@dataclass
class Seen:
    """A page as it was read: its headings, the words outside of scripts, what it would load, its plots by name."""

    language: str = ""
    title: str = ""
    headings: list[tuple[str, str]] = field(default_factory=list)
    words: str = ""
    loads: list[str] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    captions: list[str] = field(default_factory=list)
    plots: dict[str, Any] = field(default_factory=dict)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen = Seen()
        self._inside: list[str] = []
        self._plot: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag not in ("meta", "link", "br", "input"):
            self._inside.append(tag)
        if tag == "html":
            self.seen.language = values.get("lang") or ""
        if values.get("role") == "img":
            self.seen.images.append(values.get("aria-label") or "")
        self._plot = values.get("data-plot") if tag == "script" else None
        self.seen.loads += [value for name, value in attrs if name in LOADS and value and not value.startswith("#")]
        if tag in ("h1", "h2", "h3"):
            self.seen.headings.append((tag, ""))
        if tag == "caption":
            self.seen.captions.append("")

    def handle_endtag(self, tag: str) -> None:
        self._plot = None
        assert self._inside.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        tag = self._inside[-1] if self._inside else ""
        if self._plot is not None:
            self.seen.plots[self._plot] = json.loads(data)
        elif tag not in ("script", "style"):
            self.seen.words += data + " "
        if tag == "title":
            self.seen.title += data
        if tag in ("h1", "h2", "h3"):
            level, text = self.seen.headings[-1]
            self.seen.headings[-1] = (level, text + data)
        if tag == "caption":
            self.seen.captions[-1] += data


def read(path: Path) -> Seen:
    """Return what is to be seen on the page at *path*."""
    reader = _Reader()
    reader.feed(path.read_text("utf-8"))
    reader.close()
    return reader.seen
