"""The terminal: results on stdout, for people or as one JSON document; logs and remarks on stderr."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer


def listen(*, verbose: bool) -> None:
    """Send logs to stderr: everything with -v, warnings otherwise, whatever level Flower gives its own logger."""
    import logging
    import os

    os.environ.setdefault("FLWR_TELEMETRY_ENABLED", "0")
    os.environ.setdefault("FLWR_LOG_LEVEL", "CRITICAL")  # Flower's own handler; what it says comes to ours, once
    heard = logging.StreamHandler()
    heard.setLevel(logging.INFO if verbose else logging.WARNING)
    logging.basicConfig(level=heard.level, format="%(name)s: %(message)s", handlers=[heard])


def show_result(json: bool, document: Callable[[], Any], words: Callable[[], Any]) -> None:
    """Print a result on stdout: as one JSON document, or for people."""
    if json:
        print_json(document())
        return

    from rich.console import Console

    readable = words()
    if readable:
        console = Console(highlight=False)
        if not console.is_terminal:
            console = Console(highlight=False, width=140)
        console.print(readable, soft_wrap=isinstance(readable, str))


def print_json(document: Any) -> None:
    """Print *document* as readable JSON on stdout."""
    import orjson

    typer.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())


def show_page(path: Path) -> None:
    """Show a page in the user's browser; what browsers grumble on stderr is not for the user."""
    import subprocess
    import sys

    words = "import sys, webbrowser; sys.exit(not webbrowser.open(sys.argv[1]))"
    asked = [sys.executable, "-I", "-c", words, path.resolve().as_uri()]
    if subprocess.run(asked, stderr=subprocess.DEVNULL, check=False).returncode:
        say(f"fleetbeat: found no browser here; open {path} yourself")


def show_versions(asked: bool) -> None:
    """Print which Fleetbeat this is and what it stands on, and end."""
    if asked:
        from fleetbeat.versions import in_words

        typer.echo(in_words())
        raise typer.Exit


def say(words: str) -> None:
    """Print one line on stderr."""
    typer.echo(words, err=True)
