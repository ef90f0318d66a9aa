from pathlib import Path

import pytest

from broker import topics
from broker.access import Access
from broker.address import Address, read_address
from broker.credentials import OPEN, Credentials, read_credentials
from broker.errors import UsageError

ACCESS = Access("home", {"phone-1": ("phone-1", "band-1"), "band-1": ()})


def test_readings_go_from_a_band_to_its_wearers_phone_and_nowhere_else() -> None:
    readings = topics.biometrics("home", "band-1")

    assert [user for user in ("phone-1", "band-1", "server", "burglar") if ACCESS.may_read(user, readings)] == [
        "phone-1",
        "band-1",
    ]
    assert [user for user in ("phone-1", "band-1", "server", "burglar") if ACCESS.may_write(user, readings)] == [
        "band-1"
    ]


def test_the_server_sees_how_devices_are_and_speaks_for_itself() -> None:
    assert ACCESS.may_read("server", topics.state("home", "band-1"))
    assert ACCESS.may_read("server", topics.telemetry("home", "band-1"))
    assert ACCESS.may_write("server", topics.server_events("home"))
    assert not ACCESS.may_write("server", topics.state("home", "band-1"))
    assert not ACCESS.may_read("server", topics.state("other", "band-1"))


def test_mosquitto_is_told_the_same() -> None:
    assert ACCESS.acl() == (
        "user phone-1\n"
        "topic readwrite fleetbeat/v1/home/phone-1/#\n"
        "topic read fleetbeat/v1/home/band-1/biometrics\n"
        "user band-1\n"
        "topic readwrite fleetbeat/v1/home/band-1/#\n"
        "user server\n"
        "topic readwrite fleetbeat/v1/home/$server/#\n"
        "topic read fleetbeat/v1/home/+/$state\n"
        "topic read fleetbeat/v1/home/+/telemetry\n"
        "topic read fleetbeat/v1/home/+/events\n"
    )


@pytest.mark.parametrize("name", ["server", "band 1\nuser burglar", "#"])
def test_a_name_cannot_smuggle_in_a_rule(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        Access("home", {name: ()})


def test_an_address_is_understood() -> None:
    assert read_address("mqtt://broker.local:18830") == Address("broker.local", 18830)
    assert read_address("mqtt://[::1]") == Address("::1", 1883)
    secure = read_address("mqtts://broker.local")
    assert (secure.host, secure.port) == ("broker.local", 8883)
    assert secure.tls is not None
    assert str(secure) == "mqtts://broker.local:8883"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("broker.local", "expected mqtt://HOST:PORT"),
        ("http://broker.local", "expected mqtt://HOST:PORT"),
        ("mqtt://:1883", "expected mqtt://HOST:PORT"),
        ("mqtt://broker.local/fleet", "expected mqtt://HOST:PORT"),
        ("mqtt://broker.local:70000", "out of range"),
        ("mqtt://broker.local:many", "many"),
    ],
)
def test_an_address_that_makes_no_sense_is_refused(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        read_address(text)


def test_secrets_do_not_belong_in_an_address() -> None:
    with pytest.raises(UsageError, match="--broker-credentials") as refused:
        read_address("mqtt://phone:hunter2@broker.local")
    assert "hunter2" not in str(refused.value)


def test_an_authority_must_be_one_and_be_of_use(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("trust me")

    with pytest.raises(UsageError, match=r"ca\.crt: not a certificate authority"):
        read_address("mqtts://broker.local", tmp_path / "ca.crt")
    with pytest.raises(UsageError, match=r"none\.crt: the certificate authority cannot be read"):
        read_address("mqtts://broker.local", tmp_path / "none.crt")
    with pytest.raises(UsageError, match="must be mqtts://"):
        read_address("mqtt://broker.local", tmp_path / "ca.crt")


def test_credentials_are_one_line_a_device(tmp_path: Path) -> None:
    file = tmp_path / "credentials"
    file.write_text("# our hub\n\nband-1:a:b c\n*:everybody:secret\n")

    credentials = read_credentials(file)

    assert credentials.of("band-1") == ("band-1", "a:b c")
    assert credentials.of("phone-1") == ("everybody", "secret")
    assert OPEN.of("phone-1") is None


@pytest.mark.parametrize("line", ["hunter2", "band-1:", ":hunter2", "*:hunter2", "*::hunter2"])
def test_a_line_that_is_no_credential_is_named_but_not_shown(tmp_path: Path, line: str) -> None:
    file = tmp_path / "credentials"
    file.write_text(f"ring-1:x\n{line}\n")

    with pytest.raises(UsageError, match="line 2: expected name:password") as refused:
        read_credentials(file)
    assert "hunter2" not in str(refused.value)


def test_a_credentials_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="credentials cannot be read: No such file"):
        read_credentials(tmp_path / "none")


def test_credentials_are_never_shown() -> None:
    assert "crowbar" not in repr(Credentials({"phone-1": "crowbar"}, ("all", "crowbar")))
