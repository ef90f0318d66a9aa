"""Life without learning: the figures by hour, the words, and what is written."""

import csv
import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from devices.fleet_file import Overrides, load_fleet
from fleetbeat import population
from fleetbeat.population import Population, live_without_learning
from tests.report.pages import read


@pytest.fixture(scope="module")
def lived() -> Population:
    return live_without_learning(load_fleet("household", Overrides()), days=2)


def test_nobody_is_ever_asked_for_anything(lived: Population) -> None:
    kinds = {kind.kind: kind for kind in lived.kinds}

    assert list(kinds) == ["smartwatch", "phone", "band", "tablet", "ring"]
    assert "busy" not in {reason for kind in kinds.values() for reason in kind.why_not}


def test_ready_and_the_reasons_why_not_fill_all_time(lived: Population) -> None:
    for kind in lived.kinds:
        assert kind.share("ready") + sum(kind.why_not.values()) == pytest.approx(1, abs=1e-4)
        for hour in range(24):
            unready = sum(shares[hour] for shares in kind.why_not_by_hour.values())
            assert kind.by_hour["ready"][hour] + unready == pytest.approx(1, abs=1e-4)


def test_shares_by_hour_agree_with_the_intervals(lived: Population) -> None:
    lines = [line for line in lived.lived if line.device == "phone-1"]

    charging_s = sum(line.to_s - line.from_s for line in lines if line.life.charging)

    phone = next(kind for kind in lived.kinds if kind.kind == "phone")
    assert phone.share("charging") == pytest.approx(charging_s / (2 * 86_400), abs=1e-5)
    assert sum(phone.by_hour["charging"]) / 24 == pytest.approx(phone.share("charging"), abs=1e-4)


def test_batteries_have_ordered_quantiles_at_every_hour(lived: Population) -> None:
    for kind in lived.kinds:
        for low, middle, high in zip(*kind.battery.values(), strict=True):
            assert low is not None
            assert middle is not None
            assert high is not None
            assert 0 <= low <= middle <= high <= 1


def test_the_document_and_the_words_name_every_kind(lived: Population) -> None:
    document = json.loads(json.dumps(lived.as_json()))
    console = Console(width=160, record=True, file=StringIO())
    console.print(population.words(lived))

    text = console.export_text()
    assert [kind["kind"] for kind in document["kinds"]] == [kind.kind for kind in lived.kinds]
    assert all(kind.kind in text for kind in lived.kinds)
    assert document["days"] == 2


def test_life_and_a_page_are_written(lived: Population, tmp_path: Path) -> None:
    out = tmp_path / "life"

    population.write_population(lived, out)

    lines = list(csv.DictReader((out / "life.csv").read_text().splitlines()))
    page = read(out / "report.html")
    assert len(lines) == len(lived.lived)
    assert {"Phone", "Smartwatch", "Band"} <= {text for level, text in page.headings if level == "h2"}
    assert all(address.startswith("data:") for address in page.loads)
    assert len(page.images) == len(page.plots)
