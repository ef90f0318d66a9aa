"""`fleetbeat broker`: one folder with all that a broker of your own needs, and the commands that use it."""

import json
import shutil
from pathlib import Path

import pytest
from cryptography import x509

from broker.access import Access
from broker.certificates import new_authority, server_certificate, today
from broker.errors import UsageError
from broker.keyring import key_line, read_key, read_keys
from devices.fleet_file import Overrides, load_fleet
from devices.residents import residents
from fleetbeat.own_broker import write_everything
from tests.cli.conftest import Command

HERE = residents(load_fleet("household", Overrides()))


def written(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def secrets_of(folder: Path) -> dict[str, bytes]:
    """What nobody could make again: all but hashes and what follows from the fleet."""
    derived = ("passwords", "acl", "mosquitto.conf")
    return {name: content for name, content in written(folder).items() if name not in derived}


def certificate(folder: Path, name: str = "server.crt") -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / name).read_bytes())


def test_help_shows_an_example(fleetbeat: Command) -> None:
    assert "Example: fleetbeat broker household --out" in fleetbeat("broker", "--help").out.replace("\n", " ")


def test_it_says_what_it_wrote_and_how_to_use_it(fleetbeat: Command, tmp_path: Path) -> None:
    answer = fleetbeat("broker", "household", "--out", "mine", "--host", "broker.example", "--host", "10.1.2.3")

    assert (answer.code, answer.err) == (0, "")
    assert "mosquitto -c mine/mosquitto.conf" in answer.out
    assert (
        "fleetbeat run household --broker mqtts://broker.example:8883 --broker-ca mine/ca.crt "
        "--broker-credentials mine/credentials/all"
    ) in answer.out
    assert "XDG_CONFIG_HOME=mine/look mosquitto_sub" in answer.out
    names = certificate(tmp_path / "mine").extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["broker.example"]
    assert [str(ip) for ip in names.get_values_for_type(x509.IPAddress)] == ["10.1.2.3"]
    assert not any(secret in answer.out for secret in (tmp_path / "mine/credentials/all").read_text().split(":"))


def test_its_one_json_document_names_everything(fleetbeat: Command) -> None:
    answer = fleetbeat("broker", "household", "--out", "mine", "--json", "--insecure", "--set", "group.0.count=2")

    told = json.loads(answer.out)
    assert (told["path"], told["address"], told["ca"]) == ("mine", "mqtt://localhost:1883", None)
    assert told["credentials"] == "mine/credentials/all"
    assert {"smartwatch-2", "server", "observer", "house", "health"} < set(told["users"])
    assert "--set group.0.count=2" in told["commands"][1]


def test_each_gets_its_own_secrets_and_nobody_else_may_read_them(tmp_path: Path) -> None:
    write_everything("household", HERE, tmp_path, houses={"hall": ["phone-1", "band-1"]})

    files = written(tmp_path)
    everybody = dict(line.split(":") for line in files["credentials/all"].decode().split())
    assert {name.removeprefix("credentials/") for name in files if name.startswith("credentials/")} == {
        "all",
        *everybody,
    }
    assert files["credentials/band-1"].decode() == f"band-1:{everybody['band-1']}\n"
    assert [line.split(":")[0] for line in files["credentials/hall"].decode().split()] == ["hall", "phone-1", "band-1"]
    assert len(set(everybody.values())) == len(everybody)
    assert len(set(read_keys(tmp_path / "keys").values())) == len({device.wearer for device in HERE})
    public = {"ca.crt", "server.crt", "mosquitto.conf"}
    for name in files:
        assert (tmp_path / name).stat().st_mode & 0o777 == (0o644 if name in public else 0o600), name
    assert not any(secret.encode() in files["passwords"] for secret in everybody.values())


