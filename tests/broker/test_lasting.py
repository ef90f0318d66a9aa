"""The client that outlives its broker, against real brokers that are refused, killed, frozen and silent."""

import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from broker import lasting, mailbag
from broker.address import Address
from broker.errors import BrokerLost, BrokerRefused
from broker.lasting import LastingClient
from broker.link import Message
from broker.mailbag import Letter, Mailbag
from broker.mosquitto import PrivateMosquitto
from broker.mosquitto.configuration import password_file
from tests.broker.ground import ACCESS
from tests.broker.mortal import Mortal, free_port, silent_door

WITHIN_S = 10.0

Make = Callable[..., LastingClient]


def soon(claim: Callable[[], bool]) -> bool:
    """Whether *claim* comes true; what is awaited happens in other threads and processes."""
    given_up = threading.Event()
    timer = threading.Timer(WITHIN_S, given_up.set)
    timer.start()
    while not claim() and not given_up.wait(0.005):
        pass
    timer.cancel()
    return claim()


def into(heard: list[bytes], _topic: str, payload: bytes) -> None:
    heard.append(payload)


@pytest.fixture
def make(mortal: Mortal) -> Iterator[Make]:
    clients: list[LastingClient] = []

    def make_client(name: str, will: Message | None = None, **hears: list[bytes]) -> LastingClient:
        client = LastingClient(mortal.address, None, name, will)
        clients.append(client)
        for leaf, heard in hears.items():
            client.subscribe(f"home/+/{leaf}", partial(into, heard))
        client.connect(5.0)
        return client

    yield make_client
    for client in clients:
        client.close(0.0)


