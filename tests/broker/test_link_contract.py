"""One contract for every wire: what a device may count on, whichever broker stands behind its link."""

import asyncio
from functools import partial

import pytest

from broker import topics
from broker.credentials import Credentials
from broker.errors import BrokerLost, BrokerRefused
from broker.link import PAYLOAD_LIMIT_BYTES, Link, Message, Wire
from tests.broker.ground import FLEET, Ground
from tests.broker.patience import until

BAND = topics.biometrics(FLEET, "band-1")
PHONE_STATE = topics.state(FLEET, "phone-1")
BAND_STATE = topics.state(FLEET, "band-1")
EVERYONES_STATE = topics.everyones(FLEET, topics.STATE)


async def connected(wire: Wire, name: str, will: Message | None = None) -> Link:
    link = wire.link(name)
    await link.connect(will)
    return link


async def heard_by(link: Link) -> list[bytes]:
    await link.settled()
    return [message.payload for message in link.take()]


async def test_messages_reach_a_subscriber_in_the_order_they_were_sent(ground: Ground) -> None:
    wire = ground.wire()
    band, phone = await connected(wire, "band-1"), await connected(wire, "phone-1")
    await phone.subscribe(BAND)

    for number in range(50):
        band.publish(Message(BAND, b"%d" % number))

    assert await heard_by(phone) == [b"%d" % number for number in range(50)]


async def test_several_publishers_are_read_in_the_order_of_publishing(ground: Ground) -> None:
    wire = ground.wire()
    server = await connected(wire, "server")
    await server.subscribe(EVERYONES_STATE)
    links = [await connected(wire, name) for name in ("band-1", "phone-1", "watch-1")]

    for number in range(10):
        for link in links:
            link.publish(Message(topics.state(FLEET, link.name), b"%s %d" % (link.name.encode(), number)))

    expected = [b"%s %d" % (link.name.encode(), number) for number in range(10) for link in links]
    assert await heard_by(server) == expected


async def test_a_device_hears_itself(ground: Ground) -> None:
    wire = ground.wire()
    watch = await connected(wire, "watch-1")
    await watch.subscribe(topics.biometrics(FLEET, "watch-1"))

    watch.publish(Message(topics.biometrics(FLEET, "watch-1"), b"\x00\xff"))

    assert await heard_by(watch) == [b"\x00\xff"]


async def test_a_stored_message_is_marked_a_live_one_is_not(ground: Ground) -> None:
    wire = ground.wire()
    phone, server = await connected(wire, "phone-1"), await connected(wire, "server")
    phone.publish(Message(PHONE_STATE, b"init", retain=True))
    phone.publish(Message(PHONE_STATE, b"ready", retain=True))

    await server.subscribe(EVERYONES_STATE)
    await server.settled()
    stored = server.take()
    phone.publish(Message(PHONE_STATE, b"sleeping", retain=True))
    await server.settled()
    live = server.take()

    assert stored == [Message(PHONE_STATE, b"ready", retain=True)]
    assert live == [Message(PHONE_STATE, b"sleeping", retain=False)]


async def test_an_empty_message_clears_what_was_stored(ground: Ground) -> None:
    wire = ground.wire()
    phone, server = await connected(wire, "phone-1"), await connected(wire, "server")
    phone.publish(Message(PHONE_STATE, b"ready", retain=True))
    phone.publish(Message(PHONE_STATE, b"", retain=True))

    await server.subscribe(EVERYONES_STATE)

    assert await heard_by(server) == []


async def test_wildcards_cover_levels_and_everything_below(ground: Ground) -> None:
    wire = ground.wire()
    server, phone = await connected(wire, "server"), await connected(wire, "phone-1")
    await server.subscribe(f"{topics.ROOT}/{FLEET}/$server/#")
    await phone.subscribe(f"{topics.ROOT}/{FLEET}/band-1/+")

    server.publish(Message(f"{topics.ROOT}/{FLEET}/$server", b"the parent itself"))
    server.publish(Message(topics.server_events(FLEET), b"deep"))
    server.publish(Message(f"{topics.ROOT}/{FLEET}/$server/a/b", b"deeper"))
    band = await connected(wire, "band-1")
    band.publish(Message(BAND, b"one level"))

    assert await heard_by(server) == [b"the parent itself", b"deep", b"deeper"]
    assert await heard_by(phone) == [b"one level"]


