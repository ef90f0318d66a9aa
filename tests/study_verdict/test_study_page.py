"""The page of a study: one document that tells the verdict, every plot in words too."""

import base64
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fleetbeat.report.study_page import study_page
from fleetbeat.report.study_plots import price_against_worth
from fleetbeat.study.cell import Cell
from fleetbeat.study.settings import Study
from fleetbeat.study.verdict import conclude
from fleetbeat.study.wording import TITLES
from tests.report.pages import Seen, read
from tests.report.test_browser import CHROMIUM, SILENT
from tests.study_verdict.ground import GOOD, cells, study

ARMS = GOOD | {"tenth": 0.60, "ideal": 0.72}
CRASHED = [Cell("eager", seed, error="<b>broken</b>") for seed in range(1, 11)]


def page_of(asked: Study, made: list[Cell]) -> str:
    return study_page(asked, made, conclude(asked, made))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("study") / "report.html"
    path.write_text(page_of(study(), [*cells(ARMS, wobble={"fleet": 0.002}), *CRASHED]), "utf-8")
    return path


@pytest.fixture(scope="module")
def seen(written: Path) -> Seen:
    return read(written)


def test_the_question_the_verdict_and_the_criteria_stand_at_the_top(seen: Seen) -> None:
    headings = [text for _, text in seen.headings]

    assert headings[0] == "Does it hold up?"
    assert headings[1:5] == list(TITLES.values())
    top = seen.words[: seen.words.index("How close, how soon")]
    assert "held up" in top
    assert top.count(": met") == 4
    assert "1.0 points behind" in top
    assert "10 seeds" in top


def test_every_plot_is_there_and_told_in_words(seen: Seen) -> None:
    expected = {"plot-gap", "plot-outcomes", "plot-price", "plot-fairness", "plot-pairs-central", "plot-pairs-fleet"}

    assert expected <= set(seen.plots)
    assert len(seen.images) == len(seen.plots) + 4  # a gauge for every criterion
    assert all(len(words) > 20 for words in seen.images)


def test_nothing_on_the_page_comes_from_a_network(seen: Seen) -> None:
    assert all(address.startswith("data:") for address in seen.loads)


def test_the_stacked_shares_of_every_arm_add_up(seen: Seen) -> None:
    shares: dict[str, float] = {}
    for trace in seen.plots["plot-outcomes"]["data"]:
        for arm, value in zip(trace["y"], trace["x"], strict=True):
            shares[arm] = shares.get(arm, 0.0) + value

    assert shares == {arm: pytest.approx(100) for arm in ("fleet", "ideal", "tenth")}


def test_the_thresholds_are_drawn_where_they_are(seen: Seen) -> None:
    central = [shape["x0"] for shape in seen.plots["plot-pairs-central"]["layout"]["shapes"]]
    gap = seen.plots["plot-gap"]["layout"]["shapes"]

    assert central == [0, -2]
    assert [shape["y0"] for shape in gap] == [2]


def test_words_about_the_price_lie_on_nothing_they_could_hide(seen: Seen) -> None:
    layout = seen.plots["plot-price"]["layout"]

    assert "annotations" not in layout
    named = {shape["name"]: shape.get("y0") for shape in layout["shapes"] if shape["showlegend"]}
    assert named == {
        "allowed": 0,
        "one model of all data": pytest.approx(GOOD["central"]),
        "each device alone": pytest.approx(GOOD["local-only"]),
    }
    assert len({shape["line"]["dash"] for shape in layout["shapes"]}) == 3


def test_no_two_arms_of_many_look_alike() -> None:
    arms = {f"arm-{number}": 0.6 + number / 1_000 for number in range(24)}
    asked = study(arm=[{"name": arm} for arm in arms])
    made = list(cells(GOOD | arms, seeds=(1, 2)))

    plot = price_against_worth(asked, conclude(asked, made))

    assert plot is not None
    looks = {(trace.marker.color, trace.marker.symbol) for trace in plot.figure.data}
    assert len(looks) == len(plot.figure.data) == len(arms) + 1


def test_the_curve_ends_where_the_gap_is(seen: Seen) -> None:
    fleet = next(trace for trace in seen.plots["plot-gap"]["data"] if trace.get("name") == "fleet")

    # plotly writes arrays as base64
    behind = np.frombuffer(base64.b64decode(fleet["y"]["bdata"]), fleet["y"]["dtype"])
    assert behind[-1] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("made", "drawn"),
    [
        (list(cells(ARMS)), True),
        (list(cells(ARMS, seeds=(1,))), False),
        ([replace(cell, curve=()) if cell.arm == "fleet" else cell for cell in cells(ARMS)], False),
    ],
    ids=["ten seeds", "one seed", "an arm without a curve"],
)
def test_an_interval_is_promised_only_where_it_is_drawn(made: list[Cell], drawn: bool, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(page_of(study(), made), "utf-8")

    page = read(path)

    filled = [trace for trace in page.plots["plot-gap"]["data"] if trace.get("fill") == "toself"]
    assert len(filled) == ("and the 95 % interval of “fleet”; below the dashed line" in page.words) == drawn


def test_a_crashed_arm_is_marked_and_its_words_are_only_words(written: Path, seen: Seen) -> None:
    assert "0 (+10 crashed)" in seen.words
    assert "<b>broken</b>" not in written.read_text("utf-8")


def test_the_same_cells_give_the_same_page(written: Path) -> None:
    again = page_of(study(), [*CRASHED, *cells(ARMS, wobble={"fleet": 0.002})])

    assert again == written.read_text("utf-8")


@pytest.mark.parametrize(
    ("made", "verdict"),
    [
        ([], "cannot say"),
        (list(cells(GOOD, seeds=(1,))), "cannot say"),
        (CRASHED, "cannot say"),
        ([replace(cell, strangers=None, curve=()) for cell in cells(GOOD)], "held up"),
        ([replace(cell, lived=None, curve=()) for cell in cells(GOOD)], "cannot say"),
    ],
    ids=["no cells", "one seed", "all crashed", "no strangers", "nobody lived"],
)
def test_a_study_that_lacks_something_still_has_its_page(made: list[Cell], verdict: str, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(page_of(study(), made), "utf-8")

    page = read(path)

    assert verdict in page.words
    assert "nan" not in re.split(r"[^a-z]+", page.words)


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: the page was not opened in a browser")
def test_a_browser_draws_every_plot_of_a_study(written: Path, tmp_path: Path) -> None:
    assert CHROMIUM is not None
    assert shutil.which(CHROMIUM)

    command = [CHROMIUM, *SILENT, f"--user-data-dir={tmp_path}", written.resolve().as_uri()]
    page = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout

    plots = page.count('data-plot="')
    assert plots >= 6
    assert f'data-drawn="{plots}"' in page
