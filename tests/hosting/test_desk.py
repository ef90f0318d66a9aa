"""What a server elsewhere must be told of the command line, and what it cannot be told."""

from pathlib import Path

import pytest

from broker.errors import SettingsError, UsageError
from devices.fleet_file import Overrides, load_fleet
from fleetbeat.desk import said_to_the_server
from fleetbeat.directions import Directions


def test_rounds_and_single_values_of_learning_are_said() -> None:
    sets = ("learning.fraction_train=0.5", "days=2", "learning.strategy=fedmedian")
    fleet = load_fleet("household", Overrides(rounds=1, sets=sets))

    assert said_to_the_server(fleet, 1, sets) == {"rounds": 1, "fraction_train": 0.5, "strategy": "fedmedian"}


def test_without_overrides_nothing_is_said() -> None:
    assert said_to_the_server(load_fleet("household"), None, ()) == {}


@pytest.mark.parametrize("pair", ["learning.work.gflop=10", "learning.strategy_options.eta=0.1"])
def test_what_a_run_cannot_be_told_belongs_into_a_file(pair: str) -> None:
    fleet = load_fleet("household", Overrides(sets=(pair,)))

    with pytest.raises(SettingsError, match="write it into the SuperLink's fleet file"):
        said_to_the_server(fleet, None, (pair,))


@pytest.mark.parametrize("superlink", ["https://superlink:8000", "superlink"])
def test_a_superlink_is_a_host_and_a_port(superlink: str) -> None:
    with pytest.raises(UsageError, match="expected HOST:PORT"):
        Directions(broker="mqtt://broker", superlink=superlink).connection()


def test_without_tls_there_is_nobody_to_vouch_for(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="exclude each other"):
        Directions(broker="mqtt://b", superlink="s:1", superlink_ca=tmp_path, insecure=True).roads()


def test_the_road_to_the_superlink_has_tls_unless_it_was_asked_to_have_none() -> None:
    assert Directions(broker="mqtt://b", superlink="s:1").roads().superlink == "https://s:1"
    assert Directions(broker="mqtt://b", superlink="s:1", insecure=True).roads().superlink == "http://s:1"