async def test_who_is_cut_off_leaves_a_will(ground: Ground) -> None:
    wire = ground.wire()
    server = await connected(wire, "server")
    await server.subscribe(EVERYONES_STATE)
    phone = await connected(wire, "phone-1", will=Message(PHONE_STATE, b"lost", retain=True))
    phone.publish(Message(PHONE_STATE, b"ready", retain=True))

    phone.sever()

    assert not phone.connected
    assert await heard_by(server) == [b"ready", b"lost"]
    late = await ground.stranger("server")
    await late.subscribe(PHONE_STATE)
    assert await late.hear() == Message(PHONE_STATE, b"lost", retain=True)
    await late.leave()


async def test_who_says_goodbye_leaves_no_will(ground: Ground) -> None:
    wire = ground.wire()
    server = await connected(wire, "server")
    await server.subscribe(EVERYONES_STATE)
    phone = await connected(wire, "phone-1", will=Message(PHONE_STATE, b"lost", retain=True))

    phone.publish(Message(PHONE_STATE, b"disconnected", retain=True))
    await phone.close()
    band = await connected(wire, "band-1")
    band.publish(Message(BAND_STATE, b"ready"))

    assert not phone.connected
    assert await heard_by(server) == [b"disconnected", b"ready"]


@pytest.mark.virtual_time
async def test_a_silent_device_is_given_up_after_one_and_a_half_keepalives(ground: Ground) -> None:
    wire = ground.wire()
    server = await connected(wire, "server")
    await server.subscribe(EVERYONES_STATE)
    phone = wire.link("phone-1", keepalive_s=60.0)
    await phone.connect(Message(PHONE_STATE, b"lost", retain=True))

    phone.fall_silent()
    await asyncio.sleep(89.0)
    before = await heard_by(server)
    await asyncio.sleep(2.0)
    after = await heard_by(server)

    assert not phone.connected
    assert before == []
    assert after == [b"lost"]


async def test_what_was_never_acknowledged_comes_again(ground: Ground) -> None:
    wire = ground.wire()
    band, phone = await connected(wire, "band-1"), wire.link("phone-1", keepalive_s=60.0)
    await phone.connect()
    await phone.subscribe(BAND)

    phone.fall_silent()
    band.publish(Message(BAND, b"seq 1"))
    band.publish(Message(BAND, b"seq 2"))
    await wire.settled()
    once = phone.take()
    present = await phone.connect()
    band.publish(Message(BAND, b"seq 3"))

    assert [message.payload for message in once] == [b"seq 1", b"seq 2"]
    assert present
    await phone.settled()
    again = phone.take()
    assert [message.payload for message in again] == [b"seq 1", b"seq 2", b"seq 3"]
    assert [message.again for message in once + again] == [False, False, True, True, False]


async def test_a_second_connection_takes_over_and_the_first_ones_will_comes_first(ground: Ground) -> None:
    wire = ground.wire()
    server = await connected(wire, "server")
    await server.subscribe(EVERYONES_STATE)
    first = await connected(wire, "phone-1", will=Message(PHONE_STATE, b"lost", retain=True))

    second = wire.link("phone-1")
    present = await second.connect()
    second.publish(Message(PHONE_STATE, b"ready", retain=True))

    assert present
    assert await heard_by(server) == [b"lost", b"ready"]
    assert not first.connected
    with pytest.raises(BrokerLost, match="took over"):
        await first.settled()


async def test_a_link_that_was_away_gets_all_it_missed(ground: Ground) -> None:
    wire = ground.wire()
    band, phone = await connected(wire, "band-1"), wire.link("phone-1")
    known_at_first = await phone.connect()
    await phone.subscribe(BAND)
    phone.sever()

    for number in range(2000):
        band.publish(Message(BAND, b"%d" % number))
    await wire.settled()
    nothing_yet = phone.take()
    known_later = await phone.connect()

    assert (known_at_first, known_later) == (False, True)
    assert nothing_yet == []
    assert await heard_by(phone) == [b"%d" % number for number in range(2000)]
    assert wire.dropped == 0


async def test_what_arrived_before_the_end_can_be_read_after_it(ground: Ground) -> None:
    wire = ground.wire()
    band, phone = await connected(wire, "band-1"), await connected(wire, "phone-1")
    await phone.subscribe(BAND)

    band.publish(Message(BAND, b"just in time"))
    phone.sever()
    band.publish(Message(BAND, b"too late"))

    assert await heard_by(phone) == [b"just in time"]
    await phone.connect()
    assert await heard_by(phone) == [b"too late"]


async def test_a_new_process_starts_with_a_clean_slate(ground: Ground) -> None:
    earlier = ground.wire()
    band, phone = await connected(earlier, "band-1"), await connected(earlier, "phone-1")
    await phone.subscribe(BAND)
    phone.sever()
    band.publish(Message(BAND, b"of yesterday"))
    await earlier.settled()

    later = ground.wire()
    phone = later.link("phone-1")
    known = await phone.connect()
    band = await connected(later, "band-1")
    band.publish(Message(BAND, b"nobody asked for it"))

    assert not known
    assert await heard_by(phone) == []


