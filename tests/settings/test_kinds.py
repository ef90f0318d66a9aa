"""The kinds that ship: every figure with its source, and devices that could be."""

import pytest

from broker.errors import SettingsError
from devices.kinds import Kind, kind_named, kinds, read_profile
from fleetbeat.kinds import catalogue, words

PROFILE = """kind = "toy"
title = "Toy"
carry = "worn"
trains = false
charging_habit = "band"
sync_every_s = 900.0
outbox_readings = 1000
buffer_readings = 1000

[senses]
heart_rate = 60.0

[figures]
battery_wh = { value = 0.5, unit = "Wh", status = "assumed", source = "a test" }
charge_mw = { value = 500, unit = "mW", status = "assumed", source = "a test" }
idle_mw = { value = 2, unit = "mW", status = "assumed", source = "a test" }
gflops = { value = 1, unit = "GFLOP/s", status = "assumed", source = "a test" }
in_use_speed = { value = 1, unit = "share", status = "assumed", source = "a test" }
saver_at = { value = 0.1, unit = "share", status = "assumed", source = "a test" }
low_at = { value = 0.2, unit = "share", status = "assumed", source = "a test" }
"""


def rest_days(kind: Kind) -> float:
    return kind.battery_wh * 1_000 / (kind.idle_mw + kind.sensing_mw) / 24


def test_ten_kinds_ship() -> None:
    phones = {"phone", "phone-high", "phone-low", "phone-worn"}
    watches = {"smartwatch", "sports-watch"}
    assert set(kinds()) == {"band", "ring", "ring-early", "tablet"} | phones | watches
    assert {kind.kind for kind in kinds().values() if kind.trains} == {"tablet"} | phones | watches
    assert {kind.kind for kind in kinds().values() if kind.senses} == {"band", "ring", "ring-early"} | watches


@pytest.mark.parametrize("kind", kinds().values(), ids=lambda kind: kind.kind)
def test_a_kind_sends_at_least_every_fifteen_minutes_and_all_its_numbers_have_a_source(kind: Kind) -> None:
    sourced = {figure.name for figure in kind.figures}
    numbers = {name for name, value in kind.model_dump().items() if isinstance(value, float) and value}

    assert kind.sync_every_s <= 900
    assert numbers - {"sync_every_s"} <= sourced
    assert all(figure.unit or isinstance(figure.value, bool) for figure in kind.figures)


def test_batteries_last_as_long_as_was_measured() -> None:
    assert 0.75 <= rest_days(kind_named("smartwatch")) <= 2
    assert 5 <= rest_days(kind_named("band")) <= 7
    assert 4 <= rest_days(kind_named("ring")) <= 7
    assert 2 <= rest_days(kind_named("ring-early")) <= 3
    assert rest_days(kind_named("sports-watch")) >= 5


def test_classes_of_phones_train_as_fast_as_they_were_measured() -> None:
    low, middle, high = (kind_named(kind).gflops for kind in ("phone-low", "phone", "phone-high"))

    assert middle / low == pytest.approx(1642 / 588, rel=0.02)
    assert high / middle == pytest.approx(588 / 179, rel=0.02)


def test_a_worn_battery_holds_less_of_the_same() -> None:
    worn, new = kind_named("phone-worn"), kind_named("phone-low")

    assert worn.battery_wh == new.battery_wh
    assert worn.capacity_wh < 0.7 * new.capacity_wh


def test_a_watch_may_train_off_its_charger_at_the_price_of_a_fuller_battery() -> None:
    watch, phone = kind_named("smartwatch").ready, kind_named("phone").ready

    assert not watch.needs_charging
    assert phone.needs_charging
    assert watch.min_battery > phone.min_battery == 0.2


def test_a_profile_becomes_a_kind() -> None:
    assert read_profile(PROFILE, "toy.toml").charge_mw == 500


@pytest.mark.parametrize(
    ("good", "bad", "complaint"),
    [
        ('status = "assumed"', 'status = "guessed"', "status: found"),
        ('source = "a test"', 'source = ""', "source: found"),
        ("value = 2,", "value = -2,", "idle_mw: found -2"),
        ("value = 2,", "value = 600,", "battery_wh: found 0.5, expected to outlast an hour of 600 mW"),
        ("value = 500,", "value = 1,", "charge_mw: found 1, expected more than its draw at rest, 2 mW"),
        ("heart_rate", "hart_rate", "senses.hart_rate: found no such channel"),
        ("heart_rate = 60.0", "heart_rate = 45.0", "senses.heart_rate: found 45, expected a multiple of 30 s"),
        (
            "heart_rate = 60.0",
            "heart_rate = 60.0\n[senses_in_session]\nheart_rate = 7.0",
            "senses_in_session.heart_rate: found 7, expected 1 s or more, and a part of 60 s",
        ),
        (
            "heart_rate = 60.0",
            "movement = 30.0\n[senses_in_session]\nmovement = 5.0",
            "senses_in_session.movement: found 5, expected 30 s or more, and a part of 30 s",
        ),
        (
            "heart_rate = 60.0",
            "heart_rate = 60.0\n[senses_in_session]\nlight = 5.0",
            "senses_in_session.light: found no such channel, expected one of its senses",
        ),
        ('"band"', '"bnad"', 'charging_habit: found "bnad"'),
        ("trains = false", "trains = true", "far: found no radio"),
        ("title", "titel", "title: missing"),
        ('kind = "toy"', "kind = = 1", "is not TOML"),
    ],
)
def test_a_device_that_cannot_be_is_refused(good: str, bad: str, complaint: str) -> None:
    assert good in PROFILE

    with pytest.raises(SettingsError) as refused:
        read_profile(PROFILE.replace(good, bad, 1), "toy.toml")

    assert str(refused.value).startswith("toy.toml: ")
    assert complaint in str(refused.value)


def test_the_catalogue_has_every_kind_with_its_figures() -> None:
    listed = catalogue()

    assert [kind["kind"] for kind in listed] == sorted(kinds())
    assert {"name", "value", "unit", "status", "source"} <= set(listed[0]["figures"][0])
    assert catalogue("ring")[0]["kind"] == "ring"


def test_the_catalogue_can_be_read(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.console import Console

    console = Console(width=200)
    console.print(words())
    console.print(words("smartwatch"))

    shown = capsys.readouterr().out
    assert "iFixit" in shown
    assert "heart_rate every 60 s (5 s during sport)" in shown
    assert all(kind in shown for kind in kinds())


def test_an_unknown_kind_gets_a_suggestion() -> None:
    with pytest.raises(SettingsError, match=r'kind: found "smartwach", .*; did you mean "smartwatch"\?'):
        catalogue("smartwach")
