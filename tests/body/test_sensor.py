"""What sensors make of bodies: intervals between beats, errors of motion, gaps where no pulse is found."""

from datetime import datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.body import CHANNELS, SyntheticBody
from devices.body.beats import beats
from devices.body.sensor import motion_error_bpm, pulseless
from devices.body.wearer import Wearer, wearer
from devices.randomness import stream

EVENING = datetime.fromisoformat("2026-01-05T18:00")
DAY_S = 86_400
moments = st.floats(-10 * DAY_S, 10 * DAY_S, allow_nan=False)


def rmssd_ms(intervals: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    """RMSSD of the intervals that are not off by a fifth, as it was computed from MMASH."""
    fine = np.abs(intervals / np.median(intervals) - 1) < 0.2
    return 1_000 * float(np.sqrt(np.mean(np.diff(intervals)[fine[1:] & fine[:-1]] ** 2)))


@settings(deadline=None, max_examples=80)
@given(
    bpm=st.floats(30, 220),
    rmssd=st.floats(4, 300),
    asleep=st.booleans(),
    from_s=st.integers(-(10**6), 10**6).map(float),
    seed=st.integers(0, 99),
)
def test_beats_lie_in_their_window_in_order(bpm: float, rmssd: float, asleep: bool, from_s: float, seed: int) -> None:
    times, intervals = beats(from_s, bpm, rmssd, asleep=asleep, rng=np.random.default_rng(seed))

    assert ((times >= from_s) & (times < from_s + 30)).all()
    assert (np.diff(times) > 0).all()
    assert intervals == pytest.approx(np.diff(times, prepend=times[0] - intervals[0]), abs=0.0021)
    assert (intervals >= 0.1).all()
    assert (intervals <= CHANNELS["rr_interval"].high).all()


@pytest.mark.parametrize(("bpm", "rmssd", "asleep"), [(55, 60, True), (75, 30, False), (90, 20, False)])
def test_beats_are_as_fast_and_as_uneven_as_their_epoch(bpm: float, rmssd: float, asleep: bool) -> None:
    windows = [beats(0, bpm, rmssd, asleep=asleep, rng=np.random.default_rng(n))[1] for n in range(400)]

    assert 60 / np.mean([window.mean() for window in windows]) == pytest.approx(bpm, rel=0.02)
    assert np.median([rmssd_ms(window) for window in windows]) == pytest.approx(rmssd, rel=0.25)


def test_some_intervals_are_off_as_they_were_in_recordings() -> None:
    windows = [beats(0, 60, 1.0, asleep=True, rng=np.random.default_rng(n))[1] for n in range(600)]
    intervals = np.concatenate(windows)

    assert 0.02 < np.mean(np.abs(intervals - 1.0) > 0.2) < 0.05  # MMASH: 3 to 4 %


def test_intervals_tell_rmssd_by_stage_and_by_person() -> None:
    even = SyntheticBody(7, "wearer-1", EVENING, {"rmssd_ms": 25.0})
    uneven = SyntheticBody(7, "wearer-1", EVENING, {"rmssd_ms": 75.0})
    night = even.nights(0, DAY_S)[0]

    def shown(body: SyntheticBody, from_s: float, to_s: float) -> float:
        starts = np.arange(from_s // 300 * 300 + 300, to_s - 300, 300)
        windows = [body.readings("rr_interval", start, start + 30, 300)[1] for start in starts]
        return float(np.median([rmssd_ms(window) for window in windows if len(window) > 8]))

    assert shown(uneven, night.bed_s, night.rise_s) > 2 * shown(even, night.bed_s, night.rise_s)
    assert shown(uneven, night.bed_s, night.rise_s) > 1.2 * shown(uneven, night.rise_s, night.rise_s + 8 * 3_600)


@settings(deadline=None, max_examples=40)
@given(from_s=moments, lasts_s=st.floats(0, 3_600), share=st.floats(0, 1), every_s=st.sampled_from([30, 60, 300]))
def test_beats_are_the_same_however_the_span_is_cut(
    from_s: float, lasts_s: float, share: float, every_s: float
) -> None:
    body, another = (SyntheticBody(7, "wearer-1", EVENING) for _ in range(2))
    middle, end = from_s + share * lasts_s, from_s + lasts_s

    later, earlier = (body.readings("rr_interval", *span, every_s) for span in ((middle, end), (from_s, middle)))

    whole = another.readings("rr_interval", from_s, end, every_s)
    for part in (0, 1):
        assert np.array_equal(np.r_[earlier[part], later[part]], whole[part])


def test_windows_are_short_so_a_day_of_intervals_stays_small() -> None:
    times, _ = SyntheticBody(7, "wearer-1", EVENING).readings("rr_interval", 0, DAY_S, 900)

    assert (times % 900 < 30).all()
    assert 96 * 20 < len(times) < 96 * 60


def test_movement_makes_an_optical_heart_rate_worse() -> None:
    still, moving = (motion_error_bpm(np.full(5_000, v), np.random.default_rng(1)) for v in (0.0, 40.0))

    assert (still == 0).all()
    assert np.std(moving) == pytest.approx(2.4, rel=0.1)


def loose(slips: float) -> Wearer:
    return wearer(7, "wearer-1", {"slips": slips})


@settings(deadline=None, max_examples=30)
@given(slips=st.floats(0, 0.8), seed=st.integers(0, 99))
def test_gaps_cover_about_the_wearers_share(slips: float, seed: int) -> None:
    lost = pulseless(loose(slips), 160_000, np.random.default_rng(seed))

    assert lost.mean() == pytest.approx(slips, abs=0.05)


def test_most_wearers_have_no_gaps_and_a_few_have_many() -> None:
    share = np.array([wearer(7, f"wearer-{n}").slips for n in range(500)])

    assert np.median(share) < 0.001  # Walch: 19 of 23 have none in a night
    assert 0.01 < np.mean(share > 0.05) < 0.12  # and 2 of 23 more than a twentieth


def test_where_no_pulse_is_found_there_is_no_reading_but_movement_goes_on() -> None:
    body = SyntheticBody(7, "wearer-1", EVENING, {"slips": 0.4})

    counts = {channel: len(body.readings(channel, 0, DAY_S, 30)[0]) for channel in ("heart_rate", "rmssd", "movement")}

    assert counts["movement"] == 2_880
    assert counts["heart_rate"] == counts["rmssd"] < 0.8 * 2_880
    times, _ = body.readings("rr_interval", 0, DAY_S, 30)
    silent = np.setdiff1d(np.arange(0.0, DAY_S, 30), body.readings("heart_rate", 0, DAY_S, 30)[0])
    assert len(silent)
    assert not np.isin(times // 30 * 30, silent).any()


def test_gaps_belong_to_a_wearer_and_a_day() -> None:
    one, same = (pulseless(loose(0.3), 2_880, stream(7, "wearer-1", "sensor", 3)) for _ in range(2))
    other = pulseless(loose(0.3), 2_880, stream(7, "wearer-2", "sensor", 3))

    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