async def test_nobody_speaks_in_anothers_name(ground: Ground, caplog: pytest.LogCaptureFixture) -> None:
    wire = ground.wire()
    phone, watch = await connected(wire, "phone-1"), await connected(wire, "watch-1")
    await phone.subscribe(BAND)

    watch.publish(Message(BAND, b"forged"))

    await watch.settled()
    if ground.denials_are_known:  # else nobody tells that it will never arrive
        assert await heard_by(phone) == []
        assert wire.denied == 1
        assert "denied watch-1 a message on" in caplog.text
    assert phone.take() == []
    assert watch.connected


async def test_readings_are_for_the_wearers_own_devices_alone(ground: Ground) -> None:
    wire = ground.wire()
    band = await connected(wire, "band-1")
    for curious in ("watch-1", "server"):
        stranger = await ground.stranger(curious)
        await stranger.subscribe("#")

        band.publish(Message(BAND, b"heart beats"))
        own = topics.server_events(FLEET) if curious == "server" else topics.events(FLEET, curious)
        await wire.settled()
        await stranger.publish(Message(own, b"mine"))

        assert await stranger.hear() == Message(own, b"mine")
        await stranger.leave()


async def test_the_server_hears_how_devices_are(ground: Ground) -> None:
    wire = ground.wire()
    band, server = await connected(wire, "band-1"), await connected(wire, "server")
    await server.subscribe(EVERYONES_STATE)
    await server.subscribe(topics.everyones(FLEET, topics.TELEMETRY))

    band.publish(Message(BAND_STATE, b"ready", retain=True))
    band.publish(Message(topics.telemetry(FLEET, "band-1"), b"{}", retain=True))
    band.publish(Message(BAND, b"heart beats"))

    assert await heard_by(server) == [b"ready", b"{}"]


async def test_everybody_agrees_on_the_servers_clock(ground: Ground) -> None:
    wire = ground.wire()
    server, band = await connected(wire, "server"), await connected(wire, "band-1")
    await band.subscribe(topics.clock(FLEET))

    server.publish(Message(topics.clock(FLEET), b"720", retain=True))

    assert await heard_by(band) == [b"720"]
    for name in ("hall", "observer"):
        late = await ground.stranger(name)
        await late.subscribe(topics.clock(FLEET))
        assert await late.hear() == Message(topics.clock(FLEET), b"720", retain=True)
        await late.leave()


async def test_a_house_tells_the_events_of_its_own_devices_and_nothing_else(ground: Ground) -> None:
    wire = ground.wire()
    server, hall = await connected(wire, "server"), await ground.stranger("hall")
    await server.subscribe(topics.everyones(FLEET, topics.EVENTS))
    await server.subscribe(topics.everyones(FLEET, topics.STATE))

    for topic in (topics.events(FLEET, "watch-1"), BAND_STATE, topics.events(FLEET, "band-1")):
        await hall.publish(Message(topic, b"woke up"))
    arrived: list[Message] = []

    def has_arrived() -> bool:
        arrived.extend(server.take())
        return bool(arrived)

    await until(has_arrived)

    assert arrived == [Message(topics.events(FLEET, "band-1"), b"woke up")]
    await hall.leave()


async def test_who_observes_hears_what_the_server_hears_and_says_nothing(ground: Ground) -> None:
    wire = ground.wire()
    observer = await ground.stranger("observer")
    await observer.subscribe("#")
    band, server = await connected(wire, "band-1"), await connected(wire, "server")
    await server.subscribe(EVERYONES_STATE)

    await observer.publish(Message(BAND_STATE, b"forged"))
    band.publish(Message(BAND, b"heart beats"))
    band.publish(Message(BAND_STATE, b"ready"))
    server.publish(Message(topics.server_events(FLEET), b"{}"))

    assert await heard_by(server) == [b"ready"]
    assert {(await observer.hear()).payload for _ in range(2)} == {b"ready", b"{}"}
    await observer.leave()


async def test_a_wrong_password_is_refused(ground: Ground) -> None:
    wire = ground.wire(Credentials({"phone-1": "guessed"}))

    with pytest.raises(BrokerRefused, match="phone-1") as refused:
        await wire.link("phone-1").connect()

    assert "guessed" not in str(refused.value)


