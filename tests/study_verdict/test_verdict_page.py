"""What docs/verdict.md tells, held against the code."""

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest

from fleetbeat.study.bootstrap import stretched
from fleetbeat.study.criteria import Name
from fleetbeat.study.figures import ArmFigures
from fleetbeat.study.settings import Thresholds
from fleetbeat.study.study_tables import ARMS, PAIRS, document
from fleetbeat.study.verdict import SEEDWISE, Word, conclude
from tests.docs.test_docs import fences, page, rows, section, ticked
from tests.study_verdict.ground import GOOD, cells, study

PAGE = page("verdict.md")


def test_the_four_verdicts_are_told() -> None:
    assert {ticked(row[:1])[0] for row in rows(PAGE, "verdict")} == set(get_args(Word))


def test_the_criteria_are_told_with_their_defaults() -> None:
    told = {ticked(row[:1])[0]: float(row[3]) for row in rows(PAGE, "criterion")}

    assert set(told) == set(get_args(Name))
    assert told == Thresholds().model_dump()


def test_every_figure_is_told_in_its_order() -> None:
    told = ticked([row[0] for row in rows(PAGE, "figure")])
    known = [field.name for field in fields(ArmFigures) if field.name not in ("seeds", "crashed", "gap_yardstick")]

    assert sorted(told) == sorted(known)


def test_every_column_is_told_in_its_order() -> None:
    assert ",".join(ticked([row[0] for row in rows(PAGE, "column of `arms.csv`")])) == ARMS
    assert set(PAIRS.split(",")[3:]) <= set(ticked([section(PAGE, "The files")]))
    assert set(SEEDWISE) <= set(ticked([section(PAGE, "The files")]))


def test_the_stretch_of_few_seeds_is_what_the_page_says() -> None:
    told = section(PAGE, "How intervals are made")

    assert re.search(
        rf"{stretched(10):.2f} for ten seeds, {stretched(5):.2f} for five, {stretched(2):.1f} for two", told
    )


def test_the_excerpt_has_the_shape_of_the_document() -> None:
    shown = json.loads(fences(PAGE, "json")[0])
    whole = document(study(), conclude(study(), cells(GOOD)))

    assert set(shown) <= set(whole)
    assert set(shown["criteria"][0]) == set(whole["criteria"][0])
    assert set(shown["figures"]["fleet"]["wasted_share"]) == set(whole["figures"]["fleet"]["wasted_share"])


@pytest.mark.parametrize("name", ["README.md", "docs/decisions.md"])
def test_the_page_is_found_from_where_pages_are_listed(name: str) -> None:
    text = (Path(__file__).parents[2] / name).read_text()

    assert "docs/verdict.md" in text or "## The verdict" in text
