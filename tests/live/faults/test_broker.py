"""Somebody sets the date of a process by an hour, and back; then the broker dies for hours of life."""

from pathlib import Path

import pytest

from broker import events as ev
from tests.live.faults.stage import check_files, pause, staged, warnings

pytestmark = [pytest.mark.live, pytest.mark.needs_broker]

HOUR_S = 3_600


def test_a_broker_that_is_away_and_a_date_that_is_wrong_cost_no_reading_and_no_round(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Rounds 1 and 2: the SuperLink takes no signature of another hour: finished updates wait until the date is right.

    The date goes wrong while a phone fetches its task, so that its reply is made in the wrong hour, too. For as long
    as that lasts, and the wait between two tries after it, no heartbeat is taken: one is missed less soon than usual.

    Round 3: the broker is killed while all stream and train, and comes back five hours of life later.
    """
    slowly = "work={gflop=6000,mb_down=10000,mb_up=1}"  # 1.6 s of the wall for the way down, 2 s for the fit
    with staged(tmp_path, "rounds=3", "heartbeat_s=21600", slowly, keeps=False) as stage:
        mosquitto = stage.premises.mosquitto
        assert mosquitto is not None
        stage.office.submit()
        home = stage.household()
        born_s, born = stage.now_s, home.books()
        for round_, by_s in ((1, HOUR_S), (2, -HOUR_S)):
            stage.await_event(ev.TaskFetched, 60.0, "phone-1", round=round_)
            home.order(f"date {by_s}")
            pause(7.0)
            assert [event for event in stage.of(ev.ReplyReceived) if event.round == round_] == []
            home.order("date 0")

        stage.await_event(ev.WorkStarted, 60.0, round=3)
        before = home.books()
        mosquitto.kill()
        gone_s = stage.now_s
        pause(12.0)
        meanwhile = home.books()
        mosquitto.start_again()
        silence_s = stage.now_s - gone_s
        stage.await_event(ev.ServerEnded, 60.0)
        end_s, end = stage.now_s, home.books()
        books = stage.await_calm(home)
        stage.close()

        assert silence_s > 4 * HOUR_S
        for band in ("band-1", "band-2"):
            assert meanwhile[band]["waiting_readings"] > 300
            assert meanwhile[band]["readings_buffered"] <= before[band]["readings_buffered"] + 200
            assert books[band]["readings_dropped"] == 0
            assert books[band]["readings_sensed"] == books[band]["readings_buffered"] > 1_000
        check_files(home, books)
        assert stage.of(ev.MessageRefused) == []
        assert stage.outcomes() == {
            (round_, f"phone-{number}"): [("delivered", "")] for round_ in (1, 2, 3) for number in (1, 2)
        }
        assert all(stage.in_time(round_) for round_ in (1, 2, 3))
        lived_s = end["phone-1"]["charging_s"] - born["phone-1"]["charging_s"]
        assert lived_s == pytest.approx(end_s - born_s, abs=2 * stage.pace.speed), "nobody's life moved with the date"
        assert [len(stage.of(kind)) for kind in (ev.HubLost, ev.HubFound)] == [4, 4]
        said = [*home.said(), *warnings(caplog.records, "broker")]
        counts = {words: len([line for line in said if words in line]) for words in WORDS}
        assert counts == WORDS
        assert len(said) - sum(WORDS.values()) == 0, said


WORDS = {
    "lost its broker, and what it has to say waits": 2,  # who tells, and who writes the run folder
    "has its broker back": 2,
    "broker.exchange: ": 2,  # the devices' own connections, all together
    "s ahead of the SuperLink's": 1,
    "s behind the SuperLink's": 1,
    "answers again": 2,
}
"""What is logged of all that, and how often."""
