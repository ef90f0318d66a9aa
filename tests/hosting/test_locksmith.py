"""The service `keys`: everybody gets what is theirs, and nothing changes that need not."""

import os
import stat
from pathlib import Path

import pytest

from broker.credentials import read_credentials
from broker.errors import UsageError
from broker.keyring import read_keys
from devices.fleet_file import Overrides, load_fleet
from devices.residents import residents
from fleetbeat.locksmith import Hand, hand_over, hands, houses, open_to_all

FLEET = load_fleet("household")
WORDS = ("smartwatch=smartwatch-1", "phone=phone-1", "tablet=tablet-1", "city=*")
HOMES = houses(WORDS, residents(FLEET))


def everything(cabinet: Path, *, keep: bool = True) -> dict[str, Hand]:
    return hands(FLEET, cabinet, HOMES, keep=keep)


def test_who_lives_in_no_other_house_lives_in_the_city() -> None:
    city = houses(WORDS, residents(load_fleet("household-city")))

    assert (HOMES["city"], len(city["city"])) == ([], 200)


def test_what_a_house_had_goes_when_nobody_lives_there_any_more(tmp_path: Path) -> None:
    city = load_fleet("household-city")
    before = hands(city, tmp_path, houses(WORDS, residents(city)), keep=True)

    after = everything(tmp_path)

    assert "credentials" in before["city"].files
    assert after["city"].files == {}


def test_a_house_of_a_stranger_is_refused() -> None:
    with pytest.raises(UsageError, match="no device of this fleet is called 'phone-9'"):
        houses(["phone=phone-9"], residents(FLEET))


def test_each_service_gets_what_it_needs_and_no_more(tmp_path: Path) -> None:
    given = {name: set(hand.files) for name, hand in everything(tmp_path).items()}

    common = {"ca.crt", "fleet.toml", "credentials"}
    assert given == {
        "broker": {"mosquitto.conf", "passwords", "acl", "ca.crt", "server.crt", "server.key", "mosquitto_sub"},
        "superlink": common | {"superlink.crt", "superlink.key"},
        "aggregator": common,
        "observer": {"ca.crt", "mosquitto_sub"},
        "smartwatch": common | {"mosquitto_sub", "keys/wearer-1"},
        "phone": common | {"mosquitto_sub", "keys/wearer-2"},
        "tablet": common | {"mosquitto_sub", "keys/wearer-3"},
        "city": set(),
    }


def test_nobody_gets_the_authoritys_key(tmp_path: Path) -> None:
    given = everything(tmp_path)

    secret = (tmp_path / "ca.key").read_bytes()
    assert not [name for name, hand in given.items() if secret in hand.files.values()]


def test_later_starts_change_nothing_and_a_renewal_everything(tmp_path: Path) -> None:
    first = everything(tmp_path)
    second = everything(tmp_path)
    third = everything(tmp_path, keep=False)

    hashed = ("passwords",)  # salted anew
    assert {
        name: {file: hand.files[file] for file in hand.files if file not in hashed} for name, hand in first.items()
    } == {name: {file: hand.files[file] for file in hand.files if file not in hashed} for name, hand in second.items()}
    assert not {"ca.crt", "credentials", "keys/wearer-2"} & {
        file for file, content in third["phone"].files.items() if content == first["phone"].files[file]
    }


def test_all_are_told_the_same_fleet_with_what_was_set(tmp_path: Path) -> None:
    fleet = load_fleet("household", Overrides(seed=9, rounds=1))

    given = hands(fleet, tmp_path, HOMES, keep=True)

    for name in ("superlink", "aggregator", "phone"):
        (tmp_path / "told.toml").write_bytes(given[name].files["fleet.toml"])
        assert load_fleet(tmp_path / "told.toml") == fleet


def test_the_broker_is_told_where_its_files_are_in_its_container(tmp_path: Path) -> None:
    written = everything(tmp_path)["broker"].files["mosquitto.conf"].decode()

    assert str(tmp_path) not in written
    assert "listener 8883\n" in written
    assert "certfile /secrets/server.crt\n" in written
    assert "persistence_location /secrets/data/\n" in written
    assert "user " not in written


def test_what_is_handed_over_is_its_owners_alone_and_what_is_not_theirs_any_more_goes(tmp_path: Path) -> None:
    folder, me = tmp_path / "phone", os.getuid()
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "mosquitto.db").write_bytes(b"sessions")
    hand_over(folder, Hand(me, {"keys/wearer-2": b"old", "credentials": b"phone:x"}))
    before = (folder / "credentials").stat().st_ino

    hand_over(folder, Hand(me, {"keys/wearer-9": b"new", "credentials": b"phone:x"}))

    files = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    assert set(files) == {"keys/wearer-9", "credentials", "data/mosquitto.db"}
    assert stat.S_IMODE(files["keys/wearer-9"].stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert files["credentials"].stat().st_ino == before  # who runs already may be reading it


def test_what_a_house_gets_is_what_its_commands_read(tmp_path: Path) -> None:
    hand = everything(tmp_path / "cabinet")["phone"]
    (tmp_path / "phone").mkdir()
    hand_over(tmp_path / "phone", Hand(os.getuid(), hand.files))

    credentials = read_credentials(tmp_path / "phone" / "credentials")
    assert credentials.of("phone")
    assert credentials.of("band-1")
    assert list(read_keys(tmp_path / "phone" / "keys")) == ["wearer-2"]


def test_everybody_may_add_a_run_and_nobody_remove_anothers(tmp_path: Path) -> None:
    open_to_all(tmp_path)

    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o1777
