"""A process with devices in it is killed, in the middle of a fit and of an upload, and started again."""

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from broker import events as ev
from tests.live.faults.hostile import hostile
from tests.live.faults.stage import Stage, check_files, staged

pytestmark = [pytest.mark.live, pytest.mark.needs_broker]

KILLED = [("crashed", "ProcessKilled")]
DELIVERED = [("delivered", "")]


def test_who_is_killed_at_work_answers_for_it_and_lives_on(tmp_path: Path) -> None:
    """Round 1: killed in its fit, back at once. Round 2: killed in its upload, and away until it is given up."""
    with staged(tmp_path, "work={gflop=9100,mb_down=1,mb_up=10000}") as stage:
        stage.office.submit()
        home, other = stage.household("phone-1", "band-1"), stage.household("phone-2", "band-2")

        stage.await_event(ev.WorkStarted, 40.0, "phone-1", round=1)
        before = home.books()
        home.kill()
        killed_s = stage.now_s
        home.start()
        after = home.books()
        stage.await_event(ev.RoundEnded, 40.0, round=1)

        stage.await_event(ev.UploadStarted, 60.0, "phone-1", round=2)
        home.kill()
        roads = stage.premises.roads
        login = roads.credentials.of("band-1")
        assert login is not None
        with hostile(roads.broker, login, stage.fleet.name, "band-2") as noise:
            given_up = stage.await_event(ev.DeviceGivenUp, 40.0, "phone-1", round=2)
            stage.await_event(ev.RoundEnded, 20.0, round=2)
        home.start()

        end = stage.await_event(ev.ServerEnded, 90.0)
        books = {**stage.await_calm(home), **stage.await_calm(other)}
        account = stage.close()

        assert end.cause == "rounds_done"
        assert stage.outcomes() == {
            (1, "phone-1"): KILLED, (1, "phone-2"): DELIVERED,
            (2, "phone-1"): KILLED, (2, "phone-2"): DELIVERED,
            (3, "phone-1"): DELIVERED, (3, "phone-2"): DELIVERED,
        }  # fmt: skip
        assert given_up.cause == "offline"
        assert all(stage.in_time(round_) for round_ in (1, 2, 3))
        for household in (home, other):
            check_files(household, books)
        for name in ("life_j", "charging_s", "battery_min"):
            assert after["phone-1"][name] == pytest.approx(before["phone-1"][name], rel=0.05), name
        assert books["band-1"]["readings_sensed"] > before["band-1"]["readings_sensed"] > 0
        for device in ("phone-1", "band-1"):
            check_life(stage, device, killed_s)
        joules = {(trail.round, trail.device): trail.energy_j for trail in account.trails()}
        assert joules[2, "phone-1"] > 0.6 * joules[2, "phone-2"], "a fit and no upload"
        assert (noise.forged > 1_000, noise.thrown_out > 0) == (True, True)
        refused = stage.of(ev.MessageRefused)
        assert {event.device for event in refused} == {"phone-1"}  # its own band's password was stolen
        assert sum(_told(event.error) for event in refused) == noise.garbage
        assert [line for line in home.said() if "Traceback" in line] == []


def _told(error: str) -> int:
    """Return of how many messages an event tells."""
    more = re.search(r"\(and (\d+) more", error)
    return 1 + (int(more[1]) if more else 0)


def check_life(stage: Stage, device: str, killed_s: float) -> None:
    """Its intervals tile the run, and say when it was off."""
    lived: list[Any] = [line for line in stage.office._chronicle.lived if line.device == device]
    assert all(after.from_s == before.to_s for before, after in pairwise(lived))
    off = [line for line in lived if not line.power]
    assert {line.why_not for line in off} == {"powered_off"}
    assert off[0].from_s <= killed_s <= off[0].to_s + stage.pace.speed
