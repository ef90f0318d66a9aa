import math
from datetime import datetime
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.messages import (
    Batch,
    FloatArray,
    MalformedBatch,
    MalformedTelemetry,
    Telemetry,
    decode_batch,
    decode_telemetry,
    encode_batch,
    encode_telemetry,
    unix_start,
)
from broker.senml import UNITS

T0 = unix_start(datetime(2026, 1, 5, 18, 0))
HEART = "urn:dev:fleetbeat:home:band-1:heart_rate"

times_to_the_ms = st.lists(st.integers(-(10**11), 10**11).map(lambda ms: ms / 1000), min_size=1, max_size=20)
finite = st.floats(allow_nan=False, allow_infinity=False)


def readings(times: list[float], values: list[float]) -> tuple[FloatArray, FloatArray]:
    return np.array(times, dtype=np.float64), np.array(values, dtype=np.float64)


def pack(*records: dict[str, Any]) -> bytes:
    return orjson.dumps(list(records))


def only_channel(batch: Batch, channel: str = "heart_rate") -> tuple[list[float], list[float]]:
    assert list(batch.channels) == [channel]
    times, values = batch.channels[channel]
    return times.tolist(), values.tolist()


def test_the_start_label_counts_as_utc() -> None:
    assert unix_start(datetime(1970, 1, 2)) == 86_400.0


def test_a_batch_reads_like_senml() -> None:
    payload = encode_batch(
        "home",
        "band-1",
        7,
        T0,
        {"heart_rate": readings([30.0, 60.0], [61.5, 62.0]), "light": readings([30.0], [400.0])},
    )

    assert orjson.loads(payload) == [
        {"bn": HEART, "bt": T0 + 30, "bu": "beat/min", "t": 0.0, "v": 61.5, "seq": 7},
        {"t": 30.0, "v": 62.0},
        {"bn": "urn:dev:fleetbeat:home:band-1:light", "bt": T0 + 30, "bu": "lx", "t": 0.0, "v": 400.0},
    ]


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(sorted(set(UNITS) - {"rmssd"})),
        st.lists(st.tuples(times_to_the_ms.map(lambda t: t[0]), finite)),
    )
)
def test_a_batch_comes_back_as_it_was_sent(told: dict[str, list[tuple[float, float]]]) -> None:
    channels = {name: readings([t for t, _ in pairs], [v for _, v in pairs]) for name, pairs in told.items() if pairs}
    if not channels:
        return

    batch = decode_batch(encode_batch("home", "band-1", 3, T0, channels), T0)

    assert (batch.fleet, batch.device, batch.seq) == ("home", "band-1", 3)
    assert batch.readings == sum(len(times) for times, _ in channels.values())
    assert set(batch.channels) == set(channels)
    for name, (times, values) in channels.items():
        assert batch.channels[name][0].tolist() == times.tolist()
        assert batch.channels[name][1].tolist() == values.tolist()


def test_rmssd_is_milliseconds_here_and_seconds_on_the_wire() -> None:
    quarters = [number / 4 for number in range(1200)]
    payload = encode_batch("home", "band-1", 1, T0, {"rmssd": readings([0.0] * 1200, quarters)})

    assert orjson.loads(payload)[1200 - 1]["v"] == 0.29975
    assert orjson.loads(payload)[0]["bu"] == "s"
    assert only_channel(decode_batch(payload, T0), "rmssd")[1] == quarters


def test_times_are_kept_to_the_millisecond() -> None:
    batch = decode_batch(encode_batch("home", "band-1", 1, T0, {"rr_interval": readings([0.1234567], [0.8])}), T0)

    assert only_channel(batch, "rr_interval") == ([0.123], [0.8])


def test_a_channel_without_readings_leaves_no_trace() -> None:
    channels = {"light": readings([], []), "heart_rate": readings([0.0], [60.0])}

    assert only_channel(decode_batch(encode_batch("home", "band-1", 1, T0, channels), T0)) == ([0.0], [60.0])


