from datetime import datetime
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from devices.body import Span, SyntheticBody
from devices.body.day import clipped, joined

MONDAY_EVENING = datetime.fromisoformat("2026-01-05T18:00")
DAY_S = 86_400

moments = st.one_of(
    st.integers(-40 * DAY_S, 40 * DAY_S).map(float),
    st.floats(-40 * DAY_S, 40 * DAY_S, allow_nan=False, allow_infinity=False),
)
names = st.sampled_from(["wearer-1", "wearer-2", "wearer-3"])


@settings(deadline=None, max_examples=50)
@given(name=names, from_s=moments, lasts_s=st.floats(1, 3 * DAY_S))
def test_spans_tile_whatever_is_asked_for(name: str, from_s: float, lasts_s: float) -> None:
    to_s = from_s + lasts_s

    spans = SyntheticBody(7, name, MONDAY_EVENING).day(from_s, to_s)

    assert spans[0].from_s == from_s
    assert spans[-1].to_s == to_s
    assert all(before.to_s == after.from_s for before, after in pairwise(spans))
    assert all(span.from_s < span.to_s for span in spans)
    assert {span.place for span in spans} <= {"home", "work", "commute", "out"}
    assert {span.activity for span in spans} <= {"asleep", "in_bed", "napping", "still", "active", "exercise"}


@settings(deadline=None, max_examples=50)
@given(name=names, edges=st.tuples(moments, moments, moments).map(sorted))
def test_a_day_is_the_same_however_it_is_cut(name: str, edges: list[float]) -> None:
    body, another = (SyntheticBody(7, name, MONDAY_EVENING) for _ in range(2))
    start, middle, end = (edges[0], *(min(edge, edges[0] + 3 * DAY_S) for edge in edges[1:]))

    pieces = [*body.day(middle, end), *body.day(start, middle)]

    pieces.sort(key=lambda span: span.from_s)
    assert joined(pieces) == another.day(start, end)


def test_who_rises_in_the_small_hours_has_a_day_without_a_gap() -> None:
    body = SyntheticBody(7, "wearer-1", MONDAY_EVENING, {"bed_h": 20.5, "in_bed_h": 5.0, "works": 0.0})

    spans = body.day(0, 14 * DAY_S)

    risen_h = [(night.rise_s + 18 * 3_600) % DAY_S / 3_600 for night in body.nights(0, 14 * DAY_S)]
    assert min(risen_h) < 3.0
    assert all(before.to_s == after.from_s for before, after in pairwise(spans))
    assert len(body.readings("light", 0, 14 * DAY_S, 30)[0]) == 14 * DAY_S / 30


def test_an_empty_interval_has_no_spans() -> None:
    assert SyntheticBody(7, "wearer-1", MONDAY_EVENING).day(100, 100) == []


def test_wearers_sleep_in_bed_at_home_and_only_there() -> None:
    body = SyntheticBody(7, "wearer-1", MONDAY_EVENING)

    nights, spans = body.nights(0, 10 * DAY_S), body.day(0, 10 * DAY_S)

    in_bed_s = {span.from_s for span in spans if span.activity == "in_bed"}
    assert {night.bed_s for night in nights} <= in_bed_s
    for span in spans:
        lying = span.activity in ("asleep", "in_bed")
        assert lying == any(night.bed_s <= span.from_s < night.rise_s for night in nights)
        assert span.place == "home" or not lying


def test_those_who_work_do_so_on_weekdays() -> None:
    worked = set()
    for number in range(12):
        body = SyntheticBody(7, f"wearer-{number}", MONDAY_EVENING)
        for span in body.day(-7 * DAY_S, 21 * DAY_S):
            if span.place == "work":
                worked.add((int(span.from_s + 18 * 3_600) // DAY_S) % 7)

    assert worked == {0, 1, 2, 3, 4}


def test_neighbours_that_say_the_same_are_one_span() -> None:
    spans = [Span(0, 5, "home", "still"), Span(5, 9, "home", "still"), Span(9, 12, "out", "still")]

    assert joined(spans) == [Span(0, 9, "home", "still"), Span(9, 12, "out", "still")]


def test_of_spans_that_follow_one_another_a_part_is_cut_out() -> None:
    spans = [Span(0, 9, "home", "still"), Span(9, 12, "out", "still"), Span(12, 20, "home", "active")]

    assert clipped(spans, 1, 10) == [Span(1, 9, "home", "still"), Span(9, 10, "out", "still")]
    assert clipped(spans, 3, 4) == [Span(3, 4, "home", "still")]
    assert clipped(spans, 9, 12) == [Span(9, 12, "out", "still")]
    assert clipped(spans, 20, 30) == []
