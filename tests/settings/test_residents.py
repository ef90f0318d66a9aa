"""Who lives in a fleet: names, wearers, and who keeps whose readings."""

from pathlib import Path

from devices.fleet_file import load_fleet
from devices.kinds import kind_named
from devices.overrides import Overrides
from devices.residents import residents
from tests.settings.conftest import WALCH_SAMPLE, Written


def test_devices_are_numbered_through_the_file(written: Written) -> None:
    file = written("""schema = 1
name = "x"
[[group]]
kind = "phone"
with = ["band"]
count = 2
[[group]]
kind = "smartwatch"
count = 1
[[group]]
name = "late"
kind = "phone"
count = 1
[[group]]
kind = "ring"
count = 1
""")

    lines = [(d.name, d.wearer, d.group, d.trainer) for d in residents(load_fleet(file))]

    assert lines == [
        ("phone-1", "wearer-1", "phone+band-1", "phone-1"),
        ("band-1", "wearer-1", "phone+band-1", "phone-1"),
        ("phone-2", "wearer-2", "phone+band-1", "phone-2"),
        ("band-2", "wearer-2", "phone+band-1", "phone-2"),
        ("smartwatch-1", "wearer-3", "smartwatch-2", "smartwatch-1"),
        ("phone-3", "wearer-4", "late", "phone-3"),
        ("ring-1", "wearer-5", "ring-4", None),
    ]


def test_a_wearer_of_two_that_train_keeps_a_bands_readings_on_the_first(written: Written) -> None:
    file = written('schema = 1\nname = "x"\n[[group]]\nkind = "tablet"\nwith = ["phone", "band"]\ncount = 1\n')

    assert {d.name: d.trainer for d in residents(load_fleet(file))} == {
        "tablet-1": "tablet-1",
        "phone-1": "phone-1",
        "band-1": "tablet-1",
    }


def test_each_recorded_person_is_a_wearer_but_test_persons_are_in_no_device() -> None:
    fleet = load_fleet("recorded-nights", Overrides(sets=('learning.test_persons=["46343"]',)))

    people = residents(fleet)

    assert [d.name for d in people] == [f"smartwatch-{n}" for n in range(1, 6)]
    assert {d.recording for d in people} == {
        (WALCH_SAMPLE, person) for person in ("2638030", "3997827", "4018081", "4314139", "9106476")
    }


def test_a_group_may_change_figures_of_its_kind_and_of_no_other(written: Written) -> None:
    file = written("""schema = 1
name = "x"
[[group]]
kind = "phone"
with = ["band"]
count = 1
set = { battery_wh = 10.0, outbox_readings = 500 }
[[group]]
kind = "phone"
count = 1
""")

    worn_out, band, ordinary = residents(load_fleet(file))

    assert worn_out.kind.battery_wh == 10.0
    assert worn_out.kind.outbox_readings == 500
    assert {f.name: (f.value, f.source) for f in worn_out.kind.figures}["battery_wh"] == (10.0, "the fleet file")
    assert band.kind is kind_named("band")
    assert ordinary.kind is kind_named("phone")


def test_a_wearers_devices_follow_one_recording(written: Written, tmp_path: Path) -> None:
    file = written(
        'schema = 1\nname = "x"\n[learning]\ntask = "sleep-wake"\n'
        '[[group]]\nkind = "phone"\nwith = ["band"]\nrecordings = "recordings/walch-sample"\n'
    )

    phone, band, *_ = residents(load_fleet(file))

    assert phone.recording == band.recording == (WALCH_SAMPLE, "2638030")
