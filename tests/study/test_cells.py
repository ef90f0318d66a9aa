"""Cells: what each arm leaves for each seed, on the same days."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from broker.errors import RunFolderError
from devices.learning import baselines
from fleetbeat.study.cell_file import folder_of, read_cell, write_cell
from fleetbeat.study.engines.processes import Processes
from fleetbeat.study.folder import StudyFolder
from fleetbeat.study.run import Studied, run
from fleetbeat.study.same_days import ON_THE_BENCH
from fleetbeat.study.settings import REFERENCES
from tests.study.ground import CRASHING, STUDY, Here, plan
from tests.study_verdict.ground import cells
from tests.world.ground import assert_same_bytes, table

EXOGENOUS = ("charging", "near_link", "far_link", "place", "worn", "in_use")
SEEDS = (3, 4)


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("study")


@pytest.fixture(scope="module")
def studied(ground: Path) -> Studied:
    """A study of two seeds, one arm of which crashes."""
    return run(plan(ground, STUDY + CRASHING), ground / "out", Here(), seeds=SEEDS, quiet=True)


def known(studied: Studied, arm: str, seed: int = 3) -> dict[str, object]:
    return json.loads((folder_of(studied.path, arm, seed) / "cell.json").read_text())  # type: ignore[no-any-return]  # JSON


def lived_through(folder: Path) -> dict[str, list[tuple[float, tuple[str, ...]]]]:
    """What the wearers and the world did to each device: the moments at which something changed."""
    lives: dict[str, list[tuple[float, tuple[str, ...]]]] = {}
    for line in table(folder, "life.csv"):
        now = tuple(line[column] for column in EXOGENOUS)
        own = lives.setdefault(line["device"], [])
        if not own or own[-1][1] != now:
            own.append((float(line["from_s"]), now))
    return lives


def test_every_arm_and_seed_leaves_a_cell(studied: Studied) -> None:
    assert {(cell.arm, cell.seed) for cell in studied.cells} == {
        (arm, seed) for arm in (*REFERENCES, "half", "same", "broken") for seed in SEEDS
    }
    assert not studied.stopped


def test_all_arms_live_the_same_days(studied: Studied) -> None:
    fleet, half, without = (lived_through(folder_of(studied.path, arm, 3)) for arm in ("fleet", "half", "no-training"))
    until = {device: len(lives) for device, lives in half.items()}  # runs end after their last round

    assert half.keys() == without.keys() == fleet.keys()
    for device, count in until.items():
        shared = min(count, len(fleet[device]))
        assert half[device][:shared] == fleet[device][:shared] == without[device][:shared]
        assert shared > 3
    assert lived_through(folder_of(studied.path, "fleet", 4)) != fleet


def test_arms_of_the_same_fleet_share_a_run(studied: Studied) -> None:
    fleet, same = read_cell(studied.path, "fleet", 3), read_cell(studied.path, "same", 3)

    assert fleet is not None
    assert same == replace(fleet, arm="same", shares="fleet")
    assert [path.name for path in folder_of(studied.path, "same", 3).iterdir()] == ["cell.json"]


def test_days_that_nobody_learns_on_make_learning_no_cheaper(ground: Path, studied: Studied) -> None:
    longer = STUDY.replace("seeds", "set = { days = 3 }\nseeds", 1)

    other = run(plan(ground, longer), ground / "longer", Here(), seeds=SEEDS[:1], quiet=True)

    ours, theirs = (read_cell(path, "fleet", 3) for path in (studied.path, other.path))
    assert ours is not None
    assert theirs is not None
    assert ours.lived is not None
    assert theirs.lived is not None
    assert {kind: cost.mb_a_month for kind, cost in theirs.lived.kinds.items()} == {
        kind: cost.mb_a_month for kind, cost in ours.lived.kinds.items()
    }


def test_a_crashed_arm_is_marked_and_the_others_go_on(studied: Studied) -> None:
    assert [(cell.arm, cell.seed) for cell in studied.crashed] == [("broken", 3), ("broken", 4)]
    assert all("no good" in (cell.error or "") for cell in studied.crashed)
    assert (studied.path / "verdict.json").is_file()


def test_a_reference_that_crashes_says_so_itself_and_takes_no_other_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object) -> None:
        raise ValueError("it broke")

    monkeypatch.setattr(baselines, "central", breaks)

    studied = run(plan(tmp_path), tmp_path / "out", Here(), seeds=SEEDS[:1], quiet=True)

    assert [(cell.arm, cell.error) for cell in studied.crashed] == [("central", "ValueError: it broke")]
    assert {"local-only", "personalised"} <= {cell.arm for cell in studied.cells if cell.own is not None}


def test_all_arms_are_judged_on_the_same_nights(studied: Studied) -> None:
    for yardstick, arms in {
        "strangers": ("fleet", "half", "ideal", "central"),
        "own": ("fleet", "half", "ideal", "central", "local-only", "personalised"),
    }.items():
        judged = [getattr(cell, yardstick) for cell in studied.cells if cell.arm in arms and cell.seed == 3]
        truths = [[[sum(row) for row in answers] for answers in one.answers] for one in judged]

        assert len(judged) == len(arms)
        assert all(one.who == judged[0].who for one in judged)
        assert all(truth == truths[0] for truth in truths)
    assert read_cell(studied.path, "local-only", 3).strangers is None  # type: ignore[union-attr]  # it is there


def test_the_curve_ends_where_strangers_judge_the_final_model(studied: Studied) -> None:
    cell = read_cell(studied.path, "fleet", 3)
    assert cell is not None
    assert cell.strangers is not None

    assert [moment.round for moment in cell.curve] == [0, 1, 2]
    assert cell.curve[-1].balanced_accuracy == cell.strangers.figures["balanced_accuracy"]


def test_outcomes_add_up_to_the_selected_and_energy_to_the_devices(studied: Studied) -> None:
    cell = read_cell(studied.path, "fleet", 3)
    assert cell is not None
    assert cell.lived is not None
    folder = folder_of(studied.path, "fleet", 3)
    rounds, spent = table(folder, "outcomes.csv"), table(folder, "devices.csv")

    assert sum(cell.lived.outcomes.values()) == cell.lived.selected
    assert cell.lived.learning_j == pytest.approx(sum(float(line["energy_j"]) for line in rounds))
    watches = [line for line in spent if line["kind"] == "smartwatch"]  # its sensors need no radio
    ordinary = {
        line["device"]: float(line["j_a_day"])
        for line in table(folder_of(studied.path, "no-training", 3), "ordinary.csv")
    }
    days = cell.lived.virtual_s / 86_400
    share = sum(
        (float(line["training_j"]) + float(line["radio_j"])) / days / ordinary[line["device"]] for line in watches
    )
    assert cell.lived.kinds["smartwatch"].battery_day_share == pytest.approx(share / len(watches), rel=1e-3)


def test_what_learning_costs_is_told_of_kinds_that_train_alone(studied: Studied) -> None:
    # every phone of the fleet has a band, which never learns
    lived = {cell.arm: cell.lived for cell in studied.cells if cell.lived is not None}

    assert {"fleet", "ideal", "no-training"} <= {*lived}
    assert [{*one.kinds} for one in lived.values()] == [{"phone", "smartwatch"}] * len(lived)


def test_without_learning_nothing_is_spent_on_it(studied: Studied) -> None:
    cell = read_cell(studied.path, "no-training", 3)
    assert cell is not None
    assert cell.lived is not None

    assert (cell.lived.selected, cell.lived.learning_j, cell.strangers, cell.own) == (0, 0.0, None, None)
    assert all(kind.battery_day_share == 0.0 for kind in cell.lived.kinds.values())


def test_two_processes_write_the_same_bytes_as_one(studied: Studied, ground: Path) -> None:
    again = run(plan(ground, STUDY + CRASHING), ground / "two", Processes(2), seeds=SEEDS, quiet=True)

    assert [cell for cell in again.cells if cell.error is None] == [c for c in studied.cells if c.error is None]
    for cell in studied.cells:
        assert_same_bytes(*(folder_of(one.path, cell.arm, cell.seed) for one in (studied, again)))


def test_a_study_that_was_stopped_goes_on_with_what_is_missing(studied: Studied, ground: Path) -> None:
    out, stopping, going_on = ground / "stopped", Here(until=3), Here()
    shutil.copytree(studied.path, out)
    for arm in ("half", "central", "ideal", "broken"):
        shutil.rmtree(folder_of(out, arm, 3))
    before = (folder_of(out, "half", 4) / "cell.json").stat().st_mtime_ns

    stopped = run(plan(ground, STUDY + CRASHING), out, stopping, seeds=(3,), quiet=True)
    went_on = run(plan(ground, STUDY + CRASHING), out, going_on, seeds=(3,), quiet=True)

    assert (stopped.stopped, went_on.stopped) == (True, False)
    assert [arm for arm, _ in stopping.lived] == ["fleet", "central", "local-only"]
    # buffers are not kept: for central, which is trained from them, the fleet lives its days again
    assert [arm for arm, _ in going_on.lived] == ["half", "broken", "ideal"]
    assert (folder_of(out, "half", 4) / "cell.json").stat().st_mtime_ns == before
    for arm in (*REFERENCES, "half", "same"):
        assert_same_bytes(folder_of(out, arm, 3), folder_of(studied.path, arm, 3))


@pytest.mark.parametrize(("fleet", "persons"), [("recorded-nights", 20), ("household", None)])
def test_whose_persons_come_back_is_known_from_the_fleet(fleet: str, persons: int | None, tmp_path: Path) -> None:
    kept = 'set = { learning.test_persons = ["46343"] }\n' if persons else ""
    asked = plan(tmp_path, f'schema = 1\nname = "small"\nasks = "?"\nfleet = "{fleet}"\nseeds = [3, 4]\n{kept}')
    StudyFolder(tmp_path / "out", asked)
    for cell in cells(dict.fromkeys(("fleet", "ideal", *ON_THE_BENCH), 0.7), seeds=SEEDS):
        write_cell(tmp_path / "out", cell)

    studied = run(asked, tmp_path / "out", Here(), seeds=SEEDS, quiet=True)

    reached = studied.verdict.figures["fleet"].balanced_accuracy
    assert reached is not None
    assert reached.persons == persons


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A folder with something else in it."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    return out


def test_a_folder_with_something_else_is_refused(other: Path, tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="holds files and no study"):
        run(plan(tmp_path), other, Here(), seeds=(3,), quiet=True)


def test_another_study_is_not_written_over(studied: Studied, ground: Path) -> None:
    changed = STUDY.replace("fraction_train = 0.5", "fraction_train = 0.4") + CRASHING

    with pytest.raises(RunFolderError, match="holds another study, or this one before it was changed"):
        run(plan(ground, changed), studied.path, Here(), seeds=(3,), quiet=True)
