"""What is wrong with a study file is said at the door: file, key or arm, what was found, what was expected."""

from pathlib import Path

import pytest

from broker.errors import SettingsError, UsageError
from devices.fleet_file import load_fleet
from fleetbeat.schema import schema
from fleetbeat.study.settings import REFERENCES, Study
from fleetbeat.study.study_file import load_study, shipped_studies
from tests.study.ground import STUDY, complaint, plan, written
from tests.world.ground import TINY

HALF = "learning.fraction_train = 0.5"


@pytest.mark.parametrize(
    ("good", "bad", "said"),
    [
        (HALF, "learning.fraction_train = 5", "arm.0.set.learning.fraction_train: found 5, expected a number above 0"),
        (HALF, "learning.fraction_trian = 1", "arm.0.set.learning.fraction_trian: unknown key; did you mean"),
        (HALF, '"group.7.count" = 1', "arm.0.set.group.7.count: found '7' as a place in a list of 2"),
        (HALF, 'learning.strategy = "fedporx"', 'arm.0.set.learning.strategy: found "fedporx", expected one of'),
        (HALF, "learning.strategy_options.eta = 1", "arm.0.set: learning.strategy_options.eta: fedavg has no such"),
        (HALF, "seed = 5", "arm.0.set.seed: is the same for all arms: arms share the seeds of the study"),
        (HALF, 'learning.task = "sleep-wake"', "arm.0.set.learning.task: is the same for all arms: arms are judged by"),
        (
            'name = "half"',
            'nmae = "half"',
            "2 things are wrong\n  arm.0.name: missing, expected text in quotes\n",
        ),
        ('name = "half"', 'name = "same"', 'arm: found two arms with the name "same", expected a name for each'),
        ('name = "half"', 'name = "central"', 'arm.0.name: found "central", expected another name: it is a reference'),
        ('name = "half"', 'name = "../half"', 'arm.0.name: found "../half", expected 1 to 64 letters, digits, dashes'),
        ("[3, 4]", "[3, 4, 3]", "seeds: found 3 twice, expected each seed once: a day counts once"),
        ("[3, 4]", '[3, "4"]', 'seeds.1: found "4", expected a whole number from 0 to 9007199254740992'),
        (
            "seeds",
            'about = "hlaf"\nseeds',
            'about: found "hlaf", expected an arm that learns: fleet, ideal, half,',
        ),
        ("seeds", 'about = "no-training"\nseeds', 'about: found "no-training", expected an arm that learns'),
        ('"tiny.toml"', '"tinny.toml"', "fleet: "),
        ('"tiny.toml"', '"houshold"', "fleet: houshold: no such file, expected a fleet file (TOML) or the name of a"),
        ('"tiny.toml"', '"recorded-nights"', 'fleet: found "recorded-nights", whose recorded persons are all in the'),
        (
            "seeds",
            "set = { learning.rounds = 0 }\nseeds",
            "set.learning.rounds: found 0, expected a whole number",
        ),
        (
            "[[arm]]",
            "[thresholds]\naccuracy = 0.1\n[[arm]]",
            "thresholds.accuracy: unknown key; expected one of",
        ),
        (
            "[[arm]]",
            "[thresholds]\ngain_over_local = 0.5\n[[arm]]",
            "thresholds.gain_over_local: found 0.5, expected less than 0.5: no arm can meet more, chance is 0.5 among",
        ),
    ],
)
def test_what_is_wrong_is_told_under_its_key(good: str, bad: str, said: str, tmp_path: Path) -> None:
    assert complaint(tmp_path, STUDY.replace(good, bad, 1)).startswith(said)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (("seeds", 'set = { learning.model = "xgboost", learning.strategy = "fedxgbbagging" }\nseeds'), "set."),
        (('"tiny.toml"', '"trees.toml"'), "fleet: "),
    ],
)
def test_a_model_whose_library_is_missing_is_told_where_it_is_asked_for(
    change: tuple[str, str], where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devices.learning.models.find_spec", lambda _: None)
    trees = '[learning]\nmodel = "xgboost"\nstrategy = "fedxgbbagging"\n'
    (tmp_path / "trees.toml").write_text(TINY.replace("[learning]\n", trees, 1))

    said = complaint(tmp_path, STUDY.replace(*change, 1))

    assert said.startswith(f'{where}learning.model: found "xgboost", whose library xgboost is missing, expected it')
    assert said.endswith("pip install 'fleetbeat[xgboost]'")


def test_a_name_that_is_nearly_that_of_a_study_is_corrected() -> None:
    with pytest.raises(SettingsError, match='did you mean "does-it-hold-up"'):
        load_study("does-it-holdup")


def test_what_the_study_sets_holds_for_all_arms(tmp_path: Path) -> None:
    found = plan(tmp_path, STUDY.replace("seeds", "set = { learning.rounds = 7 }\nseeds", 1))

    assert {arm: fleet.learning.rounds for arm, fleet in found.fleets.items()} == dict.fromkeys(found.fleets, 7)
    assert found.fleets["half"].learning.fraction_train == 0.5


def test_a_frozen_study_is_the_same_study(tmp_path: Path) -> None:
    first = plan(tmp_path, STUDY.replace("seeds", "set = { learning.rounds = 7 }\nseeds", 1))
    study, fleet = first.frozen()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "study.toml").write_text(study)
    (elsewhere / "fleet.toml").write_text(fleet)

    second = load_study(elsewhere / "study.toml")

    assert second.fleets == first.fleets
    assert second.frozen() == first.frozen()


def test_an_arm_of_another_model_keeps_that_models_epochs_when_it_is_frozen(tmp_path: Path) -> None:
    first = plan(tmp_path, STUDY + '[[arm]]\nname = "deep"\nset = { learning.model = "mlp" }\n')
    study, fleet = first.frozen()
    (tmp_path / "study.toml").write_text(study)
    (tmp_path / "fleet.toml").write_text(fleet)

    second = load_study(tmp_path / "study.toml")

    assert second.fleets["deep"].learning.local_epochs == first.fleets["deep"].learning.local_epochs == 5
    assert second.frozen() == first.frozen()


def test_seeds_are_those_of_the_list_or_follow_the_fleets_own(tmp_path: Path) -> None:
    listed, free = plan(tmp_path), plan(tmp_path, STUDY.replace("seeds = [3, 4]\n", ""))

    assert (listed.seeds(), listed.seeds(1), free.seeds(), free.seeds(2)) == ((3, 4), (3,), (*range(7, 17),), (7, 8))
    with pytest.raises(UsageError, match="--seeds 3: small lists 2 seeds"):
        listed.seeds(3)


@pytest.mark.parametrize("name", shipped_studies())
def test_the_shipped_studies_can_be_run(name: str) -> None:
    found = load_study(name)

    assert found.study.name == name
    assert [*found.fleets] == ["fleet", "ideal", *(arm.name for arm in found.study.arm)]
    assert found.study.about in found.fleets


def test_a_fleet_beside_the_study_goes_before_one_that_ships(tmp_path: Path) -> None:
    file = written(tmp_path)

    assert load_study(file).fleets["fleet"] == load_fleet(tmp_path / "tiny.toml")


def test_the_schema_knows_every_key() -> None:
    assert set(schema("study")["properties"]) == {field.alias or name for name, field in Study.model_fields.items()}
    assert len(set(REFERENCES)) == len(REFERENCES)
