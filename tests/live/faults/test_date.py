"""Somebody sets the clock of a process by an hour, and back: no life moves."""

from pathlib import Path

import pytest

from broker import events as ev
from tests.live.faults.stage import check_files, pause, staged

pytestmark = [pytest.mark.live, pytest.mark.needs_broker]

HOUR_S = 3_600


def test_a_date_that_is_wrong_moves_no_life_and_loses_no_work(tmp_path: Path) -> None:
    """The SuperLink takes no signature of another hour: a finished update waits until the date is right again."""
    with staged(tmp_path, "rounds=2") as stage:
        home = stage.household()
        stage.office.submit()
        before_s, before = stage.now_s, home.books()
        for round_, by_s in ((1, HOUR_S), (2, -HOUR_S)):
            stage.await_event(ev.WorkStarted, 40.0, "phone-1", round=round_)
            home.order(f"date {by_s}")
            pause(7.0)
            assert not stage.of(ev.ReplyReceived)[2 * (round_ - 1) :]
            home.order("date 0")
            stage.await_event(ev.RoundEnded, 40.0, round=round_)
        after_s, after = stage.now_s, home.books()
        books = stage.await_calm(home)
        stage.close()

        assert stage.outcomes() == {(r, f"phone-{n}"): [("delivered", "")] for r in (1, 2) for n in (1, 2)}
        lived_s = after["phone-1"]["charging_s"] - before["phone-1"]["charging_s"]
        assert lived_s == pytest.approx(after_s - before_s, abs=2 * stage.pace.speed)
        assert max(event.t_s for event in stage.diary) <= stage.now_s
        for band in ("band-1", "band-2"):
            assert books[band]["readings_sensed"] == books[band]["readings_buffered"]
        check_files(home, books)
        said = home.said()
        assert [len([line for line in said if words in line]) for words in ("ahead of", "behind", "again")] == [1, 1, 2]
        assert len(said) == 4, said
