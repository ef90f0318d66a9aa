"""Events read back from JSON are the events that were told."""

import math
from collections.abc import Mapping
from dataclasses import fields
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker import events as ev
from broker import topics
from broker.events import as_record
from broker.events.reading import EVENTS, MalformedEvent, event_from

FLOATS = st.floats(allow_infinity=False)
WHOLE = st.integers(-(2**53), 2**53)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    float: FLOATS,
    int: WHOLE,
    bool: st.booleans(),
    str: TEXT,
    NoneType: st.none(),
}


def values(hint: Any) -> st.SearchStrategy[Any]:
    if get_origin(hint) is UnionType:
        return st.one_of(
            *(FLOATS.filter(math.isfinite) if member is float else PLAIN[member] for member in get_args(hint))
        )
    if get_origin(hint) is Mapping:
        return st.dictionaries(TEXT, values(get_args(hint)[1]), max_size=5)
    return PLAIN[hint]


def told(cls: type[ev.Event]) -> st.SearchStrategy[ev.Event]:
    hints = get_type_hints(cls)
    strategies = {field.name: values(hints[field.name]) for field in fields(cls)}
    strategies["t_s"] = FLOATS.filter(math.isfinite) | WHOLE
    strategies["device"] = st.none() | st.from_regex(topics.NAME, fullmatch=True)
    return st.builds(cls, **strategies)


def payload_of(event: ev.Event) -> bytes:
    return orjson.dumps(as_record(event))


@pytest.mark.parametrize("cls", EVENTS, ids=lambda cls: cls.__name__)
@given(data=st.data())
def test_every_event_comes_back(cls: type[ev.Event], data: st.DataObject) -> None:
    event = data.draw(told(cls))

    again = event_from(orjson.loads(payload_of(event)))

    assert repr(again) == repr(event)  # unlike ==, this takes one NaN for the other
    assert payload_of(again) == payload_of(event)


def test_every_event_of_the_language_is_known() -> None:
    listed = {getattr(ev, name) for name in ev.__all__ if isinstance(getattr(ev, name), type)}

    assert listed - {ev.Event, ev.Work} == set(EVENTS)


def test_a_score_without_an_auc_stays_without() -> None:
    scored = ev.ModelScored(60.0, None, 1, 0.5, 0.9, 0.9, math.nan, 0.8, 0.5)

    again = event_from(orjson.loads(payload_of(scored)))

    assert isinstance(again, ev.ModelScored)
    assert math.isnan(again.auc)


BATCH = {"t_s": 1.5, "kind": "batch_sent", "device": "band-1", "to": "phone-1", "seq": 1, "readings": 60, "bytes": 900}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"kind": "coup"}, "kind is 'coup': no event"),
        ({"kind": "work"}, "no event of that kind"),
        ({"kind": "event"}, "no event of that kind"),
        ({"kind": ["batch_sent"]}, "no event of that kind"),
        ({"kind": None}, "no event of that kind"),
        ({"mood": "good"}, "missing nothing, unknown mood"),
        ({"t_s": None}, "t_s is None, expected seconds of life"),
        ({"t_s": math.nan}, "expected seconds of life"),
        ({"t_s": "1"}, "expected seconds of life"),
        ({"device": "no/device"}, "expected a device's name or null"),
        ({"device": 7}, "expected a device's name or null"),
        ({"seq": 1.0}, "seq is 1.0, expected int"),
        ({"seq": True}, "expected int"),
        ({"seq": None}, "expected int"),
        ({"to": 1}, "to is 1, expected str"),
    ],
)
def test_what_is_no_event_is_refused_in_words(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(MalformedEvent, match=complaint):
        event_from({**BATCH, **change})


def test_a_field_that_is_missing_is_named() -> None:
    with pytest.raises(MalformedEvent, match="batch_sent: missing bytes, seq, unknown nothing"):
        event_from({name: value for name, value in BATCH.items() if name not in ("bytes", "seq")})


@given(
    st.dictionaries(
        st.sampled_from([*BATCH, "what"]),
        st.recursive(st.none() | st.booleans() | WHOLE | FLOATS | TEXT, lambda inner: st.lists(inner, max_size=3)),
    ),
    st.sampled_from(["batch_sent", "life_changed", "device_reported", "metrics_noted"]),
)
def test_nonsense_raises_nothing_else(record: dict[str, Any], kind: str) -> None:
    try:
        event_from({**record, "kind": kind})
    except MalformedEvent:
        return
