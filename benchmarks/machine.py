"""The machine: what a figure has to be read with."""

import os
import time
from importlib.metadata import version
from pathlib import Path
from platform import python_version

RESULTS = Path(__file__).with_name("results.md")
MB = 1_048_576


def load() -> float:
    """Return how many processes wanted a core in the last minute."""
    return os.getloadavg()[0]


def description(*packages: str) -> str:
    """Return date, cores, load and versions in one line."""
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    date = time.strftime("%Y-%m-%d %H:%M")
    return f"{date}, {os.cpu_count()} cores, load {load():.1f}, Python {python_version()}, {versions}"


def write_section(title: str, lines: list[str]) -> None:
    """Print *lines* and put them into ``results.md`` in place of what stood under *title*."""
    print("\n".join(lines))
    text = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else "# Benchmarks\n"
    head, *sections = text.split("\n## ")
    kept = [section.rstrip("\n") for section in sections if section.splitlines()[0] != title]
    sections = sorted([*kept, "\n".join([title, "", *lines])])
    RESULTS.write_text("\n\n## ".join([head.rstrip("\n"), *sections]) + "\n", encoding="utf-8")


def tree_mb(root: int) -> float:
    """Return the memory of process *root* and all its descendants: proportional set size, shared pages counted once.

    Linux only (``/proc``); processes that end meanwhile count nothing.
    """
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (stat := _read(entry / "stat")):
            children.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(entry.name))
    total, family = 0, [root]
    while family:
        member = family.pop()
        family += children.get(member, [])
        rollup = _read(Path(f"/proc/{member}/smaps_rollup"))
        total += sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return total / 1_024


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
