"""The network is bad, is cut, or swallows everything: slower, but nothing is lost, and nobody has to come."""

from pathlib import Path

import pytest

from broker import events as ev
from tests.live.faults.stage import check_files, pause, staged, until

pytestmark = [pytest.mark.live, pytest.mark.needs_broker]


def test_a_bad_network_that_is_cut_and_then_falls_silent_costs_time_and_nothing_else(tmp_path: Path) -> None:
    """Round 1 by a network with 400 ms of delay each way that loses 30 %; round 2 while it is cut for hours of life.

    Then broker and SuperLink accept every connection, and say nothing, for twice as long.
    """
    with staged(tmp_path, "rounds=2") as stage:
        broker, superlink = stage.wire(str(stage.premises.roads.broker)), stage.wire(stage.premises.roads.superlink)
        for wire in (broker, superlink):
            wire.delay_s, wire.loss = 0.4, 0.3
        home = stage.household(broker=broker, superlink=superlink)
        stage.office.submit()
        stage.await_event(ev.RoundEnded, 90.0, round=1)
        for wire in (broker, superlink):
            wire.delay_s, wire.loss = 0.0, 0.0

        stage.await_event(ev.WorkStarted, 60.0, "phone-1", round=2)
        for wire in (broker, superlink):
            wire.cut()
        pause(8.0)
        for wire in (broker, superlink):
            wire.mend()
        stage.await_event(ev.ServerEnded, 60.0)
        until(lambda: len(stage.of(ev.HubFound)) >= 4, 20.0, lambda: stage.of(ev.HubLost))

        for wire in (broker, superlink):
            wire.stall()
        wall_s = 16.0
        pause(wall_s)
        silent = home.books()
        for wire in (broker, superlink):
            wire.flow()
        books = stage.await_calm(home, within_s=60.0)
        stage.close()

        print(home.said(), stage.outcomes(), {r: stage.length_s(r) / stage.pace.speed for r in (1, 2)})
        print([(type(e).__name__, e.device, round(e.t_s)) for e in stage.diary if type(e) in (ev.HubLost, ev.HubFound, ev.ServerLost, ev.ServerFound)])
        assert stage.outcomes() == {(r, f"phone-{n}"): [("delivered", "")] for r in (1, 2) for n in (1, 2)}
        assert max(stage.length_s(round_) for round_ in (1, 2)) <= stage.fleet.learning.round_deadline_s
        for band in ("band-1", "band-2"):
            assert silent[band]["readings_sensed"] > silent[band]["readings_buffered"] + 300
            assert books[band]["readings_sensed"] == books[band]["readings_buffered"]
        check_files(home, books)
