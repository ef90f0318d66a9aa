"""The same strategies and the same app, on a fleet of processes: what differs is the clock, and who tells whom."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from flwr.app import ConfigRecord, Message, RecordDict
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import strategy_utils

from aggregator.accounting import Account, Glance
from aggregator.live_grid import DaysOver
from broker import events as ev
from tests.aggregator.fleet import Fleet, failing
from tests.aggregator.live_ground import SPEED, LiveFleet

NO_EVALUATION = {"fraction_evaluate": 0.0}


def app(main: Callable[[Grid], Any]) -> Callable[[LiveFleet], ServerApp]:
    def app_of(_fleet: LiveFleet) -> ServerApp:
        server = ServerApp()
        server.main()(lambda grid, _context: main(grid))
        return server

    return app_of


def task(node_id: int, **figures: Any) -> Message:
    return Message(RecordDict({"config": ConfigRecord(figures)}), node_id, "train")


def plain(message: Message) -> Message:
    return Message(RecordDict(), reply_to=message)


def closes(fleet: LiveFleet) -> Account:
    account = Account(lambda _device: Glance(0.0, "none"))
    for event in fleet.diary:
        account.record(event)
    account.close(fleet.time.now_s())
    account.check(ended=True)
    return account


@pytest.fixture(autouse=True)
def strategies_sleep_on_the_wall(monkeypatch: pytest.MonkeyPatch) -> list[LiveFleet]:
    """Nobody really sleeps: a strategy's sleep is a rest of the fleet that a test puts into the list."""
    sleeper: list[LiveFleet] = []
    monkeypatch.setattr(strategy_utils, "sleep", lambda seconds: sleeper[0].time.rest(seconds))
    return sleeper


# --- time


def test_rounds_start_when_life_says_so_and_the_account_closes() -> None:
    fleet = LiveFleet(3)

    fleet.learn(rounds=2)

    starts = [event.t_s for event in fleet.events(ev.SelectionMade) if event.phase == "train"]
    assert starts == [600.0, 6_600.0]
    assert [event.round for event in fleet.events(ev.RoundEnded)] == [1, 2]
    assert fleet.course.cause == "rounds_done"
    assert closes(fleet).outcomes(2, "evaluate")["delivered"] == 3


def test_a_round_waits_for_the_names_of_nodes_that_have_just_enrolled() -> None:
    fleet = LiveFleet(3)
    told, fleet.telling.nodes_of = fleet.telling.nodes_of, {}
    fleet.time.at(12.0, lambda: fleet.telling.nodes_of.update(told))

    fleet.learn(rounds=1)

    first = fleet.events(ev.SelectionMade)[0]
    assert (first.t_s, first.reachable, first.selected) == (12.0 * SPEED, 3, 3)


def test_replies_are_seen_at_the_polls_of_the_wall() -> None:
    fleet = LiveFleet(2)

    fleet.learn(rounds=1, cohort=NO_EVALUATION)

    assert [event.t_s for event in fleet.events(ev.ReplyReceived)] == [600.0 + 3 * SPEED] * 2


def test_a_deadline_is_life_s_and_the_last_look_is_at_the_deadline() -> None:
    fleet = LiveFleet(3)
    fleet.nodes["phone-1"].work_wall_s = 100.0
    fleet.nodes["phone-2"].work_wall_s = 3.5

    fleet.learn(rounds=1, deadline_s=5 * SPEED, cohort=NO_EVALUATION)

    assert [event.t_s for event in fleet.events(ev.ReplyReceived)] == [600.0 + 3 * SPEED, 600.0 + 5 * SPEED]
    (given_up,) = fleet.events(ev.DeviceGivenUp)
    assert (given_up.device, given_up.cause, given_up.t_s) == ("phone-1", "deadline", 600.0 + 5 * SPEED)
    assert closes(fleet).outcomes(1, "train")["delivered"] == 2


