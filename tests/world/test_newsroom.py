"""The newsroom: keeps the run folder of a live fleet up to date while it hears."""

import csv
import json
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from broker import events as ev
from broker.errors import RunFolderError
from devices.fleet_file import load_fleet
from devices.residents import residents
from fleetbeat.chronicle import Chronicle
from fleetbeat.newsroom import Newsroom
from fleetbeat.results import Results
from fleetbeat.run_folder import RunFolder
from tests.world.test_chronicle import STORY

PATIENCE_S = 20.0
EMPTY_OF_STRANGERS = {
    *("battery", "link", "examples", "examples_fresh", "loss", "accuracy"),
    *("compute_s", "transfer_s", "energy_j", "bytes_down", "bytes_up"),
}


class Desk:
    """A newsroom of the household, and what it says of itself."""

    def __init__(self, path: Path) -> None:
        fleet = load_fleet("household")
        self.folder = RunFolder(path)
        self.chronicle = Chronicle(fleet, residents(fleet), [np.zeros((1, 10)), np.zeros(1)], self.folder)
        self.results = Results(self.folder, self.chronicle, None)
        self.rounds: list[int] = []
        self.told = threading.Event()
        self.over = threading.Event()
        self.newsroom = Newsroom(self.chronicle, self.results, self.folder, self._round, self.over.set)

    def _round(self, event: ev.RoundEnded) -> None:
        self.rounds.append(event.round)
        self.told.set()

    def rows(self, name: str) -> list[dict[str, str]]:
        with (self.folder.path / name).open() as lines:
            return list(csv.DictReader(lines))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path / "run")
    with closing(desk.folder):
        yield desk


def test_a_round_is_told_once_its_tables_are_written(desk: Desk) -> None:
    for event in STORY:
        desk.newsroom.hear(event)

    assert desk.told.wait(PATIENCE_S)

    assert desk.rounds == [1]
    assert [(row["device"], row["outcome"]) for row in desk.rows("outcomes.csv")] == [
        ("phone-1", "delivered"),
        ("smartwatch-1", "unreachable"),
    ]
    assert json.loads((desk.folder.path / "results.json").read_text())["clock"] == "live"
    desk.newsroom.close(600.0, "rounds_done", 600.0)


def test_the_servers_end_is_passed_on_at_once(desk: Desk) -> None:
    desk.newsroom.hear(ev.ServerEnded(5.0, None, "too_few_devices", "nobody came"))

    assert desk.over.is_set()
    assert desk.newsroom.server_ended

    desk.newsroom.close(6.0, "too_few_devices", 6.0)
    assert json.loads((desk.folder.path / "results.json").read_text())["account"]["reason"] == "nobody came"


def test_at_the_end_the_journal_stands_in_the_order_of_life(desk: Desk) -> None:
    for event in reversed(STORY):
        desk.newsroom.hear(event)

    desk.newsroom.close(600.0, "rounds_done", 600.0)

    lines: list[dict[str, Any]] = [
        json.loads(line) for line in (desk.folder.path / "journal.jsonl").read_text().splitlines()
    ]
    assert [line["t_s"] for line in lines] == sorted(line["t_s"] for line in lines)
    assert (lines[0]["kind"], lines[-1]["kind"]) == ("run_started", "run_finished")


def test_what_devices_did_while_the_run_was_being_stopped_comes_before_its_end_in_the_journal(desk: Desk) -> None:
    for event in STORY:
        desk.newsroom.hear(event)
    desk.newsroom.hear(ev.BatchSent(640.0, "band-1", "phone-1", 7, 3, 120))

    desk.newsroom.close(600.0, "rounds_done", desk.newsroom.latest_s)

    lines = [json.loads(line) for line in (desk.folder.path / "journal.jsonl").read_text().splitlines()]
    assert [(line["t_s"], line["kind"]) for line in lines[-2:]] == [(640.0, "batch_sent"), (640.0, "run_finished")]


def test_a_folder_that_cannot_be_written_ends_the_run_and_says_why(desk: Desk) -> None:
    target = desk.folder.path / "rounds.csv.part"
    target.mkdir()  # where the table is written first

    desk.newsroom.hear(STORY[2])

    assert desk.over.wait(PATIENCE_S)
    with pytest.raises(RunFolderError, match=r"rounds\.csv"):
        desk.newsroom.close(600.0, "failed", 600.0)
    target.rmdir()


def test_of_a_node_that_only_the_server_saw_nothing_else_is_told(desk: Desk) -> None:
    asked = ev.SelectionMade(100.0, None, 1, "train", 3, 2, 3)
    for event in (asked if isinstance(event, ev.SelectionMade) else event for event in STORY):
        desk.newsroom.hear(event)
    desk.newsroom.hear(ev.DeviceSelected(100.0, "supernode-1", 1, "train"))
    desk.newsroom.hear(ev.ReplyReceived(300.0, "supernode-1", 1, "train"))
    desk.newsroom.close(600.0, "rounds_done", 600.0)

    lines = {line["device"]: line for line in desk.rows("outcomes.csv")}

    stranger, phone = lines["supernode-1"], lines["phone-1"]
    assert (stranger["outcome"], stranger["t_end_s"]) == ("delivered", "300")
    assert {column for column in stranger if not stranger[column]} - {"reason"} == EMPTY_OF_STRANGERS
    assert phone["energy_j"]