@pytest.mark.parametrize(
    "channels",
    [
        {},
        {"heart_rate": readings([], [])},
        {"heart_rate": readings([0.0, 1.0], [60.0])},
        {"heart_rate": readings([0.0], [math.nan])},
        {"heart_rate": readings([0.0], [math.inf])},
        {"heart_rate": readings([0.0, math.nan], [60.0, 60.0])},
        {"heart_rate": readings([0.0], [60.0]), "light": readings([0.0, 1e306], [1.0, 1.0])},
        {"steps": readings([0.0], [1.0])},
    ],
)
def test_what_cannot_be_said_is_not_sent(channels: dict[str, tuple[FloatArray, FloatArray]]) -> None:
    with pytest.raises(ValueError, match=r"expected|not a finite number"):
        encode_batch("home", "band-1", 1, T0, channels)


def test_plain_senml_of_another_maker_is_understood() -> None:
    payload = pack(
        {"bn": "urn:dev:fleetbeat:home:band-1:", "bt": T0, "n": "heart_rate", "u": "beat/min", "v": 60, "seq": 1},
        {"n": "light", "u": "lx", "t": 5, "v": 100.5},
        {"n": "heart_rate", "u": "beat/min", "t": 30, "v": 61},
    )

    batch = decode_batch(payload, T0)

    assert batch.channels["heart_rate"][0].tolist() == [0.0, 30.0]
    assert batch.channels["heart_rate"][1].tolist() == [60.0, 61.0]
    assert batch.channels["light"][1].tolist() == [100.5]


def test_names_may_stand_in_full_and_times_be_absolute() -> None:
    payload = pack({"n": HEART, "t": T0 + 1.5, "v": 60.0, "seq": 1}, {"n": HEART, "t": T0 + 2.5, "v": 61.0})

    assert only_channel(decode_batch(payload, T0)) == ([1.5, 2.5], [60.0, 61.0])


def test_base_values_are_added_and_unknown_fields_ignored() -> None:
    payload = pack(
        {"bn": HEART, "bt": T0, "bv": 60.0, "v": 1.0, "seq": 1, "colour": "red", "bver": 10},
        {"t": 1.0, "v": 2.0},
        {"t": 2.0},
        {"t": 3.0, "ut": 5.0},
    )

    assert only_channel(decode_batch(payload, T0)) == ([0.0, 1.0, 2.0, 3.0], [61.0, 62.0, 60.0, 60.0])


def test_interleaved_channels_are_put_together() -> None:
    light = HEART.replace("heart_rate", "light")
    payload = pack(
        {"bn": HEART, "bt": T0, "v": 60.0, "seq": 1},
        {"bn": light, "bt": T0 + 1, "v": 5.0},
        {"bn": HEART, "bt": T0 + 2, "v": 62.0},
    )

    assert decode_batch(payload, T0).channels["heart_rate"][0].tolist() == [0.0, 2.0]


GOOD = {"bn": HEART, "bt": T0, "v": 60.0, "seq": 1}


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"{}", "a JSON list"),
        (b"[]", "a JSON list"),
        (b"[1]", "a JSON list"),
        (pack({**GOOD, "seq": None}), "seq of the first record is None"),
        (pack({**GOOD, "seq": -1}), "seq"),
        (pack({**GOOD, "seq": True}), "seq"),
        (pack({**GOOD, "seq": 1.0}), "seq"),
        (pack({**GOOD, "v": "60"}), "record 0: v is '60', expected a number"),
        (pack({**GOOD, "v": True}), "v is True"),
        (pack({**GOOD, "v": None}), "v is None"),
        (pack({**GOOD, "bn": 5}), "bn is 5, expected text"),
        (pack({**GOOD, "bt": "today"}), "bt is 'today'"),
        (pack({**GOOD, "bn": "urn:dev:mac:0024befffe804ff1:heart_rate"}), "no reading's name"),
        (pack({**GOOD, "bn": "urn:dev:fleetbeat:home:band-1:steps"}), "no reading's name"),
        (pack({**GOOD, "bn": "urn:dev:fleetbeat:home:ba/nd:light"}), "no reading's name"),
        (pack({**GOOD, "u": "Hz"}), "heart_rate in 'Hz', expected 'beat/min'"),
        (pack({**GOOD, "bu": "Hz"}), "heart_rate in 'Hz'"),
        (pack({**GOOD, "must_": 1}), "must be understood"),
        (pack({**GOOD, "bver": 42}), "SenML version 42"),
        (pack({**GOOD, "bt": 0}), "not absolute"),
        (pack({**GOOD, "bt": 1e300}), "not absolute"),
        (pack({"bn": HEART, "bt": T0, "vs": "sixty", "seq": 1}), "no numeric value v"),
        (pack(GOOD, {"t": 1.0, "vb": True}), "record 1: no numeric value v"),
        (pack(GOOD, {"t": 1.0, "v": 1.0}, {"t": "x", "v": 1.0}), "record 2: t is 'x'"),
        (pack(GOOD, {"bn": HEART.replace("band-1", "ring-1"), "bt": T0, "v": 1.0}), "in a batch of"),
        (pack({**GOOD, "bv": 1e308, "v": 1e308}), "beyond all numbers"),
        (pack({**GOOD, "bn": HEART.replace("heart_rate", "rmssd"), "v": 1e300}), "beyond all reason"),
    ],
)
def test_a_malformed_batch_is_refused_and_told_why(payload: bytes, says: str) -> None:
    with pytest.raises(MalformedBatch, match=says):
        decode_batch(payload, T0)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | finite | st.text(max_size=8) | st.just(HEART),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["bn", "bt", "bu", "bv", "bver", "n", "u", "t", "v", "vs", "seq", "x_"]), inner
        )
    ),
    max_leaves=20,
)