async def test_an_unknown_user_is_refused(ground: Ground) -> None:
    with pytest.raises(BrokerRefused, match="burglar"):
        await ground.wire(Credentials({"burglar": "crowbar"})).link("burglar").connect()


async def test_who_asks_hears_once_that_the_broker_has_a_message(ground: Ground) -> None:
    wire = ground.wire()
    band = await connected(wire, "band-1")
    thanked: list[int] = []

    for number in range(50):
        band.publish(Message(BAND, b"%d" % number), partial(thanked.append, number))
    before = list(thanked)
    await until(lambda: len(thanked) >= 50)
    band.publish(Message(BAND, b"without asking"))
    await band.settled()

    assert before == []
    assert thanked == list(range(50))


@pytest.mark.virtual_time
async def test_a_virtual_clock_hears_of_it_too(ground: Ground) -> None:
    band = await connected(ground.wire(), "band-1")
    thanked: list[float] = []

    band.publish(Message(BAND, b"1"), lambda: thanked.append(asyncio.get_running_loop().time()))
    await band.settled()
    await asyncio.sleep(60.0)

    assert len(thanked) == 1


async def test_for_what_was_denied_nobody_is_thanked(ground: Ground) -> None:
    if not ground.denials_are_known:
        pytest.skip("MQTT 3.1.1 acknowledges what it denies")
    watch = await connected(ground.wire(), "watch-1")
    thanked: list[str] = []

    watch.publish(Message(BAND, b"forged"), partial(thanked.append, "forged"))
    watch.publish(Message(topics.biometrics(FLEET, "watch-1"), b"own"), partial(thanked.append, "own"))
    await until(lambda: bool(thanked))

    assert thanked == ["own"]


async def test_for_what_a_connection_took_with_it_nobody_is_thanked(ground: Ground) -> None:
    phone = await connected(ground.wire(), "phone-1")
    thanked: list[str] = []

    monstrous = Message(topics.biometrics(FLEET, "phone-1"), bytes(PAYLOAD_LIMIT_BYTES + 2048))
    phone.publish(monstrous, partial(thanked.append, "monstrous"))
    with pytest.raises(BrokerLost, match="phone-1"):
        await phone.settled()
    await phone.connect()
    phone.publish(Message(PHONE_STATE, b"ready"), partial(thanked.append, "ready"))
    await until(lambda: bool(thanked))

    assert thanked == ["ready"]


async def test_nothing_goes_out_without_a_connection(ground: Ground) -> None:
    phone = ground.wire().link("phone-1")

    with pytest.raises(BrokerLost, match="phone-1 is not connected"):
        phone.publish(Message(PHONE_STATE, b"ready"))
    with pytest.raises(BrokerLost, match="phone-1 is not connected"):
        await phone.subscribe(BAND)


async def test_wildcards_cannot_be_published_to_nor_stand_amid_a_word(ground: Ground) -> None:
    phone = await connected(ground.wire(), "phone-1")

    with pytest.raises(ValueError, match="no topic to publish to"):
        phone.publish(Message(f"{topics.ROOT}/{FLEET}/phone-1/+", b""))
    with pytest.raises(ValueError, match="no topic filter"):
        await phone.subscribe("fleetbeat/#/v1")
    assert phone.connected


async def test_a_monstrous_payload_ends_its_senders_connection(ground: Ground) -> None:
    wire = ground.wire()
    observer = await ground.stranger("server")
    await observer.subscribe(PHONE_STATE)
    phone = await connected(wire, "phone-1", will=Message(PHONE_STATE, b"lost"))

    phone.publish(Message(topics.biometrics(FLEET, "phone-1"), bytes(PAYLOAD_LIMIT_BYTES + 2048)))

    with pytest.raises(BrokerLost, match="phone-1"):
        await phone.settled()
    assert not phone.connected
    assert await observer.hear() == Message(PHONE_STATE, b"lost")
    await observer.leave()


async def test_a_foreign_client_and_ours_understand_each_other(ground: Ground) -> None:
    wire = ground.wire()
    phone = await connected(wire, "phone-1")
    await phone.subscribe(BAND)
    stranger = await ground.stranger("band-1")
    own = topics.telemetry(FLEET, "band-1")
    await stranger.subscribe(own)

    await stranger.publish(Message(BAND, "τ ≠ 0".encode()))
    await stranger.publish(Message(own, bytes(range(256))))
    echo = await stranger.hear()
    arrived: list[Message] = []

    def has_arrived() -> bool:
        arrived.extend(phone.take())
        return bool(arrived)

    await until(has_arrived)

    assert echo == Message(own, bytes(range(256)))
    assert arrived == [Message(BAND, "τ ≠ 0".encode())]
    await stranger.leave()
