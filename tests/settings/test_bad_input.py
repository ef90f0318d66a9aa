"""What is wrong with a fleet file is said at the door: file, key, what was found, what was expected."""

import re
from pathlib import Path

import pytest

from broker.errors import RecordingError, SettingsError
from devices.fleet_file import load_fleet
from tests.settings.conftest import SMALLEST, WALCH_SAMPLE, Written

NUMBERS = {
    "seed": ("-1", "a whole number from 0 to 9007199254740992"),
    "days": ("0", "a number above 0 and at most 3660"),
    "learning.rounds": ("-3", "a whole number from 1 to 100000"),
    "learning.fraction_train": ("0", "a number above 0 and at most 1"),
    "learning.fraction_evaluate": ("1.01", "a number from 0 to 1"),
    "learning.min_train_devices": ("0", "a whole number from 1 to 1000000"),
    "learning.first_round_s": ("-1", "a number from 0 to 316224000"),
    "learning.round_every_s": ("1e99", "a number from 0 to 316224000"),
    "learning.round_deadline_s": ("0", "a number above 0 and at most 316224000"),
    "learning.history_nights": ("-1", "a whole number from 0 to 3660"),
    "learning.local_epochs": ("0", "a whole number from 1 to 1000"),
    "learning.heartbeat_s": ("0", "a number above 0 and at most 86400"),
    "learning.poll_s": ("-3", "a number from 0 to 3600"),
    "learning.min_examples": ("-1", "a whole number from 0 to 1000000"),
    "learning.work.gflop": ("-800", "a number from 0 to 1000000000"),
    "learning.work.mb_up": ("1e9", "a number from 0 to 1000000"),
}


def complaint(file: Path) -> str:
    """What loading *file* says, without the file's name, which must come first."""
    with pytest.raises(SettingsError) as refused:
        load_fleet(file)
    message = str(refused.value)
    assert message.startswith(f"{file}: ")
    return message.removeprefix(f"{file}: ")


def assigned(key: str, value: str) -> str:
    """A small fleet with one more key, dotted."""
    return f"{key} = {value}\n{SMALLEST}"


@pytest.mark.parametrize(("key", "bad", "expected"), [(key, *rest) for key, rest in NUMBERS.items()])
def test_a_number_out_of_bounds_is_told_its_bounds(key: str, bad: str, expected: str, written: Written) -> None:
    found = complaint(written(assigned(key, bad)))

    assert re.fullmatch(rf"{key}: found -?[\d.e+]+, expected {expected}", found)


@pytest.mark.parametrize("bad", ["nan", "inf", "-inf"])
def test_a_number_that_is_none_is_refused(bad: str, written: Written) -> None:
    assert complaint(written(assigned("days", bad))) == f"days: found {bad}, expected a number above 0 and at most 3660"
    assert complaint(written(assigned("learning.strategy_options.eta", bad))) == (
        f"learning.strategy_options.eta: found {bad}, expected a finite number"
    )


@pytest.mark.parametrize(
    ("key", "bad", "found", "expected"),
    [
        ("learning.rounds", '"3"', '"3"', "a whole number from 1 to 100000"),
        ("learning.rounds", "3.5", "3.5", "a whole number from 1 to 100000"),
        ("learning.fraction_train", "true", "true", "a number above 0 and at most 1"),
        ("seed", "true", "true", "a whole number from 0 to 9007199254740992"),
        ("ideal", "1", "1", "true or false"),
        ("name", "3", "3", "a name of 1 to 64 letters, digits, dots, dashes and underscores"),
        ("name", '"a/b"', '"a/b"', "a name of 1 to 64 letters, digits, dots, dashes and underscores"),
        ("learning", "3", "3", "a table"),
        ("event", "3", "3", "a list"),
        ("schema", "2", "2", "1"),
        (
            "learning.model",
            '"logistics"',
            '"logistics"',
            'one of logistic, mlp, lstm, xgboost; did you mean "logistic"?',
        ),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(key: str, bad: str, found: str, expected: str, written: Written) -> None:
    text = "\n".join(line for line in SMALLEST.splitlines() if not line.startswith(f"{key} ="))

    assert complaint(written(f"{key} = {bad}\n{text}")) == f"{key}: found {found}, expected {expected}"


@pytest.mark.parametrize("bad", ["2026-01-05", "2026-01-05T18:00:00Z", "1969-01-05T18:00:00", '"monday"'])
def test_a_start_that_is_no_local_time_is_refused(bad: str, written: Written) -> None:
    assert re.fullmatch(
        r"start: found .+, expected local date and time without a zone, from 1980 to 2200, such as 2026-01-05T18:00:00",
        complaint(written(assigned("start", bad))),
    )


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("learning.fraction_trian", "fraction_train"),
        ("sede", "seed"),
        ("learning.work.gflops", "gflop"),
    ],
)
def test_an_unknown_key_gets_a_suggestion(key: str, meant: str, written: Written) -> None:
    assert complaint(written(assigned(key, "1"))) == f'{key}: unknown key; did you mean "{meant}"?'