@settings(deadline=None)
@given(st.binary() | st.lists(json_values, max_size=6).map(orjson.dumps))
def test_no_bytes_whatever_raise_anything_else(payload: bytes) -> None:
    try:
        batch = decode_batch(payload, T0)
    except MalformedBatch:
        return
    assert batch.readings >= 1
    assert all(np.isfinite(values).all() for _, values in batch.channels.values())


@settings(deadline=None)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "bn": st.sampled_from([HEART, HEART[:-10], "", 1]),
            "n": st.sampled_from(["heart_rate", "light", "rmssd", "", HEART]),
            "bt": st.sampled_from([T0, 0, -1, 1e308, 2**64 - 1, "x"]),
            "bv": st.sampled_from([0, 1, 1e308, -1e308, None]),
            "v": st.sampled_from([0, 1.5, 1e308, 2**64 - 1, True, "1"]),
            "t": st.sampled_from([0, 1.5, -1e308, 2**63, [], 1e12]),
            "seq": st.sampled_from([0, 1, 2**63 - 1, 2**63, "1"]),
        },
    ),
    st.lists(st.fixed_dictionaries({"t": finite | st.none(), "v": finite | st.text(max_size=2)}), max_size=3),
)
def test_nearly_right_batches_are_right_or_malformed(head: dict[str, Any], rest: list[dict[str, Any]]) -> None:
    payload = pack(head, *rest)
    try:
        batch = decode_batch(payload, T0)
    except MalformedBatch:
        return
    assert batch.device == "band-1"


TELEMETRY = Telemetry(
    t_s=3600.0,
    battery=0.5,
    charging=False,
    near_link=True,
    far_link="wifi",
    buffer=120,
    outbox=0,
    ready=False,
    why_not="not_charging",
    node_id=2**64 - 1,
    expected_train_s=None,
)


def test_telemetry_comes_back_as_it_was_sent() -> None:
    assert decode_telemetry(encode_telemetry(TELEMETRY)) == TELEMETRY


def test_telemetry_may_say_more_than_we_know() -> None:
    told = {**orjson.loads(encode_telemetry(TELEMETRY)), "firmware": "3.1"}

    assert decode_telemetry(orjson.dumps(told)) == TELEMETRY


def test_telemetry_of_nonsense_is_not_sent() -> None:
    with pytest.raises(ValueError, match="finite"):
        encode_telemetry(Telemetry(**{**orjson.loads(encode_telemetry(TELEMETRY)), "battery": math.nan}))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"battery": "full"}, "battery is 'full', expected int or float"),
        ({"charging": 1}, "charging is 1, expected bool"),
        ({"buffer": 1.5}, "buffer is 1.5, expected int"),
        ({"why_not": 3}, "why_not is 3"),
    ],
)
def test_malformed_telemetry_is_refused_and_told_why(change: dict[str, Any], says: str) -> None:
    told = {**orjson.loads(encode_telemetry(TELEMETRY)), **change}

    with pytest.raises(MalformedTelemetry, match=says):
        decode_telemetry(orjson.dumps(told))


@settings(deadline=None)
@given(st.binary() | json_values.map(orjson.dumps))
def test_no_telemetry_bytes_raise_anything_else(payload: bytes) -> None:
    with pytest.raises(MalformedTelemetry):
        decode_telemetry(payload)