def test_a_folder_of_yours_is_never_overwritten(fleetbeat: Command, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("…")
    (tmp_path / "file").write_text("…")

    for name in ("mine", "file"):
        answer = fleetbeat("broker", "household", "--out", name)
        assert answer.code == 2
        assert f"{name}: is there already, expected an empty folder or none; --keep" in answer.err
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.tex"]


def test_what_makes_no_sense_is_told(fleetbeat: Command) -> None:
    told = {
        ("--keep", "--renew"): "--keep and --renew exclude each other",
        ("--host", "a b"): "host 'a b': expected a name such as broker.example",
        ("--house", "hall"): "--house hall: expected NAME=DEVICE",
        ("--house", "hall=phone-9"): "'phone-9' is no device of this fleet",
        ("--house", "server=phone-1"): "'server' is a name that the broker's own accounts have",
        ("--house", "phone-1=phone-1"): "'phone-1' is a device's name, not a house's",
    }
    for words, says in told.items():
        answer = fleetbeat("broker", "household", "--out", "mine", *words)
        assert (answer.code, says in answer.err) == (2, True), answer.err


def test_a_place_where_nothing_can_be_written_is_told(fleetbeat: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("…")

    answer = fleetbeat("broker", "household", "--out", "file/mine")

    assert (answer.code, "file/mine: cannot be written: Not a directory" in answer.err) == (2, True)


# --- again and again


def test_before_every_start_it_keeps_what_is_secret(tmp_path: Path) -> None:
    write_everything("household", HERE, tmp_path, ["broker"])
    before = secrets_of(tmp_path)

    write_everything("household", HERE, tmp_path, ["broker"])

    assert secrets_of(tmp_path) == before
    assert not [name for name in written(tmp_path) if name.endswith(".part")]


def test_who_comes_is_added_and_who_goes_is_gone(tmp_path: Path) -> None:
    write_everything("household", HERE[:3], tmp_path)
    before = secrets_of(tmp_path)

    write_everything("household", HERE[1:], tmp_path)

    after = secrets_of(tmp_path)
    gone, came = HERE[0], HERE[-1]
    assert {f"credentials/{gone.name}", f"keys/{gone.wearer}"} <= set(before) - set(after)
    assert {f"credentials/{came.name}", f"keys/{came.wearer}"} <= set(after) - set(before)
    assert gone.name not in (tmp_path / "passwords").read_text() + (tmp_path / "acl").read_text()
    for kept in ("ca.crt", "ca.key", "server.crt", f"credentials/{HERE[1].name}", f"keys/{HERE[1].wearer}"):
        assert after[kept] == before[kept]


def test_renewed_nothing_secret_stays_as_it_was(fleetbeat: Command, tmp_path: Path) -> None:
    fleetbeat("broker", "household", "--out", "mine")
    before = secrets_of(tmp_path / "mine")

    assert fleetbeat("broker", "household", "--out", "mine", "--renew").code == 0

    after = secrets_of(tmp_path / "mine")
    assert set(after) == set(before)
    assert [name for name in after if after[name] == before[name]] == []


def test_a_certificate_about_to_expire_is_renewed_by_the_same_authority(tmp_path: Path) -> None:
    write_everything("household", HERE, tmp_path, ["broker"], days=365)
    authority = new_authority("old", 365)
    (tmp_path / "ca.crt").write_bytes(authority.certificate)
    (tmp_path / "ca.key").write_bytes(authority.key)
    (tmp_path / "server.crt").write_bytes(server_certificate(authority, ["broker"], 20).certificate)

    write_everything("household", HERE, tmp_path, ["broker"])

    assert (tmp_path / "ca.crt").read_bytes() == authority.certificate
    assert (certificate(tmp_path).not_valid_after_utc - today()).days > 300


def test_another_host_gets_another_certificate_by_the_same_authority(tmp_path: Path) -> None:
    write_everything("household", HERE, tmp_path, ["broker"])
    before = written(tmp_path)

    write_everything("household", HERE, tmp_path, ["broker", "localhost"])

    after = written(tmp_path)
    assert after["ca.crt"] == before["ca.crt"]
    assert after["server.crt"] != before["server.crt"]


def test_an_authority_about_to_expire_is_renewed_too(tmp_path: Path) -> None:
    write_everything("household", HERE, tmp_path)
    old = new_authority("old", 20)
    (tmp_path / "ca.crt").write_bytes(old.certificate)
    (tmp_path / "ca.key").write_bytes(old.key)

    write_everything("household", HERE, tmp_path)

    assert (certificate(tmp_path, "ca.crt").not_valid_after_utc - today()).days > 300
    certificate(tmp_path).verify_directly_issued_by(certificate(tmp_path, "ca.crt"))


def test_cut_off_anywhere_it_comes_right_the_next_time(tmp_path: Path) -> None:
    write_everything("household", HERE, tmp_path / "whole")
    files = sorted(written(tmp_path / "whole"))
    for missing in files:
        shutil.copytree(tmp_path / "whole", tmp_path / "half")
        (tmp_path / "half" / missing).unlink()

        write_everything("household", HERE, tmp_path / "half")

        assert sorted(written(tmp_path / "half")) == files
        certificate(tmp_path / "half").verify_directly_issued_by(certificate(tmp_path / "half", "ca.crt"))
        shutil.rmtree(tmp_path / "half")


def test_a_key_that_is_none_is_named_and_not_shown(tmp_path: Path) -> None:
    write_everything("household", HERE, tmp_path)
    (tmp_path / "keys" / "wearer-1").write_text("hunter2")

    with pytest.raises(UsageError, match=r"wearer-1: expected a wearer's key, 64 hexadecimal digits") as refused:
        write_everything("household", HERE, tmp_path)
    assert "hunter2" not in str(refused.value)
    with pytest.raises(UsageError, match="keys cannot be read"):
        read_keys(tmp_path / "none")
    with pytest.raises(UsageError, match="key cannot be read"):
        read_key(tmp_path / "none")


def test_a_key_is_read_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "wearer-1").write_bytes(key_line(bytes(range(32))))

    assert read_keys(tmp_path) == {"wearer-1": bytes(range(32))}


def test_the_rules_it_writes_are_those_of_a_fleet(tmp_path: Path) -> None:
    write_everything("household", HERE, tmp_path)

    heard = {device.name: [other.name for other in HERE if other.trainer == device.name] for device in HERE}
    assert (tmp_path / "acl").read_text() == Access("household", heard, {"house": list(heard)}).acl()
