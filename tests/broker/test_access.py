from pathlib import Path

import pytest

from broker import topics
from broker.access import Access
from broker.address import Address, read_address
from broker.credentials import OPEN, Credentials, read_credentials
from broker.errors import UsageError

ACCESS = Access("home", {"phone-1": ("phone-1", "band-1"), "band-1": ()}, {"hall": ("band-1",)})
BAND = f"{topics.ROOT}/home/band-1"
EVERYBODY = ("phone-1", "band-1", "server", "observer", "hall", "health", "burglar")


def readers(topic: str) -> list[str]:
    return [user for user in EVERYBODY if ACCESS.may_read(user, topic)]


def writers(topic: str) -> list[str]:
    return [user for user in EVERYBODY if ACCESS.may_write(user, topic)]


def test_readings_go_from_a_band_to_its_wearers_phone_and_nowhere_else() -> None:
    assert readers(topics.biometrics("home", "band-1")) == ["phone-1", "band-1"]
    assert writers(topics.biometrics("home", "band-1")) == ["band-1"]


def test_how_a_device_is_goes_to_the_server_and_to_who_observes() -> None:
    for topic in (topics.state("home", "band-1"), topics.telemetry("home", "band-1")):
        assert readers(topic) == ["band-1", "server", "observer"]
        assert writers(topic) == ["band-1"]
    assert not ACCESS.may_read("server", topics.state("other", "band-1"))


def test_events_are_told_by_the_device_or_by_the_house_it_is_in() -> None:
    assert readers(topics.events("home", "band-1")) == ["band-1", "server", "observer"]
    assert writers(topics.events("home", "band-1")) == ["band-1", "hall"]
    assert writers(topics.events("home", "phone-1")) == ["phone-1"]


def test_the_server_speaks_for_itself_and_sets_the_clock_that_all_may_read() -> None:
    assert readers(topics.server_events("home")) == ["server", "observer"]
    assert writers(topics.server_events("home")) == ["server"]
    assert readers(topics.server_state("home")) == ["server", "observer", "hall"]
    assert writers(topics.server_state("home")) == ["server"]
    assert readers(topics.clock("home")) == ["phone-1", "band-1", "server", "observer", "hall"]
    assert writers(topics.clock("home")) == ["server"]


def test_who_looks_after_the_brokers_health_sees_nothing_else() -> None:
    assert readers("$SYS/broker/uptime") == ["health"]
    assert readers("$SYS/broker/clients/connected") == []
    assert writers("$SYS/broker/uptime") == []


def test_a_device_has_four_topics_to_store_something_on_and_no_more() -> None:
    assert [leaf for leaf in (*topics.LEAVES, "more", "a/b") if ACCESS.may_write("band-1", f"{BAND}/{leaf}")] == list(
        topics.LEAVES
    )
    assert writers(BAND) == []


def test_mosquitto_is_told_the_same() -> None:
    assert ACCESS.acl() == (
        "user phone-1\n"
        "topic readwrite fleetbeat/v1/home/phone-1/biometrics\n"
        "topic readwrite fleetbeat/v1/home/phone-1/$state\n"
        "topic readwrite fleetbeat/v1/home/phone-1/telemetry\n"
        "topic readwrite fleetbeat/v1/home/phone-1/events\n"
        "topic read fleetbeat/v1/home/band-1/biometrics\n"
        "topic read fleetbeat/v1/home/$clock\n"
        "user band-1\n"
        "topic readwrite fleetbeat/v1/home/band-1/biometrics\n"
        "topic readwrite fleetbeat/v1/home/band-1/$state\n"
        "topic readwrite fleetbeat/v1/home/band-1/telemetry\n"
        "topic readwrite fleetbeat/v1/home/band-1/events\n"
        "topic read fleetbeat/v1/home/$clock\n"
        "user server\n"
        "topic readwrite fleetbeat/v1/home/$server/#\n"
        "topic readwrite fleetbeat/v1/home/$clock\n"
        "topic read fleetbeat/v1/home/+/$state\n"
        "topic read fleetbeat/v1/home/+/telemetry\n"
        "topic read fleetbeat/v1/home/+/events\n"
        "user observer\n"
        "topic read fleetbeat/v1/home/+/$state\n"
        "topic read fleetbeat/v1/home/+/telemetry\n"
        "topic read fleetbeat/v1/home/+/events\n"
        "topic read fleetbeat/v1/home/$clock\n"
        "user hall\n"
        "topic write fleetbeat/v1/home/band-1/events\n"
        "topic read fleetbeat/v1/home/$server/$state\n"
        "topic read fleetbeat/v1/home/$clock\n"
        "user health\n"
        "topic read $SYS/broker/uptime\n"
    )


@pytest.mark.parametrize("name", ["server", "observer", "health", "all", "band 1\nuser burglar", "#"])
def test_a_name_cannot_smuggle_in_a_rule(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        Access("home", {name: ()})
    with pytest.raises(ValueError, match="name"):
        Access("home", {}, {name: ()})


def test_a_house_is_no_device_and_has_none_but_this_fleets() -> None:
    with pytest.raises(ValueError, match="'band-1' is a device's name"):
        Access("home", {"band-1": ()}, {"band-1": ()})
    with pytest.raises(ValueError, match="'phone-9' in the house 'hall' is no device's name"):
        Access("home", {"band-1": ()}, {"hall": ("phone-9",)})


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
