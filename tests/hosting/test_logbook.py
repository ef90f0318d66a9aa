"""What an operator reads of a device's life."""

from datetime import datetime

from broker import events as ev
from fleetbeat.logbook import line

START = datetime(2026, 1, 5, 18)


def test_a_task_reads_as_a_story_with_lifes_date() -> None:
    story = [
        ev.TaskFetched(28_830.0, "phone-1", 1, "train", 3.0),
        ev.WorkStarted(28_831.0, "phone-1", 1, "train", 23, 1, 360.0),
        ev.WorkInterrupted(28_900.0, "phone-1", 1, "train", "in_use"),
        ev.HubLost(30_000.0, "phone-1", "nobody listens"),
    ]

    assert [line(START, event) for event in story] == [
        "Tue 02:00:30  phone-1  round 1, train: fetched",
        "Tue 02:00:31  phone-1  round 1, train: begins on 23 examples",
        "Tue 02:01:40  phone-1  round 1, train: interrupted (in use)",
        "Tue 02:20:00  phone-1  lost the broker: nobody listens",
    ]


def test_what_only_tables_are_made_of_is_left_out() -> None:
    assert line(START, ev.BatchSent(900.0, "band-1", "phone-1", 1, 40, 400)) is None
    assert line(START, ev.DeviceReported(900.0, "band-1", {})) is None
