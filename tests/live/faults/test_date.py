"""Somebody sets the clock of a process by an hour, and back: no life moves."""

from pathlib import Path

import pytest

from broker import events as ev
from tests.live.faults.stage import check_files, pause, staged, until

pytestmark = [pytest.mark.live, pytest.mark.needs_broker]

HOUR_S = 3_600


def test_a_date_that_is_wrong_moves_no_life_and_is_named_where_it_matters(tmp_path: Path) -> None:
    """The SuperLink takes no signature of another hour: the devices train again when the date is right."""
    with staged(tmp_path, "rounds=2") as stage:
        home = stage.household()
        stage.office.submit()
        stage.await_event(ev.WorkStarted, 40.0, "phone-1", round=1)

        home.order(f"date {HOUR_S}")
        before_s, before = stage.now_s, home.books()
        stage.await_event(ev.RoundEnded, 40.0, round=1)
        home.order(f"date {-HOUR_S}")
        pause(5.0)
        after_s, after = stage.now_s, home.books()
        home.order("date 0")
        stage.await_event(ev.RoundEnded, 60.0, round=2)
        books = stage.await_calm(home)
        stage.close()

        print(home.said(), stage.outcomes(), {r: stage.length_s(r) / stage.pace.speed for r in (1, 2)})
        print([(type(e).__name__, e.device, round(e.t_s), getattr(e, "reason", "")) for e in stage.diary if type(e) in (ev.HubLost, ev.HubFound, ev.ServerLost, ev.ServerFound)])
        lived_s = after["phone-1"]["charging_s"] - before["phone-1"]["charging_s"]
        assert lived_s == pytest.approx(after_s - before_s, rel=0.2)
        assert max(event.t_s for event in stage.diary) <= stage.now_s
        for band in ("band-1", "band-2"):
            assert books[band]["readings_sensed"] == books[band]["readings_buffered"]
        check_files(home, books)
