"""Could these lives be real? ``python -m benchmarks.realism`` measures our population and compares.

Prints one table: what was measured on people and devices, ours, the difference, and whether ours lies in the band.
Writes it into ``docs/realism.md`` (not after ``--quick``, nor with another seed). Exit code 1 when a band is left.
"""

import argparse
import logging
import re
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from threadpoolctl import threadpool_limits

from benchmarks.lifelike.bands import ANY, BANDS, UNREACHED, Band
from benchmarks.lifelike.chips import chips
from benchmarks.lifelike.lessons import lessons
from benchmarks.lifelike.nights import nights
from benchmarks.lifelike.people import SEED, gather
from benchmarks.lifelike.phones import phones
from benchmarks.lifelike.signals import signals
from benchmarks.lifelike.wrists import wrists

PAGE = Path(__file__).parents[1] / "docs" / "realism.md"
BEGIN, END = "<!-- python -m benchmarks.realism: begin -->", "<!-- python -m benchmarks.realism: end -->"
HEADER = ("quantity", "real", "ours", "difference", "band", "", "source")


def measured(wearers: int, days: int, seed: int) -> dict[str, float]:
    """Return all our figures by key; the phones' run has a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_quietly) as beside:
        run = beside.submit(phones, wearers, days, seed)
        with threadpool_limits(1):
            people = gather(wearers, days, seed)
            found = nights(people) | signals(people) | lessons(people) | wrists(people, days) | chips()
        return found | run.result()


def _quietly() -> None:
    logging.disable(logging.WARNING)


def line(row: Band, ours: float) -> str:
    """Return one row of the table."""
    cells = (
        row.quantity,
        _range(row.real, row.digits),
        f"{ours:.{row.digits}f}",
        f"{row.difference(ours):+.{row.digits}f}",
        _range(row.band, row.digits),
        "inside" if row.holds(ours) else "**left**",
        row.source,
    )
    return f"| {' | '.join(cells)} |"


def _range(ends: tuple[float, float], digits: int) -> str:
    low, high = (f"{end:.{digits}f}" for end in ends)
    if ends[1] >= ANY:
        return f"≥ {low}"
    return low if low == high else f"{low} to {high}"


def table(ours: dict[str, float], wearers: int, days: int, seed: int) -> list[str]:
    """Return the lines of the page's generated part."""
    rows = [line(row, ours[row.key]) for row in BANDS]
    left = [row for row in BANDS if not row.holds(ours[row.key])]
    told = [f"- **{row.quantity}**: {UNREACHED.get(row.key, 'not explained yet')}" for row in left]
    verdict = f"{len(BANDS) - len(left)} of {len(BANDS)} rows lie in their bands"
    return [
        f"{wearers} wearers, {days} days, seed {seed}: {verdict}{':' if left else '.'}",
        *(("", *told) if left else ()),
        "",
        f"| {' | '.join(HEADER)} |",
        "|---|" + "---:|" * 3 + "---|---|---|",
        *rows,
    ]


def main() -> int:
    """Measure, print, write the page; return 1 when a band is left."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wearers", type=int, default=300, help="how many people (300)")
    parser.add_argument("--days", type=int, default=14, help="how many days of each (14)")
    parser.add_argument("--seed", type=int, default=SEED, help=f"whose chance ({SEED}; another one is printed only)")
    parser.add_argument("--quick", action="store_true", help="print only: the page is for whole populations")
    given = parser.parse_args()
    ours = measured(given.wearers, given.days, given.seed)
    lines = table(ours, given.wearers, given.days, given.seed)
    print("\n".join(lines))
    if not given.quick and given.seed == SEED:
        text = PAGE.read_text(encoding="utf-8")
        body = "\n".join(lines)
        PAGE.write_text(re.sub(f"{BEGIN}.*{END}", f"{BEGIN}\n{body}\n{END}", text, flags=re.DOTALL), encoding="utf-8")
    return int(any(not row.holds(ours[row.key]) for row in BANDS))


if __name__ == "__main__":
    sys.exit(main())
