"""Workers tell what lives will bring; whatever they tell, or do not tell, a run is the same."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import pytest

from broker import events as ev
from broker.memory import MemoryBroker, MemoryWire
from devices.body import SyntheticBody
from devices.fleet_file import load_fleet
from devices.foresight import DAY, PAST, PLAN, SIGNALS, Key
from devices.lives import Lives
from devices.overrides import Overrides
from devices.residents import residents
from devices.settings import Fleet
from devices.table import DAY_S
from fleetbeat import world
from fleetbeat.ahead import AT_ONCE, KEPT_DAYS, Ahead
from fleetbeat.workers import Workers

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

    assert [ahead(SIGNALS, "wearer-2", block) is not None for block in range(-1, 5)] == [
        False,
        True,
        True,
        True,
        True,
        False,
    ]


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


@pytest.mark.parametrize("ideal", ["true", "false"])
def test_what_was_made_here_long_ago_is_forgotten_too(tmp_path: Path, ideal: str) -> None:
    (tmp_path / "street.toml").write_text(FLEET)
    fleet = load_fleet(tmp_path / "street.toml", Overrides(sets=(f"ideal={ideal}",)))
    ahead = Ahead(fleet, residents(fleet), [Desk()])
    for day in range(9):
        ahead.moment(day * DAY_S)
        ahead(SIGNALS, "wearer-1", day)

    assert len(ahead._made_here) <= KEPT_DAYS


def test_a_worker_that_fell_behind_goes_on_with_today(street: Fleet) -> None:
    desk = Desk()
    ahead = Ahead(street, residents(street), [desk])
    for day in range(6):
        ahead.moment(day * DAY_S)
    desk.do_all()

    assert ahead(PAST, "smartwatch-1", 0) is None
    told = [ahead(DAY, "smartwatch-1", day) is not None for day in range(7)]
    assert told == [False, False, False, False, False, True, True]


def test_after_the_end_nothing_is_told_any_more(street: Fleet) -> None:
    desk = Desk()
    ahead = Ahead(street, residents(street), [desk])

    ahead.forget()
    desk.do_all()

    assert ahead(PAST, "smartwatch-20", 0) is None


def test_a_worker_that_fails_or_is_gone_tells_nothing_and_nobody_waits(street: Fleet) -> None:
    failing, gone = Desk(), Desk()
    gone.gone = True
    ahead = Ahead(street, residents(street), [failing, gone])
    result, _ = failing.waiting.pop()
    result.set_exception(OSError("killed"))

    ahead.moment(0.0)

    assert (failing.waiting, gone.waiting, ahead._tellers) == ([], [], [])
    assert ahead(PAST, "smartwatch-1", 0) is None


def test_a_real_worker_tells_what_is_made_here(street: Fleet) -> None:
    workers = Workers(1, 1, {}, {})
    here = residents(street)
    ahead = Ahead(street, here, workers.processes)
    workers.processes[0].submit(int).result(60)  # once this is answered what was asked before is told
    told = ahead(PLAN, "wearer-20", 0), ahead(PAST, "smartwatch-20", 0)
    workers.close()

    lives = Lives(street, here)
    body = lives.body(here[-1])
    assert isinstance(body, SyntheticBody)
    assert told[0] is not None
    assert told[0].spans == body.plan(0).spans
    assert len(told[1]) == len(lives.past(here[-1]))


def test_a_world_lives_by_what_it_is_told_and_it_makes_no_difference(
    street: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: dict[int, list[ev.Event]] = {}
    told: list[Key] = []

    class Watched(Ahead):
        def __call__(self, what: str, whose: str, number: int) -> Any:
            thing = super().__call__(what, whose, number)
            if thing is not None:
                told.append((what, whose, number))
            return thing

    class Prompt(Desk):
        def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
            result = super().submit(fn, *args, **kwargs)
            self.do_all()
            return result

    monkeypatch.setattr(world, "Ahead", Watched)
    monkeypatch.setattr(Workers, "processes", [Prompt()])
    fleet = street.model_copy(update={"days": 1.5})
    for workers in (0, 1):
        own: list[ev.Event] = []
        onlookers = world.Onlookers(own.append, lambda _: None, lambda _: None)
        world.World(fleet, residents(fleet), MemoryWire(MemoryBroker()), workers, None, onlookers).run()
        heard[workers] = own

    assert {what for what, _, _ in told} == {PAST, DAY, PLAN, SIGNALS}
    assert heard[0] == heard[1]


def test_in_an_ideal_world_only_the_past_is_told(tmp_path: Path) -> None:
    (tmp_path / "street.toml").write_text(FLEET)
    fleet, desk = load_fleet(tmp_path / "street.toml", Overrides(sets=("ideal=true",))), Desk()
    ahead = Ahead(fleet, residents(fleet), [desk])
    desk.do_all()
    ahead.moment(0.0)

    assert desk.waiting == []
    assert ahead(PAST, "smartwatch-1", 0) is not None
    assert ahead(SIGNALS, "wearer-1", 0) is None


def test_of_recorded_wearers_nothing_is_told() -> None:
    fleet = load_fleet("recorded-nights", Overrides())
    desk = Desk()

    Ahead(fleet, residents(fleet), [desk]).moment(0.0)

    assert desk.waiting == []
