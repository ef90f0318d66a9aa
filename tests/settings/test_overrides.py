"""The command line changes a fleet key by key, and is blamed for what it breaks."""

import math
import re
from pathlib import Path

import pytest

from broker.errors import SettingsError
from devices.fleet_file import load_fleet
from devices.overrides import Overrides
from tests.settings.conftest import SMALLEST, WALCH_SAMPLE, Written


def changed(file: Path, *sets: str) -> object:
    return load_fleet(file, Overrides(sets=sets))


def test_options_win_over_the_file(written: Written) -> None:
    fleet = load_fleet(written(SMALLEST), Overrides(seed=9, days=2, rounds=5, strategy="krum"))

    assert (fleet.seed, fleet.days, fleet.learning.rounds, fleet.learning.strategy) == (9, 2, 5, "krum")


def test_dotted_keys_reach_everywhere(written: Written) -> None:
    fleet = load_fleet(
        written(SMALLEST),
        Overrides(
            sets=(
                "group.0.count=3",
                "group.0.with=[]",
                "group.0.set.far.wifi.latency_s=0.5",
                "learning.task=sleep-wake",
                "learning.strategy_options.eta = 0.1",
                "start=2027-01-01T00:00:00",
            )
        ),
    )

    assert fleet.group[0].count == 3
    assert fleet.group[0].with_ == ()
    assert fleet.group[0].set_ == {"far.wifi.latency_s": 0.5}
    assert fleet.learning.task == "sleep-wake"
    assert fleet.learning.strategy_options == {"eta": 0.1}
    assert fleet.start.year == 2027


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("rounds", "expected KEY=VALUE with a dotted key, such as learning.rounds=5"),
        ("=3", "expected KEY=VALUE with a dotted key, such as learning.rounds=5"),
        ("group.7.count=3", "found '7' as a place in a list of 1, expected a number from 0 to 0"),
        ("group.x.count=3", "found 'x' as a place in a list of 1, expected a number from 0 to 0"),
        ("name.x=3", "name holds a value, expected a table or a list"),
    ],
)
def test_a_change_without_a_place_is_refused(change: str, complaint: str, written: Written) -> None:
    with pytest.raises(SettingsError, match=f"^--set {re.escape(change)}: {re.escape(complaint)}$"):
        changed(written(SMALLEST), change)


def test_the_command_line_is_named_when_it_is_to_blame(written: Written) -> None:
    with pytest.raises(SettingsError, match=r"^--rounds: found -1, expected a whole number from 1 to 100000$"):
        load_fleet(written(SMALLEST), Overrides(rounds=-1))
    with pytest.raises(SettingsError, match=r"^--days: found nan, expected a number above 0 and at most 3660$"):
        load_fleet(written(SMALLEST), Overrides(days=math.nan))
    with pytest.raises(SettingsError, match=r"^--seed: found -1, expected a whole number from 0 to \d+$"):
        load_fleet(written(SMALLEST), Overrides(seed=-1))
    with pytest.raises(SettingsError, match=r'^--set learning\.ronds: unknown key; did you mean "rounds"\?$'):
        changed(written(SMALLEST), "learning.ronds=3")
    with pytest.raises(SettingsError, match=r"^--set learning\.work={gflop=-1}: learning\.work\.gflop: found -1, "):
        changed(written(SMALLEST), "learning.work={gflop=-1}")


def test_of_two_options_for_one_key_the_one_that_counts_is_named(written: Written) -> None:
    with pytest.raises(SettingsError, match=r"^--rounds: found 0, "):
        load_fleet(written(SMALLEST), Overrides(rounds=0, sets=("learning.rounds=5",)))


def test_file_and_command_line_are_blamed_each_for_its_own(written: Written) -> None:
    file = written("sede = 7\n" + SMALLEST)

    with pytest.raises(SettingsError) as both:
        load_fleet(file, Overrides(rounds=0))
    with pytest.raises(SettingsError) as options:
        load_fleet(written(SMALLEST), Overrides(rounds=0, days=0))

    head, *lines = str(both.value).splitlines()
    assert head == f"{file}: 2 things are wrong"
    assert sorted(line.split(":")[0].strip() for line in lines) == ["--rounds", "sede"]
    assert str(options.value).startswith("2 things are wrong\n  --days: found 0")


def test_the_file_is_blamed_for_its_own(written: Written) -> None:
    with pytest.raises(SettingsError, match=r"days: found -1, expected a number above 0 and at most 3660$"):
        load_fleet(written("days = -1\n" + SMALLEST), Overrides(rounds=2))


def test_paths_in_the_file_are_relative_to_it_and_those_on_the_command_line_to_here(
    written: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    (here / "mine.py").touch()
    (tmp_path / "mine.py").touch()
    file = written('learning.strategy = "mine.py:Mine"\n' + SMALLEST)
    monkeypatch.chdir(here)

    assert load_fleet(file).learning.strategy == f"{tmp_path / 'mine.py'}:Mine"
    assert load_fleet(file, Overrides(strategy="mine.py:Mine")).learning.strategy == f"{here / 'mine.py'}:Mine"


def test_a_folder_of_the_same_name_does_not_hide_a_shipped_fleet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "household").mkdir()
    monkeypatch.chdir(tmp_path)

    assert load_fleet("household").name == "household"


def test_shipped_recordings_are_found_from_any_file(written: Written) -> None:
    file = written(
        'schema = 1\nname = "x"\n[learning]\ntask = "sleep-wake"\n'
        '[[group]]\nkind = "smartwatch"\nrecordings = "recordings/walch-sample"\n'
    )

    assert load_fleet(file).group[0].recordings == WALCH_SAMPLE


@pytest.mark.parametrize("typo", ["my-flet.toml", "my-flet", "my_fleet.tml"])
def test_a_typo_in_the_name_of_a_file_is_met_with_the_files_beside_it(typo: str, tmp_path: Path) -> None:
    (tmp_path / "my-fleet.toml").write_text(SMALLEST)

    with pytest.raises(SettingsError) as said:
        load_fleet(tmp_path / typo)

    assert str(said.value).startswith(f"{tmp_path / typo}: no such file, expected a fleet file")
    assert str(said.value).endswith(f'; did you mean "{tmp_path / "my-fleet.toml"}"?')