def test_an_unknown_key_that_is_like_no_other_is_told_which_there_are(written: Written) -> None:
    assert complaint(written(assigned("learning.work.xyz", "1"))) == (
        "learning.work.xyz: unknown key; expected one of gflop, mb_down, mb_up"
    )


@pytest.mark.parametrize(
    ("key", "bad", "meant"),
    [
        ("learning.task", "night-qality", "night-quality"),
        ("learning.strategy", "fedavgg", "fedavg"),
        ("learning.selectable", "reachble", "reachable"),
        ("learning.label_source", "diery", "diary"),
        ("learning.epochs", "inbed", "in_bed"),
    ],
)
def test_an_unknown_choice_gets_the_choices_and_a_suggestion(key: str, bad: str, meant: str, written: Written) -> None:
    found = complaint(written(assigned(key, f'"{bad}"')))

    assert found.startswith(f'{key}: found "{bad}", expected one of ')
    assert found.endswith(f'; did you mean "{meant}"?')


@pytest.mark.parametrize("bad", ["mine.py:", "nowhere.txt:Mine", ":Mine", "mine.py:9lives"])
def test_a_strategy_of_your_own_is_a_file_and_a_class(bad: str, written: Written) -> None:
    found = complaint(written(assigned("learning.strategy", f'"{bad}"')))

    assert "or path.py:Class" in found


def test_a_strategy_file_must_be_there(written: Written) -> None:
    file = written(assigned("learning.strategy", '"mine.py:Mine"'))

    assert complaint(file) == f"learning.strategy: found no file {file.parent / 'mine.py'}, expected path.py:Class"


KINDS = "one of band, phone, phone-high, phone-low, phone-worn, ring, ring-early, smartwatch, sports-watch, tablet"
EITHER = "expected count (how many wearers) or recordings (a folder)"
WEARERS = "a whole number from 1 to 1000000"


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ('kind = "fone"\ncount = 1', f'.kind: found "fone", expected {KINDS}; did you mean "phone"?'),
        ("count = 1", f".kind: missing, expected {KINDS}"),
        (
            'kind = "phone"\nwith = ["rnig"]\ncount = 1',
            f'.with.0: found "rnig", expected {KINDS}; did you mean "ring"?',
        ),
        ('kind = "phone"\ncount = 0', f".count: found 0, expected {WEARERS}"),
        ('kind = "phone"\ncount = 1000001', f".count: found 1000001, expected {WEARERS}"),
        ('kind = "phone"\ncount = "one"', f'.count: found "one", expected {WEARERS}'),
        ('kind = "phone"', f": found neither count nor recordings, {EITHER}"),
        ('kind = "ring"\ncount = 1\nrecordings = "x"', f": found both count and recordings, {EITHER}"),
        (
            'kind = "phone"\nrecordings = "x"',
            ": found recordings and no device that senses, expected one, such as phone with a band",
        ),
        ('kind = "phone"\ncount = 1\ncuont = 1', '.cuont: unknown key; did you mean "count"?'),
    ],
)
def test_a_group_that_cannot_be_is_refused(group: str, expected: str, written: Written) -> None:
    assert complaint(written(f'schema = 1\nname = "x"\n[[group]]\n{group}\n')) == f"group.0{expected}"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            "battery = 3",
            'battery: found no such figure, expected one of `fleetbeat kinds phone`; did you mean "battery_wh"?',
        ),
        ("battery_wh = -3", "battery_wh: found -3, expected a number above 0 and at most 1000"),
        ("battery_wh = nan", "battery_wh: found nan, expected a finite number, true, false or a word"),
        ('"ready.needs_charging" = 1', "ready.needs_charging: found 1, expected true or false"),
        ("charge_mw = 10", "charge_mw: found 10, expected more than its draw at rest, 300 mW"),
        ("battery_wh = 0.1", "battery_wh: found 0.1, expected to outlast an hour of 300 mW"),
    ],
)
def test_a_figure_that_cannot_be_is_refused(change: str, expected: str, written: Written) -> None:
    assert complaint(written(f"{SMALLEST}set = {{ {change} }}\n")) == f"group.0.set.{expected}"


