"""A frozen fleet loads back as it was, wherever it lies."""

import shutil
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.fleet_file import freeze, load_fleet, shipped_fleets
from devices.overrides import Overrides
from devices.settings import EVENTS, Fleet
from tests.settings.conftest import SMALLEST, WALCH_SAMPLE, Written

OVERRIDES = st.builds(
    Overrides,
    seed=st.none() | st.integers(0, 2**53),
    days=st.none() | st.floats(0.01, 3_660),
    rounds=st.none() | st.integers(1, 100_000),
    sets=st.lists(
        st.one_of(
            st.floats(0, 1, exclude_min=True).map(lambda share: f"learning.fraction_train={share!r}"),
            st.integers(1, 1_000_000).map(lambda count: f"group.0.count={count}"),
            st.floats(1, 100).map(lambda wh: f"group.0.set.battery_wh={wh!r}"),
            st.sampled_from(EVENTS).map(lambda do: f'event=[{{at_s=1.5, device="phone-1", do="{do}"}}]'),
            st.booleans().map(lambda ideal: f"ideal={str(ideal).lower()}"),
            st.datetimes().filter(lambda t: 1980 <= t.year <= 2200).map(lambda t: f"start={t.isoformat()}"),
        ),
        max_size=4,
    ).map(tuple),
)


def thawed(fleet: Fleet, folder: Path) -> Fleet:
    file = folder / "fleet.toml"
    file.write_text(freeze(fleet), encoding="utf-8")
    return load_fleet(file)


@pytest.mark.parametrize("name", shipped_fleets())
def test_every_shipped_fleet_survives_freezing(name: str, tmp_path: Path) -> None:
    fleet = load_fleet(name, Overrides(seed=99, days=1, sets=("learning.fraction_train=0.5",)))

    assert thawed(fleet, tmp_path) == fleet


@settings(deadline=None, max_examples=60)
@given(overrides=OVERRIDES)
def test_whatever_was_changed_survives_freezing(overrides: Overrides, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("frozen")
    file = folder / "mine.toml"
    file.write_text(SMALLEST)
    fleet = load_fleet(file, overrides)

    assert thawed(fleet, folder) == fleet


def test_shipped_recordings_are_frozen_by_name_and_yours_by_absolute_path(
    written: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "my recordings"
    shutil.copytree(WALCH_SAMPLE, mine)
    file = written(
        'schema = 1\nname = "x"\n[learning]\ntask = "sleep-wake"\ntest_persons = ["46343"]\n'
        '[[group]]\nkind = "smartwatch"\nrecordings = "my recordings"\n'
        '[[group]]\nkind = "smartwatch"\nrecordings = "recordings/walch-sample"\n'
    )
    monkeypatch.chdir("/")

    fleet = load_fleet(file)
    named = [group["recordings"] for group in tomllib.loads(freeze(fleet))["group"]]

    assert named == [str(mine), "recordings/walch-sample"]
    (tmp_path / "run").mkdir()
    assert thawed(fleet, tmp_path / "run") == fleet


def test_a_strategy_of_your_own_is_frozen_by_absolute_path(written: Written, tmp_path: Path) -> None:
    (tmp_path / "mine.py").touch()
    fleet = load_fleet(written('learning.strategy = "mine.py:Mine"\n' + SMALLEST))
    (tmp_path / "run").mkdir()

    assert thawed(fleet, tmp_path / "run").learning.strategy == f"{tmp_path / 'mine.py'}:Mine"
