"""Workers tell what lives will bring; whatever they tell, or do not tell, a run is the same."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import pytest

from devices.fleet_file import load_fleet
from devices.foresight import DAY, PAST, PLAN, SIGNALS
from devices.overrides import Overrides
from devices.residents import residents
from devices.settings import Fleet
from devices.table import DAY_S
from fleetbeat.ahead import AT_ONCE, KEPT_DAYS, Ahead

FLEET = """schema = 1
name = "street"
days = 9
[learning]
history_nights = 1
[[group]]
kind = "smartwatch"
count = 20
"""


class Desk(Executor):
    """A worker that does what lies on its desk when it is told to go on, and nothing in between."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Future[Any], Callable[[], Any]]] = []
        self.gone = False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        if self.gone:
            raise RuntimeError("cannot schedule new futures after shutdown")
        result: Future[Any] = Future()
        self.waiting.append((result, lambda: fn(*args, **kwargs)))
        return result

    def go_on(self) -> None:
        result, work = self.waiting.pop(0)
        try:
            told = work()
        except Exception as error:
            result.set_exception(error)
        else:
            result.set_result(told)

    def do_all(self) -> None:
        while self.waiting:
            self.go_on()


@pytest.fixture
def street(tmp_path: Path) -> Fleet:
    (tmp_path / "street.toml").write_text(FLEET)
    return load_fleet(tmp_path / "street.toml")


def test_the_past_and_two_days_are_told_and_the_next_when_a_day_has_begun(street: Fleet) -> None:
    desk = Desk()
    ahead = Ahead(street, residents(street), [desk])
    ahead.moment(0.0)
    desk.do_all()

    assert ahead(PAST, "smartwatch-20", 0) is not None
    assert [ahead(DAY, "smartwatch-1", day) is not None for day in range(3)] == [True, True, False]

    ahead.moment(DAY_S)
    desk.do_all()

    assert [ahead(SIGNALS, "wearer-2", block) is not None for block in range(-1, 4)] == [False, True, True, True, False]


def test_everything_is_told_once(street: Fleet) -> None:
    desk = Desk()
    ahead = Ahead(street, residents(street), [desk])
    desk.do_all()

    assert ahead(PLAN, "wearer-1", 0) is not None
    assert ahead(PLAN, "wearer-1", 0) is None


def test_a_worker_has_little_on_its_desk_so_that_a_fit_need_not_wait(street: Fleet) -> None:
    desk = Desk()
    ahead = Ahead(street, residents(street), [desk])
    ahead.moment(0.0)

    assert len(desk.waiting) == 1
    desk.go_on()
    assert sum(ahead(PAST, f"smartwatch-{number}", 0) is not None for number in range(1, 21)) == AT_ONCE


def test_worker_and_run_begin_at_opposite_ends_and_what_was_made_is_not_told(street: Fleet) -> None:
    desk = Desk()
    ahead = Ahead(street, residents(street), [desk])
    desk.go_on()

    made = [number for number in range(1, 21) if ahead(PAST, f"smartwatch-{number}", 0) is None]
    assert made == [*range(1, 21 - AT_ONCE)]

    desk.do_all()
    assert [number for number in made if ahead(PAST, f"smartwatch-{number}", 0) is not None] == []


def test_several_workers_share_the_wearers(street: Fleet) -> None:
    desks = [Desk(), Desk(), Desk()]
    ahead = Ahead(street, residents(street), desks)
    for desk in desks:
        desk.do_all()

    assert all(ahead(PAST, f"smartwatch-{number}", 0) is not None for number in range(1, 21))


def test_what_nobody_asks_for_is_forgotten(street: Fleet) -> None:
    desk = Desk()
    ahead = Ahead(street, residents(street), [desk])
    for day in range(KEPT_DAYS + 3):
        ahead.moment(day * DAY_S)
        desk.do_all()

    assert ahead(DAY, "smartwatch-1", 0) is None
    assert ahead(DAY, "smartwatch-1", KEPT_DAYS + 2) is not None


def test_a_worker_that_fails_or_is_gone_tells_nothing_and_nobody_waits(street: Fleet) -> None:
    failing, gone = Desk(), Desk()
    gone.gone = True
    ahead = Ahead(street, residents(street), [failing, gone])
    result, _ = failing.waiting.pop()
    result.set_exception(OSError("killed"))

    ahead.moment(0.0)

    assert (failing.waiting, gone.waiting) == ([], [])
    assert ahead(PAST, "smartwatch-1", 0) is None


def test_in_an_ideal_world_only_the_past_is_told(tmp_path: Path) -> None:
    (tmp_path / "street.toml").write_text(FLEET)
    fleet, desk = load_fleet(tmp_path / "street.toml", Overrides(sets=("ideal=true",))), Desk()
    ahead = Ahead(fleet, residents(fleet), [desk])
    ahead.moment(0.0)
    desk.do_all()

    assert ahead(PAST, "smartwatch-1", 0) is not None
    assert ahead(SIGNALS, "wearer-1", 0) is None


def test_of_recorded_wearers_nothing_is_told() -> None:
    fleet = load_fleet("recorded-nights", Overrides())
    desk = Desk()

    Ahead(fleet, residents(fleet), [desk]).moment(0.0)

    assert desk.waiting == []