def test_a_late_update_is_noticed_at_a_later_poll() -> None:
    fleet = LiveFleet(3)
    fleet.nodes["phone-1"].work_wall_s = 20.0

    fleet.learn(rounds=2, deadline_s=5 * SPEED, round_every_s=18 * SPEED, cohort=NO_EVALUATION)

    (late,) = fleet.events(ev.UpdateTooLate)
    assert (late.device, late.round) == ("phone-1", 1)
    assert [event.updates for event in fleet.events(ev.ModelAggregated)] == [2, 2]


def test_a_timeout_of_zero_pulls_nothing() -> None:
    fleet = LiveFleet(1)
    got: list[list[Message]] = []

    fleet.host(
        app(lambda grid: got.append(list(grid.send_and_receive([task(n) for n in grid.get_node_ids()], timeout=0))))
    )

    assert got == [[]]


def test_what_a_message_lives_is_life_s_too() -> None:
    fleet = LiveFleet(1, answering=plain)
    mine: list[Message] = []

    def main(grid: Grid) -> None:
        (node_id,) = grid.get_node_ids()
        mine.append(Message(RecordDict(), node_id, "train", ttl=40 * SPEED))
        grid.send_and_receive(mine, timeout=10 * SPEED)

    fleet.host(app(main))

    (message,) = fleet.nodes["phone-1"].fetched
    assert message.metadata.ttl == 40.0
    assert mine[0].metadata.ttl == 40 * SPEED


# --- who is told first


def test_a_selection_is_told_before_any_device_can_work_on_it() -> None:
    fleet = LiveFleet(2)
    told: list[list[type[ev.Event]]] = []
    fleet.road.before_push = lambda: told.append([type(event) for event in fleet.diary])

    fleet.learn(rounds=1, cohort=NO_EVALUATION)

    assert told[0][-3:] == [ev.SelectionMade, ev.DeviceSelected, ev.DeviceSelected]


def test_an_apps_error_is_the_devices_own_and_a_silence_the_superlinks() -> None:
    fleet = LiveFleet(4)
    fleet.nodes["phone-2"].answering = failing
    fleet.nodes["phone-3"].work_wall_s = 1_000.0
    fleet.time.at(12.0, lambda: fleet.nodes["phone-3"].uplink.silent(12.0))

    fleet.learn(rounds=1, deadline_s=300 * SPEED, cohort=NO_EVALUATION)

    (error,) = fleet.events(ev.ErrorReceived)
    assert (error.device, error.reason) == ("phone-2", "ValueError: no such thing")
    (given_up,) = fleet.events(ev.DeviceGivenUp)
    assert (given_up.device, given_up.cause) == ("phone-3", "offline")
    closes(fleet)


def test_a_node_that_signed_off_for_good_is_given_up_at_once() -> None:
    fleet = LiveFleet(3)
    fleet.road.before_push = lambda: fleet.road.gone.add(fleet.nodes["phone-3"].uplink.node_id)

    fleet.learn(rounds=1, cohort=NO_EVALUATION)

    (given_up,) = fleet.events(ev.DeviceGivenUp)
    assert (given_up.device, given_up.cause, given_up.t_s) == ("phone-3", "offline", 600.0)
    assert closes(fleet).outcomes(1, "train")["unreachable"] == 1


def test_an_upload_that_never_ends_holds_up_nobody() -> None:
    fleet = LiveFleet(3)
    torn = fleet.nodes["phone-1"]
    torn.work_wall_s = 1_000.0

    def tear() -> None:
        assert torn.uplink.begin_upload(torn.fetched[0], 12.0)

    fleet.time.at(12.0, tear)
    fleet.learn(rounds=1, deadline_s=30 * SPEED, cohort=NO_EVALUATION)

    assert [event.device for event in fleet.events(ev.ReplyReceived)] == ["phone-2", "phone-3"]
    (given_up,) = fleet.events(ev.DeviceGivenUp)
    assert (given_up.device, given_up.cause, given_up.t_s) == ("phone-1", "deadline", 600.0 + 30 * SPEED)


