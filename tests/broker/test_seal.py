"""The seal: only the wearer's own can open it, and only what was said, once, in its order, where it was said."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker import topics
from broker.seal import OVERHEAD_BYTES, Counter, Doubled, Refused, Seal, Unsealer, wearer_key

SECRET = bytes(range(32))
KEY = wearer_key(SECRET, "wearer-1")
BAND = topics.biometrics("home", "band-1")
PHONE = topics.biometrics("home", "phone-1")


class Paper:
    """Notes that outlive the processes of a test; they may run out of room."""

    def __init__(self) -> None:
        self.written: dict[str, bytes] = {}
        self.full = False

    def get(self, key: str) -> bytes | None:
        return self.written.get(key)

    def put(self, key: str, value: bytes) -> None:
        if self.full:
            raise OSError("no room")
        self.written[key] = value


def band(notes: Paper, key: bytes = KEY) -> Seal:
    return Seal(key, "home", "band-1", Counter(notes, "band-1"))


def refusal(attempt: Callable[[], object]) -> str:
    with pytest.raises(Refused) as refused:
        attempt()
    return refused.value.reason


@given(st.binary(max_size=2_000))
def test_what_was_sealed_comes_out_again_and_is_so_much_longer_on_its_way(payload: bytes) -> None:
    sealed = band(Paper()).seal(payload)

    assert Unsealer(KEY, Paper()).open(BAND, sealed) == payload
    assert len(sealed) == len(payload) + OVERHEAD_BYTES == len(payload) + 45


def test_who_carries_it_sees_nothing_of_it_and_no_two_are_alike() -> None:
    seal = band(Paper())
    reading = b'[{"bn":"urn:dev:fleetbeat:home:band-1:heart_rate","v":61}]'

    first, second = seal.seal(reading), seal.seal(reading)

    assert all(reading[at : at + 4] not in first for at in range(len(reading) - 3))
    assert first[29:] != second[29:]


@settings(deadline=None)
@given(st.binary(max_size=60), st.data())
def test_any_bit_altered_is_refused(payload: bytes, data: st.DataObject) -> None:
    sealed = bytearray(band(Paper()).seal(payload))
    place = data.draw(st.integers(0, 8 * len(sealed) - 1))
    sealed[place // 8] ^= 1 << place % 8
    unsealer = Unsealer(KEY, Paper())

    reason = refusal(lambda: unsealer.open(BAND, bytes(sealed)))

    assert reason == ("not_sealed" if place < 8 else "foreign_key" if place < 40 else "altered")


@given(st.binary(max_size=60), st.data())
def test_any_part_of_it_is_refused(payload: bytes, data: st.DataObject) -> None:
    sealed = band(Paper()).seal(payload)
    cut = data.draw(st.integers(0, len(sealed) - 1))

    assert refusal(lambda: Unsealer(KEY, Paper()).open(BAND, sealed[:cut])) in ("not_sealed", "altered")


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=30))
def test_in_whatever_order_they_come_numbers_only_grow(order: list[int]) -> None:
    seal, unsealer = band(Paper()), Unsealer(KEY, Paper())
    sealed = [seal.seal(b"%d" % number) for number in range(10)]
    taken = [-1]
    for number in order:
        if number > taken[-1]:
            taken.append(int(unsealer.open(BAND, sealed[number])))
        else:
            reason = refusal(lambda number=number: unsealer.open(BAND, sealed[number]))  # type: ignore[misc]  # bound now
            assert reason == ("replayed" if number in taken else "reordered")

    assert taken[-1] == max(order)


@given(st.binary(min_size=32, max_size=64), st.text(max_size=20), st.text(max_size=20))
def test_another_wearers_key_does_not_open_it(secret: bytes, one: str, other: str) -> None:
    ours, theirs = wearer_key(secret, one), wearer_key(secret, other)
    sealed = band(Paper(), ours).seal(b"61")

    if one == other:
        assert Unsealer(theirs, Paper()).open(BAND, sealed) == b"61"
    else:
        assert refusal(lambda: Unsealer(theirs, Paper()).open(BAND, sealed)) == "foreign_key"


@given(st.text(max_size=60))
def test_on_another_topic_it_is_refused(topic: str) -> None:
    sealed = band(Paper()).seal(b"61")

    if topic != BAND:
        assert refusal(lambda: Unsealer(KEY, Paper()).open(topic, sealed)) == "altered"


def test_a_wearers_other_device_counts_for_itself() -> None:
    notes = Paper()
    phone = Seal(KEY, "home", "phone-1", Counter(notes, "phone-1"))
    unsealer = Unsealer(KEY, Paper())
    for _ in range(5):
        unsealer.open(BAND, band(notes).seal(b"61"))

    assert unsealer.open(PHONE, phone.seal(b"7")) == b"7"
    assert refusal(lambda: unsealer.open(PHONE, band(notes).seal(b"61"))) == "altered"


def test_plain_readings_are_told_from_sealed_ones() -> None:
    plain = b'[{"bn":"urn:dev:fleetbeat:home:band-1:heart_rate","bt":1767636000,"v":61,"seq":1}]'

    assert refusal(lambda: Unsealer(KEY, Paper()).open(BAND, plain)) == "not_sealed"
    assert refusal(lambda: Unsealer(KEY, Paper()).open(BAND, b"")) == "not_sealed"


def test_a_broker_that_repeats_itself_is_no_alarm_unless_nobody_says_that_it_does() -> None:
    seal, unsealer = band(Paper()), Unsealer(KEY, Paper())
    sealed = [seal.seal(b"%d" % number) for number in range(3)]
    for one in sealed:
        unsealer.open(BAND, one)

    for one in sealed:
        with pytest.raises(Doubled, match="sent twice"):
            unsealer.open(BAND, one, dup=True)
        assert refusal(lambda one=one: unsealer.open(BAND, one)) == "replayed"  # type: ignore[misc]  # a default binds it


def test_an_old_recording_is_a_replay_whatever_the_broker_says_of_it() -> None:
    seal, unsealer = band(Paper()), Unsealer(KEY, Paper())
    recorded = seal.seal(b"61")
    unsealer.open(BAND, recorded)
    for _ in range(100):
        unsealer.open(BAND, seal.seal(b"62"))

    assert refusal(lambda: unsealer.open(BAND, recorded, dup=True)) == "replayed"


def test_a_batch_that_is_sent_again_is_sealed_again_and_taken() -> None:
    seal, unsealer = band(Paper()), Unsealer(KEY, Paper())

    assert [unsealer.open(BAND, seal.seal(b"seq 1")) for _ in range(3)] == [b"seq 1"] * 3


def test_what_was_heard_is_known_after_a_restart() -> None:
    sender, notes = Paper(), Paper()
    seal = band(sender)
    old, late, last = seal.seal(b"1"), seal.seal(b"2"), seal.seal(b"3")
    before = Unsealer(KEY, notes)
    before.open(BAND, old)
    before.open(BAND, last)
    before.save()

    after = Unsealer(KEY, notes)

    with pytest.raises(Doubled):
        after.open(BAND, last, dup=True)
    assert refusal(lambda: after.open(BAND, old)) == "replayed"
    assert refusal(lambda: after.open(BAND, late)) == "reordered"
    assert after.open(BAND, band(sender).seal(b"4")) == b"4"


def test_readings_that_were_not_stored_when_the_process_died_are_taken_when_they_come_again() -> None:
    notes, sealed = Paper(), band(Paper()).seal(b"61")
    Unsealer(KEY, notes).open(BAND, sealed)  # and dies before it stored them and saved

    assert Unsealer(KEY, notes).open(BAND, sealed, dup=True) == b"61"


def test_saving_writes_only_what_is_new_and_little_of_it() -> None:
    notes, seal = Paper(), band(Paper())
    unsealer = Unsealer(KEY, notes)
    for _ in range(1_000):
        unsealer.open(BAND, seal.seal(b"61"))
    unsealer.save()

    assert [len(value) for value in notes.written.values()] == [256]
    notes.full = True
    unsealer.save()


@settings(deadline=None)
@given(st.lists(st.integers(0, 2_500), max_size=8))
def test_numbers_only_grow_however_often_a_process_is_killed(lives: list[int]) -> None:
    notes, used = Paper(), [0]
    for seals in lives:
        counter = Counter(notes, "band-1")  # the one before was killed: nothing of it is left but the notes
        used += [counter.next() for _ in range(seals)]

    assert all(later > earlier for earlier, later in pairwise(used))


def test_a_number_that_could_not_be_noted_is_not_used() -> None:
    notes = Paper()
    counter = Counter(notes, "band-1")
    notes.full = True
    for _ in range(2):
        with pytest.raises(OSError, match="no room"):
            counter.next()

    notes.full = False

    assert [counter.next(), counter.next()] == [1, 2]
    assert Counter(notes, "band-1").next() == 1_001


def test_a_disk_put_back_to_yesterday_repeats_numbers_but_never_under_the_same_key() -> None:
    today, yesterday = band(Paper()).seal(b"61 beats"), band(Paper()).seal(b"62 beats")
    keystreams = [
        bytes(a ^ b for a, b in zip(s[29:37], p, strict=True))
        for s, p in ((today, b"61 beats"), (yesterday, b"62 beats"))
    ]

    assert today[21:29] == yesterday[21:29]
    assert keystreams[0] != keystreams[1]


def test_a_key_must_be_one() -> None:
    with pytest.raises(ValueError, match="expected 32"):
        Unsealer(b"short", Paper())
    with pytest.raises(ValueError, match="expected 32 or more"):
        wearer_key(b"short", "wearer-1")
