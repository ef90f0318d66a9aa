"""The books of a run close: outcomes, readings, energy, and intervals without holes."""

from itertools import groupby, pairwise
from pathlib import Path

import pytest

from aggregator.accounting import OUTCOMES
from tests.world.ground import TINY, journal, results, run, table

HEADERS = {
    "life.csv": (
        "device,from_s,to_s,power,charging,battery_start,battery_end,near_link,far_link,place,worn,in_use,ready,why_not"
    ),
    "outcomes.csv": (
        "round,phase,device,outcome,reason,t_selected_s,t_end_s,local_time,battery,link,examples,examples_fresh,loss,"
        "accuracy,compute_s,transfer_s,energy_j,bytes_down,bytes_up"
    ),
    "rounds.csv": (
        "round,t_start_s,t_end_s,reachable,ready,selected,delivered,refused,interrupted,unreachable,lost_power,lost_link,"
        "late,rejected,crashed,aggregated,examples,server_loss,server_accuracy,server_balanced_accuracy,server_auc,"
        "server_kappa,majority_share,clients_loss,clients_accuracy,energy_j,wasted_j,bytes_down,bytes_up"
    ),
    "devices.csv": (
        "device,kind,group,wearer,selected,delivered,readings_sensed,readings_sent,readings_buffered,readings_dropped,"
        "readings_in_flight,examples,online_share,charging_share,worn_share,battery_min,battery_deaths,life_j,training_j,"
        "radio_j,sensing_j,wasted_j,bytes_up,bytes_down,accuracy"
    ),
}


@pytest.fixture(scope="module", params=["tiny", "every-outcome"])
def books(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one run."""
    source = TINY if request.param == "tiny" else request.param
    return run(source, tmp_path_factory.mktemp("books") / request.param).path


def test_every_table_has_its_fixed_header(books: Path) -> None:
    assert {name: (books / name).read_text().split("\n", 1)[0] for name in HEADERS} == HEADERS


def test_outcomes_add_up_to_who_was_selected(books: Path) -> None:
    outcomes = table(books, "outcomes.csv")
    for line in table(books, "rounds.csv"):
        assert sum(int(line[outcome]) for outcome in OUTCOMES) == int(line["selected"])
        mine = [o for o in outcomes if (o["round"], o["phase"]) == (line["round"], "train")]
        assert len(mine) == int(line["selected"])
        assert sum(float(o["energy_j"]) for o in mine) == pytest.approx(float(line["energy_j"]), abs=1e-3)
        wasted_j = sum(float(o["energy_j"]) for o in mine if o["outcome"] != "delivered")
        assert wasted_j == pytest.approx(float(line["wasted_j"]), abs=1e-3)
        assert sum(int(o["bytes_up"]) for o in mine) == int(line["bytes_up"])
    account = results(books)["account"]
    for phase in ("train", "evaluate"):
        assert account[phase]["selected"] == sum(account[phase]["outcomes"].values())
        assert account[phase]["selected"] == sum(o["phase"] == phase for o in outcomes)


def test_every_selected_device_round_is_in_the_journal_and_ends_once(books: Path) -> None:
    selected = [(str(e["round"]), e["phase"], e["device"]) for e in journal(books, "device_selected")]
    ended = [(o["round"], o["phase"], o["device"]) for o in table(books, "outcomes.csv")]

    assert sorted(selected) == sorted(ended)
    assert len(set(ended)) == len(ended)


def test_readings_are_buffered_dropped_or_in_flight(books: Path) -> None:
    for line in table(books, "devices.csv"):
        sensed, buffered, dropped, in_flight = (
            int(line[f"readings_{what}"]) for what in ("sensed", "buffered", "dropped", "in_flight")
        )
        assert sensed == buffered + dropped + in_flight
        assert in_flight >= 0
        assert int(line["readings_sent"]) <= sensed
    assert any(int(line["readings_buffered"]) > 1_000 for line in table(books, "devices.csv"))


def test_energy_has_parts_that_fit_in_the_whole(books: Path) -> None:
    for line in table(books, "devices.csv"):
        parts_j = sum(float(line[name]) for name in ("training_j", "radio_j", "sensing_j"))
        assert 0 <= parts_j <= float(line["life_j"]) + 1e-6


def test_life_tiles_the_run_for_every_device(books: Path) -> None:
    virtual_s = results(books)["virtual_s"]
    lived = {
        device: list(lines)
        for device, lines in groupby(sorted(table(books, "life.csv"), key=lambda x: x["device"]), lambda x: x["device"])
    }

    assert set(lived) == {line["device"] for line in table(books, "devices.csv")}
    for lines in lived.values():
        lines.sort(key=lambda line: float(line["from_s"]))
        assert float(lines[0]["from_s"]) == 0
        assert float(lines[-1]["to_s"]) == pytest.approx(virtual_s, abs=1e-5)
        assert all(before["to_s"] == after["from_s"] for before, after in pairwise(lines))
        for line in lines:
            assert {line[name] for name in ("power", "charging", "near_link", "worn", "in_use", "ready")} <= {
                "true",
                "false",
            }
            assert (line["ready"] == "true") == (line["why_not"] == "")
            assert line["far_link"] in ("wifi", "mobile", "none")


def test_the_journal_is_in_order(books: Path) -> None:
    events = journal(books)

    assert all(before["t_s"] <= after["t_s"] for before, after in pairwise(events))
    assert (events[0]["kind"], events[-1]["kind"]) == ("run_started", "run_finished")
    assert all(list(event)[:3] == ["t_s", "kind", "device"] for event in events)
