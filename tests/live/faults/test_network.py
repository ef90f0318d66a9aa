"""The network is bad, is cut, or swallows everything: slower, but nothing is lost, and nobody has to come."""

from pathlib import Path

import pytest

from broker import events as ev
from tests.live.faults.stage import check_files, pause, staged, until

SILENCE_WALL_S = 7.0
"""A node is given up after 20 s without a heartbeat, the last of which may be 9 s old: shorter by far than the rest."""

pytestmark = [pytest.mark.live, pytest.mark.needs_broker]


def test_a_bad_network_that_then_is_cut_costs_time_and_nothing_else(tmp_path: Path) -> None:
    """Round 1 by a network with 400 ms of delay each way that loses 30 %.

    In round 2 the SuperLink is cut off, and the broker accepts every connection and says nothing, for hours of life.
    """
    with staged(tmp_path, "rounds=2") as stage:
        broker, superlink = stage.wire(str(stage.premises.roads.broker)), stage.wire(stage.premises.roads.superlink)
        for wire in (broker, superlink):
            wire.delay_s, wire.loss = 0.4, 0.3
        stage.office.submit()
        home = stage.household(broker=broker, superlink=superlink)
        stage.await_event(ev.RoundEnded, 90.0, round=1)
        for wire in (broker, superlink):
            wire.delay_s, wire.loss = 0.0, 0.0

        stage.await_event(ev.WorkStarted, 60.0, "phone-1", round=2)
        superlink.cut()
        broker.stall()
        broker.tear()
        pause(SILENCE_WALL_S)
        silent = home.books()
        superlink.mend()
        broker.flow()
        stage.await_event(ev.ServerEnded, 60.0)
        books = stage.await_calm(home, within_s=60.0)
        until(lambda: len(stage.of(ev.HubFound)) == 4, 20.0, lambda: stage.of(ev.HubLost))
        stage.close()

        ends = stage.outcomes()
        assert set(ends) == {(r, f"phone-{n}") for r in (1, 2) for n in (1, 2)}
        slow = {("delivered", ""), ("late", "waited"), ("late", "slow_link"), ("lost_link", "uploading")}
        assert {end for each in ends.values() for end in each} <= slow, "by how long it took, and by nothing else"
        assert all(stage.in_time(round_) for round_ in (1, 2))
        for band in ("band-1", "band-2"):
            assert silent[band]["readings_sensed"] > silent[band]["readings_buffered"] + 100
            assert books[band]["readings_sensed"] == books[band]["readings_buffered"]
        check_files(home, books)
        assert stage.of(ev.MessageRefused) == []
        assert [len(stage.of(kind)) for kind in (ev.HubLost, ev.HubFound, ev.ServerLost, ev.ServerFound)] == [
            4,
            4,
            2,
            2,
        ]
        assert len(home.said()) == 6, home.said()
