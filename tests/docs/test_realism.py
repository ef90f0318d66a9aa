"""The page on realism is what its script writes: the same rows and bands, and verdicts that its figures bear out."""

from pathlib import Path

import pytest

from benchmarks.lifelike.bands import ANY, BANDS, UNREACHED
from benchmarks.realism import BEGIN, END, HEADER, PAGE, line

FIXED = (0, 1, 4, 6)  # quantity, real value, band, source: all but what was measured last


def told() -> list[list[str]]:
    text = PAGE.read_text()
    inside = text[text.index(BEGIN) : text.index(END)]
    rows = [row for row in inside.splitlines() if row.startswith("| ")]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]


def test_the_page_has_every_row_with_its_band() -> None:
    header, *rows = told()

    assert [cell for cell in header if cell] == [cell for cell in HEADER if cell]
    written = [[cell.strip() for cell in line(band, 0.0).strip("|").split(" | ")] for band in BANDS]
    assert [[row[i] for i in FIXED] for row in rows] == [[row[i] for i in FIXED] for row in written]


def test_a_row_that_left_its_band_says_so_and_why() -> None:
    for band, row in zip(BANDS, told()[1:], strict=True):
        slack = 0.5 * 10**-band.digits  # the page has rounded figures
        inside = band.band[0] - slack <= float(row[2]) <= band.band[1] + slack
        assert row[5] == ("inside" if inside else "**left**"), band.quantity
        assert inside or band.key in UNREACHED


def test_bands_hold_what_was_measured_or_a_part_of_it() -> None:
    for band in BANDS:
        low, high = band.real
        assert band.band[0] < band.band[1] <= ANY
        assert low <= high
        assert low <= band.band[1]
        assert high >= band.band[0]


@pytest.mark.parametrize("module", sorted((Path(PAGE).parents[1] / "benchmarks" / "lifelike").glob("*.py")))
def test_no_measure_knows_the_bands(module: Path) -> None:
    assert module.name == "bands.py" or "lifelike.bands" not in module.read_text()