# --- whom it selects


def test_only_devices_that_report_ready_are_selected_if_so_wished() -> None:
    fleet = LiveFleet(4)
    fleet.telling.ready_now.discard("phone-2")

    fleet.learn(rounds=1, selectable="ready", cohort=NO_EVALUATION)

    (selection,) = fleet.events(ev.SelectionMade)
    assert (selection.reachable, selection.ready, selection.selected) == (4, 3, 3)
    assert "phone-2" not in {event.device for event in fleet.events(ev.DeviceSelected)}


def test_the_same_seed_selects_the_same_devices_in_the_same_order() -> None:
    fleets = [LiveFleet(10, seed=3), LiveFleet(10, seed=3), LiveFleet(10, seed=4)]
    fleets[1].road.get_node_ids = lambda: fleets[1].superlink.online(fleets[1].time.wall_s)  # type: ignore[method-assign]  # in another order

    for fleet in fleets:
        np.random.seed(5)  # noqa: NPY002  # whoever else draws changes nothing
        fleet.learn(rounds=2, cohort={"fraction_train": 0.5})

    chosen = [[(event.round, event.device) for event in fleet.events(ev.DeviceSelected)] for fleet in fleets]
    assert chosen[0] == chosen[1]
    assert chosen[0] != chosen[2]


@pytest.mark.virtual_time
async def test_a_live_fleet_and_a_virtual_one_select_alike_and_learn_alike() -> None:
    live, virtual = LiveFleet(8, seed=5), Fleet(8, seed=5)

    live.learn("fedmedian", rounds=3, cohort={"fraction_train": 0.5})
    await virtual.learn("fedmedian", rounds=3, cohort={"fraction_train": 0.5})

    for kind in (ev.DeviceSelected, ev.ReplyReceived):
        told = [sorted((e.round, e.phase, e.device) for e in fleet.events(kind)) for fleet in (live, virtual)]
        assert told[0] == told[1]
    assert all(map(np.array_equal, live.course.arrays, virtual.course.arrays))


# --- too few


def test_too_few_devices_for_too_long_end_the_run_with_the_virtual_words(
    strategies_sleep_on_the_wall: list[LiveFleet],
) -> None:
    fleet = LiveFleet(1)
    strategies_sleep_on_the_wall.append(fleet)

    fleet.learn(rounds=1, patience_s=3_600)

    assert fleet.course.cause == "too_few_devices"
    assert fleet.course.reason == "the server waited 1.0 h for more devices to select from than 1"
    (event,) = fleet.events(ev.TooFewDevices)
    assert (event.t_s, event.phase, event.reachable, event.needed) == (600.0, "train", 1, 2)
    assert fleet.time.now_s() == 600.0 + 3_600.0


def test_a_server_waits_for_enough_devices(strategies_sleep_on_the_wall: list[LiveFleet]) -> None:
    fleet = LiveFleet(2)
    strategies_sleep_on_the_wall.append(fleet)
    late = fleet.nodes["phone-2"].uplink
    late.signed_off(0.0)
    fleet.time.at(30.5, lambda: late.reachable(30.5))

    fleet.learn(rounds=1, cohort=NO_EVALUATION)

    assert fleet.events(ev.SelectionMade)[0].t_s == 31.0 * SPEED
    assert len(fleet.events(ev.TooFewDevices)) == 1


@pytest.mark.parametrize("days_s", [300.0, 600.0 + 2 * SPEED])
def test_the_end_of_days_ends_a_server_that_waits(days_s: float) -> None:
    fleet = LiveFleet(2, work_wall_s=1_000.0)

    with pytest.raises(DaysOver):
        fleet.learn(rounds=1, deadline_s=1e6, days_s=days_s)

    assert fleet.time.now_s() == days_s
    assert fleet.course.cause == ""
    closes(fleet)