@pytest.mark.parametrize("groups", ["", "group = []"])
def test_an_empty_fleet_is_refused(groups: str, written: Written) -> None:
    assert "expected at least one [[group]]" in complaint(written(f'schema = 1\nname = "x"\n{groups}\n'))


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (
            'at_s = 1\ndevice = "phone-2"\ndo = "unplug"',
            '.device: found "phone-2", expected a device of the fleet; did you mean "phone-1"?',
        ),
        ('at_s = 1\ndevice = "phone-1"\ndo = "unplgu"', 'did you mean "unplug"?'),
        ('at_s = -1\ndevice = "phone-1"\ndo = "plug"', ".at_s: found -1, expected a number from 0 to 316224000"),
        ('device = "phone-1"\ndo = "plug"', ".at_s: missing, expected a number from 0 to 316224000"),
    ],
)
def test_an_event_that_cannot_be_is_refused(event: str, expected: str, written: Written) -> None:
    assert expected in complaint(written(f"{SMALLEST}\n[[event]]\n{event}\n"))


def test_everything_that_is_wrong_is_said_at_once(written: Written) -> None:
    file = written("days = -1\nlearning.rounds = 0\n" + SMALLEST.replace('"phone"', '"fone"'))

    assert complaint(file).splitlines() == [
        "3 things are wrong",
        "  days: found -1, expected a number above 0 and at most 3660",
        "  learning.rounds: found 0, expected a whole number from 1 to 100000",
        f'  group.0.kind: found "fone", expected {KINDS}; did you mean "phone"?',
    ]


def test_broken_toml_is_told_its_line(written: Written) -> None:
    assert re.fullmatch(r"is not TOML: .+ \(at line 8, column 5\)", complaint(written(SMALLEST + "x = = 1\n")))


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "photo.toml"
    file.write_bytes(b'name = "\xff"')

    assert complaint(file) == "is not TOML: byte 8 is not UTF-8"


def test_a_fleet_that_is_not_there_gets_the_names_that_are() -> None:
    with pytest.raises(SettingsError, match=r'^housheold: no such file, .*household, .*; did you mean "household"\?$'):
        load_fleet("housheold")


def test_a_folder_is_no_fleet(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="is a folder, expected a fleet file"):
        load_fleet(tmp_path)


def recorded(written: Written, learning: str = 'task = "sleep-wake"', folder: Path = WALCH_SAMPLE) -> Path:
    return written(
        f'schema = 1\nname = "x"\n[learning]\n{learning}\n[[group]]\nkind = "smartwatch"\nrecordings = "{folder}"\n'
    )


def test_setting_the_history_of_recordings_is_an_error(written: Written) -> None:
    file = recorded(written, 'task = "sleep-wake"\nhistory_nights = 0')

    assert complaint(file) == "learning.history_nights: found 0, expected none: a recording brings its own past"


def test_night_quality_needs_ten_recorded_nights(written: Written) -> None:
    assert complaint(recorded(written, 'task = "night-quality"')).startswith(
        "learning.task: found night-quality for recordings of 6 nights, expected at least 10 nights"
    )


def test_test_persons_are_persons_of_the_recordings(written: Written) -> None:
    file = recorded(written, 'task = "sleep-wake"\ntest_persons = ["4634"]')

    assert complaint(file) == (
        'learning.test_persons: found "4634", expected persons of the recordings; did you mean "46343"?'
    )


def test_somebody_must_be_left_to_learn_from(written: Written) -> None:
    everybody = [folder.name for folder in WALCH_SAMPLE.iterdir() if folder.is_dir()]
    file = recorded(written, f'task = "sleep-wake"\ntest_persons = {everybody}')

    assert complaint(file) == "learning.test_persons: found all 6 persons, expected somebody left to learn from"


def test_test_persons_without_recordings_are_an_error(written: Written) -> None:
    file = written(assigned("learning.test_persons", '["46343"]'))

    assert complaint(file) == "learning.test_persons: found ['46343'], expected none: only recordings have persons"


def test_recordings_that_are_not_there_are_an_error(written: Written, tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"nowhere/recordings\.toml: not found"):
        load_fleet(recorded(written, folder=tmp_path / "nowhere"))