@pytest.mark.needs_broker
def test_what_is_told_from_many_threads_is_heard(make: Make) -> None:
    heard: list[bytes] = []
    make("follower", events=heard)
    teller = make("teller")

    def tell(who: int) -> None:
        for number in range(200):
            teller.publish("home/band-1/events", b"%d %d" % (who, number))

    threads = [threading.Thread(target=tell, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert soon(lambda: len(heard) == 800)
    assert set(heard) == {b"%d %d" % (who, number) for who in range(4) for number in range(200)}
    assert [payload for payload in heard if payload.startswith(b"2 ")] == [b"2 %d" % number for number in range(200)]
    assert teller.close(5.0) == 0


@pytest.mark.needs_broker
def test_nothing_told_before_during_or_after_a_brokers_death_is_lost(
    make: Make, mortal: Mortal, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(lasting, "READERS_BACK_S", 1.5)
    heard: list[bytes] = []
    make("follower", events=heard)
    teller = make("teller")
    told = 0

    for phase in range(3):  # streaming when it dies, while it is away, and when it is back
        if phase == 1:
            mortal.kill(signal.SIGKILL)
        if phase == 2:
            mortal.start()
        for _ in range(1000):
            teller.publish("home/band-1/events", b"%d" % told)
            told += 1

    assert soon(lambda: len(set(heard)) == told)
    assert soon(lambda: teller.unacknowledged == 0)
    lines = [record.message for record in caplog.records if record.message.startswith("teller ")]
    assert len(lines) == 2
    assert "teller lost its broker, and what it has to say waits" in lines[0]
    assert "teller has its broker back after" in lines[1]
    assert caplog.records[-1].levelno == logging.WARNING


@pytest.mark.needs_broker
def test_a_broker_that_dies_again_and_again_loses_nothing(
    make: Make, mortal: Mortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lasting, "READERS_BACK_S", 1.5)
    heard: list[bytes] = []
    make("follower", events=heard)
    teller = make("teller")

    for round_ in range(3):
        for number in range(100):
            teller.publish("home/band-1/events", b"%d %d" % (round_, number))
        assert soon(lambda: teller.connected)
        mortal.kill()
        mortal.start()

    assert soon(lambda: len(set(heard)) == 300)


@pytest.mark.needs_broker
def test_a_frozen_broker_holds_nobody_up(make: Make, mortal: Mortal) -> None:
    heard: list[bytes] = []
    make("follower", events=heard)
    teller = make("teller")

    mortal.freeze()
    began_s = time.monotonic()
    for number in range(1000):
        teller.publish("home/band-1/events", b"%d" % number)
    took_s = time.monotonic() - began_s
    waiting = teller.unacknowledged
    mortal.thaw()

    assert took_s < 1.0
    assert waiting == 1000
    assert soon(lambda: len(heard) == 1000)
    assert teller.close(5.0) == 0


@pytest.mark.needs_broker
def test_who_leaves_while_the_broker_is_away_says_how_much_is_missing(make: Make, mortal: Mortal) -> None:
    teller = make("teller")
    mortal.kill()
    teller.publish("home/band-1/events", b"1")
    teller.publish("home/band-1/events", b"2")

    missing = teller.close(0.3)
    teller.publish("home/band-1/events", b"after the end")

    assert missing == 2
    assert teller.close(0.3) == 2


@pytest.mark.needs_broker
def test_a_will_is_for_those_who_did_not_say_goodbye(make: Make) -> None:
    heard: list[bytes] = []
    make("follower", state=heard)
    polite = make("polite", Message("home/polite/state", b"polite is lost"))
    cut_off = make("cut-off", Message("home/cut-off/state", b"cut-off is lost"))

    polite.close(5.0)
    assert cut_off._connection is not None
    cut_off._crossing.post(cut_off._connection.drop)  # as if its process were killed

    assert soon(lambda: bool(heard))
    assert heard == [b"cut-off is lost"]


@pytest.mark.needs_broker
def test_a_hearer_that_fails_harms_nobody(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    heard: list[bytes] = []
    follower = make("follower")

    def hear(_topic: str, payload: bytes) -> None:
        heard.append(payload)
        raise ValueError("what a day")

    follower.subscribe("home/#", hear)
    teller = make("teller")
    follower.publish("home/a", b"1")
    assert soon(lambda: heard == [b"1"])  # so the broker knows that it follows
    teller.publish("home/b", b"2")

    assert soon(lambda: len(heard) == 2)
    assert "a message on home/b could not be dealt with" in caplog.text
    with pytest.raises(ValueError, match="no topic filter"):
        follower.subscribe("home/#/x", hear)
    with pytest.raises(ValueError, match="no topic to publish to"):
        teller.publish("home/+", b"")


@pytest.mark.needs_broker
def test_a_local_socket_and_a_password_will_do_and_denials_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[bytes] = []
    with PrivateMosquitto(ACCESS) as broker:
        server = LastingClient(broker.address, broker.credentials.of("server"), "server-1")
        band = LastingClient(broker.address, broker.credentials.of("band-1"), "band-1-tells")
        server.subscribe("fleetbeat/v1/home/+/events", lambda _topic, payload: heard.append(payload))
        server.connect(5.0)
        band.connect(5.0)
        band.publish("fleetbeat/v1/home/band-1/events", b"mine")
        for _ in range(3):
            band.publish("fleetbeat/v1/home/phone-1/events", b"another's")
        missing = band.close(5.0)
        assert soon(lambda: bool(heard))
        server.close(5.0)

    assert missing == 0
    assert heard == [b"mine"]
    assert band.denied == 3
    assert caplog.text.count("denies band-1-tells a message on fleetbeat/v1/home/phone-1/events") == 1


@pytest.mark.needs_broker
def test_a_wrong_password_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "passwords").write_text(password_file({"me": "right"}))
    with Mortal(tmp_path, more=f"allow_anonymous false\npassword_file {tmp_path}/passwords\n") as broker:
        client = LastingClient(broker.address, ("me", "guessed"), "me")
        began_s = time.monotonic()
        with pytest.raises(BrokerRefused, match=r"refuses me \(me\)") as refused:
            client.connect(WITHIN_S)
        client.close(0.0)
        right = LastingClient(broker.address, ("me", "right"), "me")
        right.connect(5.0)
        right.close(5.0)

    assert time.monotonic() - began_s < WITHIN_S / 2
    assert "guessed" not in str(refused.value)


def test_where_nobody_listens_is_told_after_a_while() -> None:
    client = LastingClient(Address("127.0.0.1", free_port()), None, "me")

    with pytest.raises(BrokerRefused, match="no broker answers: Connection refused"):
        client.connect(0.3)
    client.close(0.0)


def test_a_broker_that_never_answers_is_told_after_a_while() -> None:
    with silent_door() as address:
        client = LastingClient(address, None, "me")
        with pytest.raises(BrokerLost, match="did not answer me within"):
            client.connect(0.3)
        client.close(0.0)


@pytest.mark.needs_broker
def test_a_broker_that_is_still_starting_is_waited_for(tmp_path: Path) -> None:
    broker = Mortal(tmp_path)
    client = LastingClient(broker.address, None, "me")
    client.publish("home/me/events", b"before anybody was there")
    starting = threading.Timer(0.3, broker.start)
    starting.start()

    client.connect(WITHIN_S)
    starting.join()

    assert client.close(5.0) == 0
    broker.kill()


def test_letters_that_nobody_fetches_are_bounded_and_the_oldest_go() -> None:
    bag = Mailbag(limit=3)

    for number in range(5):
        bag.put(Letter("t", b"%d" % number, False))

    assert (bag.open, bag.dropped) == (3, 2)
    letter = bag.next()
    assert letter is not None
    assert letter.payload == b"2"


def test_letters_under_way_at_a_loss_come_first_and_those_lately_acknowledged_again() -> None:
    bag = Mailbag()
    for number in range(5):
        bag.put(Letter("t", b"%d" % number, False))
    for mid in range(4):
        letter = bag.next()
        assert letter is not None
        bag.sent(mid, letter)
    bag.answered(0, 0.0, denied=False)  # too long before the loss to be in doubt
    bag.answered(1, 100.0, denied=False)

    bag.lost(100.0 + mailbag.DOUBTFUL_S / 2)
    bag.tell_again()

    order = []
    while (letter := bag.next()) is not None:
        order.append(letter.payload)
    assert order == [b"2", b"3", b"4", b"1"]
    assert bag.open == 3


def test_what_a_broker_should_store_is_told_anew_in_its_last_wording() -> None:
    bag = Mailbag()
    for number in range(3):
        bag.put(Letter("clock", b"%d" % number, True))
        letter = bag.next()
        assert letter is not None
        bag.sent(number, letter)
        bag.answered(number, 0.0, denied=False)

    bag.lost(1.0)
    bag.store_again()
    bag.tell_again()

    letter = bag.next()
    assert letter is not None
    assert (letter.payload, bag.next(), bag.open) == (b"2", None, 0)
