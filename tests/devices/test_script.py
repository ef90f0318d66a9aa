"""A script lays causes over habits: they hold until their counter-event."""

from itertools import pairwise

from devices.circumstances import Circumstances
from devices.script import Overlaid, commands
from devices.settings import ScriptedEvent

HABITS = [
    Circumstances(0, 100, charging=False, far_link="wifi"),
    Circumstances(100, 200, charging=True, far_link="mobile"),
    Circumstances(200, 300, charging=False, far_link="wifi"),
    Circumstances(300, 400, charging=True, far_link="wifi"),
]


def event(at_s: float, do: str) -> ScriptedEvent:
    return ScriptedEvent(at_s=at_s, device="phone-1", do=do)


def told(column: str, *script: ScriptedEvent) -> list[tuple[float, object]]:
    """Moments at which *column* changes, and to what."""
    lives = list(Overlaid(HABITS, script))
    assert (lives[0].from_s, lives[-1].to_s) == (0, 400)
    assert all(before.to_s == after.from_s for before, after in pairwise(lives))
    values = [(life.from_s, getattr(life, column)) for life in lives]
    return values[:1] + [now for before, now in pairwise(values) if before[1] != now[1]]


def test_without_a_script_habits_stay_as_they_are() -> None:
    assert list(Overlaid(HABITS, [])) == HABITS


def test_who_is_plugged_stays_plugged() -> None:
    assert told("charging", event(150, "unplug")) == [(0, False), (100, True), (150, False)]


def test_after_the_counter_event_habits_go_on_at_their_next_change() -> None:
    script = event(120, "unplug"), event(210, "plug")

    # habits say "not charging" at 210: the plug holds until they say otherwise, which is the same word, then they rule
    assert told("charging", *script) == [(0, False), (100, True), (120, False), (210, True)]
    assert told("charging", event(20, "plug"), event(60, "unplug")) == [
        (0, False),
        (20, True),
        (60, False),
        (100, True),
        (200, False),
        (300, True),
    ]


def test_the_same_word_twice_counters_nothing() -> None:
    assert told("charging", event(20, "plug"), event(50, "plug")) == [(0, False), (20, True)]


def test_columns_do_not_meddle_with_each_other() -> None:
    script = event(50, "far_link_off"), event(120, "pick_up")

    assert told("far_link", *script) == [(0, "wifi"), (50, "none")]
    assert told("in_use", *script) == [(0, False), (120, True)]


def test_several_events_at_one_moment_all_hold() -> None:
    script = [event(100, do) for do in ("put_on", "near_link_off", "pick_up")]

    life = next(life for life in Overlaid(HABITS, script) if life.from_s == 100)

    assert (life.worn, life.near_link, life.in_use) == (True, False, True)


def test_an_event_at_the_very_start_holds_from_there() -> None:
    assert told("charging", event(0, "plug")) == [(0, True)]


def test_what_acts_on_the_device_itself_becomes_a_command() -> None:
    script = [event(9, "switch_on"), event(3, "crash"), event(5, "switch_off"), event(4, "unplug")]

    assert commands(script) == [(3, "crash"), (5, "switch_off"), (9, "switch_on")]


def test_what_is_typed_holds_from_now_on_until_its_counter_event() -> None:
    lives = Overlaid(HABITS, [])
    now = next(lives)

    plugged = lives.now("plug", 40, now.to_s)

    assert (plugged.from_s, plugged.to_s, plugged.charging) == (40, 100, True)
    assert [life.charging for life in lives] == [True, True, True]


def test_after_a_typed_counter_event_habits_go_on_at_their_next_change() -> None:
    lives = Overlaid(HABITS, [])
    now = next(lives)
    lives.now("plug", 40, now.to_s)

    lives.now("unplug", 60, now.to_s)

    assert [life.charging for life in lives] == [True, False, True]
