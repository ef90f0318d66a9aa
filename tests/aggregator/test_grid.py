"""A strategy of Flower's lives through what a real SuperLink would do to it, in virtual time."""

import asyncio
import random
from collections.abc import Callable
from time import sleep  # noqa: TID251  # what a strategy does, in its own thread
from typing import Any

import pytest
from flwr.app import ArrayRecord, ConfigRecord, Message, RecordDict
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg

from aggregator.uplink import NodeUplink
from broker import events as ev
from broker.errors import RunEnded
from tests.aggregator.fleet import Fleet, answer, failing
from tests.aggregator.posts import at_once

pytestmark = pytest.mark.virtual_time

Main = Callable[[Grid], Any]


def app(main: Main) -> Callable[[Fleet], ServerApp]:
    def app_of(_fleet: Fleet) -> ServerApp:
        server = ServerApp()
        server.main()(lambda grid, _context: main(grid))
        return server

    return app_of


def task(node_id: int, kind: str = "train", **figures: Any) -> Message:
    return Message(RecordDict({"config": ConfigRecord(figures)}), node_id, kind)


def plain(message: Message) -> Message:
    return Message(RecordDict(), reply_to=message)


def later(at_s: float, do: Callable[[float], object]) -> None:
    asyncio.get_running_loop().call_at(at_s, do, at_s)


# --- rounds


async def test_rounds_start_when_due_and_never_before() -> None:
    fleet = Fleet(3)

    await fleet.learn(rounds=3, first_round_s=500, round_every_s=2_000)

    starts = [event.t_s for event in fleet.events(ev.SelectionMade) if event.phase == "train"]
    assert starts == [500, 2_500, 4_500]
    assert [event.round for event in fleet.events(ev.RoundEnded)] == [1, 2, 3]


async def test_a_round_that_takes_longer_than_the_rhythm_delays_the_next() -> None:
    fleet = Fleet(2, work_s=700.0)

    await fleet.learn(rounds=2, deadline_s=5_000, first_round_s=0, round_every_s=1_000)

    starts = [event.t_s for event in fleet.events(ev.SelectionMade) if event.phase == "train"]
    ends = [event.t_s for event in fleet.events(ev.RoundEnded)]
    assert ends[0] > 1_000
    assert starts[1] == ends[0]


async def test_the_rounds_of_an_app_that_knows_nothing_of_us_are_held_too() -> None:
    fleet = Fleet(2)

    def main(grid: Grid) -> None:
        FedAvg(min_available_nodes=2).start(grid=grid, initial_arrays=ArrayRecord(fleet.course.arrays), num_rounds=2)

    await fleet.host(app(main), first_round_s=100, round_every_s=1_000)

    starts = [event.t_s for event in fleet.events(ev.SelectionMade) if event.phase == "train"]
    assert starts == [100, 1_100]
    assert [event.round for event in fleet.events(ev.RoundEnded)] == [1, 2]


async def test_without_federated_evaluation_nobody_is_asked_for_it() -> None:
    fleet = Fleet(2)

    await fleet.learn(rounds=2, cohort={"fraction_evaluate": 0.0})

    assert {event.phase for event in fleet.events(ev.SelectionMade)} == {"train"}
    assert fleet.course.evaluate_metrics_clientapp == {}


# --- what becomes of a task


async def test_replies_are_seen_at_the_servers_poll() -> None:
    fleet = Fleet(2, work_s=10.0, poll_s=0.0)

    await fleet.learn(rounds=1, first_round_s=100)

    train = [event.t_s for event in fleet.events(ev.ReplyReceived) if event.phase == "train"]
    assert train == [112.0, 112.0]


async def test_an_ideal_server_sees_them_at_once() -> None:
    fleet = Fleet(2, work_s=10.0, poll_s=0.0)

    await fleet.learn(rounds=1, first_round_s=100, poll_s=0.0)

    train = [event.t_s for event in fleet.events(ev.ReplyReceived) if event.phase == "train"]
    assert train == [110.0, 110.0]


async def test_a_straggler_is_given_up_at_the_deadline_and_works_off_its_backlog() -> None:
    fleet = Fleet(3)
    slow = fleet.devices["phone-1"]
    slow.work_s = 900.0

    await fleet.learn(rounds=2, deadline_s=601.0, first_round_s=100, round_every_s=2_000)

    given_up = [event for event in fleet.events(ev.DeviceGivenUp) if event.round == 1]
    assert [(event.t_s, event.device, event.phase, event.cause) for event in given_up] == [
        (703.0, "phone-1", "train", "deadline"),  # 601 s, found at the next poll
        (1_306.0, "phone-1", "evaluate", "deadline"),
    ]
    late = [(event.t_s, event.round, event.phase) for event in fleet.events(ev.UpdateTooLate)]
    assert late[:2] == [(1_002.0, 1, "train"), (1_905.0, 1, "evaluate")]
    assert slow.accepted == [True] * len(slow.accepted)
    updates = [event.updates for event in fleet.events(ev.ModelAggregated)]
    assert updates == [2, 2]


async def test_a_node_that_falls_silent_is_given_up_when_its_heartbeats_are_overdue() -> None:
    fleet = Fleet(2, work_s=500.0)
    later(120, fleet.devices["phone-1"].uplink.silent)

    await fleet.learn(rounds=1, deadline_s=3_000, cohort={"fraction_evaluate": 0.0})

    (event,) = fleet.events(ev.DeviceGivenUp)
    assert event.cause == "offline"
    assert 150 < event.t_s < 184


async def test_a_finished_update_is_lost_if_its_node_signs_off_before_the_poll() -> None:
    fleet = Fleet(2, work_s=10.0, poll_s=0.0)
    later(110.5, fleet.devices["phone-1"].uplink.signed_off)

    await fleet.learn(rounds=1, cohort={"fraction_evaluate": 0.0})

    assert fleet.devices["phone-1"].accepted == [True]
    (event,) = fleet.events(ev.DeviceGivenUp)
    assert (event.t_s, event.device, event.cause) == (112.0, "phone-1", "offline")


async def test_an_update_after_its_node_was_given_up_is_dropped() -> None:
    fleet = Fleet(2, work_s=500.0)
    later(105, fleet.devices["phone-1"].uplink.silent)
    later(300, fleet.devices["phone-1"].uplink.reachable)

    await fleet.learn(rounds=1, deadline_s=3_000, cohort={"fraction_evaluate": 0.0})

    assert fleet.devices["phone-1"].accepted == [False]
    (event,) = fleet.events(ev.UpdateTooLate)
    assert event.device == "phone-1"


async def test_an_apps_error_is_the_devices_own() -> None:
    fleet = Fleet(3)
    fleet.devices["phone-2"].answering = failing

    await fleet.learn(rounds=1, cohort={"fraction_evaluate": 0.0})

    (event,) = fleet.events(ev.ErrorReceived)
    assert (event.device, event.code, event.reason) == ("phone-2", 2, "ValueError: no such thing")
    assert [event.updates for event in fleet.events(ev.ModelAggregated)] == [2]


async def test_a_torn_upload_holds_the_server_beyond_its_deadline() -> None:
    fleet = Fleet(1)
    uplink = fleet.devices["phone-1"].uplink
    seen: list[tuple[float, int]] = []

    def begin(at_s: float) -> None:
        message = uplink.fetch(at_s)
        assert message is not None
        assert uplink.begin_upload(message, at_s)
        uplink.silent(at_s + 1)

    def main(grid: Grid) -> None:
        (reply,) = grid.send_and_receive([task(n) for n in grid.get_node_ids()], timeout=30)
        seen.append((fleet.grid.now_s(), reply.error.code))

    fleet.devices["phone-1"].poll_s = 1_000.0  # it does nothing by itself
    later(110, begin)
    await fleet.host(app(main))

    assert seen == [(291.0, 3)]


async def test_an_upload_under_way_is_waited_for_beyond_the_deadline() -> None:
    fleet = Fleet(1)
    uplink = fleet.devices["phone-1"].uplink
    held: list[Message] = []
    seen: list[float] = []

    def begin(at_s: float) -> None:
        message = uplink.fetch(at_s)
        assert message is not None
        uplink.begin_upload(message, at_s)
        held.append(message)

    def main(grid: Grid) -> None:
        (reply,) = grid.send_and_receive([task(n) for n in grid.get_node_ids()], timeout=30)
        assert reply.has_content()
        seen.append(fleet.grid.now_s())

    fleet.devices["phone-1"].poll_s = 1_000.0
    later(110, begin)
    later(500, lambda at_s: at_once(uplink.deliver(at_s, Message(RecordDict(), reply_to=held[0]))))
    await fleet.host(app(main))

    assert seen == [500.0]


async def test_an_upload_that_broke_off_and_was_taken_up_again_is_waited_for_like_one_that_never_did() -> None:
    fleet = Fleet(2)
    phone, other = (device.uplink for device in fleet.devices.values())
    held: dict[NodeUplink, Message] = {}
    seen: list[tuple[float, int]] = []

    def begin(at_s: float) -> None:
        for uplink in (phone, other):
            message = uplink.fetch(at_s)
            assert message is not None
            uplink.begin_upload(message, at_s)
            held[uplink] = message

    def main(grid: Grid) -> None:
        replies = list(grid.send_and_receive([task(n) for n in grid.get_node_ids()], timeout=30))
        seen.append((fleet.grid.now_s(), sum(reply.has_content() for reply in replies)))

    for device in fleet.devices.values():
        device.poll_s = 1_000.0
    later(110, begin)
    later(150, lambda at_s: at_once(phone.deliver(at_s, Message(RecordDict(), reply_to=held[phone]))))
    later(160, other.silent)
    later(200, other.reachable)
    later(500, lambda at_s: at_once(other.deliver(at_s, Message(RecordDict(), reply_to=held[other]))))
    await fleet.host(app(main))

    assert seen == [(500.0, 2)]


async def test_models_are_let_go_of_once_nobody_can_ask_for_them() -> None:
    fleet = Fleet(3)
    fleet.devices["phone-3"].work_s = 2_000.0  # its update comes after the deadline, and is never pulled
    kept: list[tuple[int, bool]] = []

    def main(grid: Grid) -> None:
        strategy = FedAvg(min_available_nodes=1, min_train_nodes=1, min_evaluate_nodes=1)
        strategy.start(grid=grid, initial_arrays=ArrayRecord(fleet.course.arrays), num_rounds=1, timeout=600)
        late = next(one for one in fleet.superlink.tasks.values() if one.device == "phone-3")
        sleep(3_000)
        kept.append((len(late.content), late.reply is not None))
        sleep(50_000)  # Flower's tasks live for twelve hours
        grid.push_messages([task(n) for n in grid.get_node_ids()])
        kept.append((len(late.content), late.reply is not None))

    await fleet.host(app(main))

    *of_the_round, _, _, _ = fleet.superlink.tasks.values()
    assert [len(one.content) for one in of_the_round] == [0] * 6
    assert kept == [(2, True), (0, False)]


async def test_an_instruction_that_expires_is_an_error_at_the_poll_after() -> None:
    fleet = Fleet(1, work_s=500.0)
    seen: list[tuple[float, int]] = []

    def main(grid: Grid) -> None:
        (node_id,) = grid.get_node_ids()
        message = Message(RecordDict(), node_id, "train", ttl=40)
        (reply,) = grid.send_and_receive([message])
        seen.append((fleet.grid.now_s(), reply.error.code))

    await fleet.host(app(main))

    assert seen == [(142.0, 3)]
    (event,) = fleet.events(ev.DeviceGivenUp)
    assert event.cause == "expired"


async def test_a_timeout_of_zero_pulls_nothing() -> None:
    fleet = Fleet(1)
    got: list[list[Message]] = []

    def main(grid: Grid) -> None:
        got.append(list(grid.send_and_receive([task(n) for n in grid.get_node_ids()], timeout=0)))

    await fleet.host(app(main))

    assert got == [[]]


async def test_what_the_strategy_does_to_its_records_afterwards_changes_no_task() -> None:
    fleet = Fleet(1, work_s=30.0)
    steps = [1, 2]
    config = ConfigRecord({"server-round": 1, "steps": steps})

    def main(grid: Grid) -> None:
        (node_id,) = grid.get_node_ids()
        grid.push_messages([Message(RecordDict({"config": config}), node_id, "train")])
        config["server-round"] = 2
        steps.append(3)
        sleep(10)

    await fleet.host(app(main))

    ((_, message),) = fleet.devices["phone-1"].fetched
    assert dict(message.content.config_records["config"]) == {"server-round": 1, "steps": [1, 2]}


async def test_messages_bear_virtual_dates_and_rounds() -> None:
    fleet = Fleet(1, work_s=30.0, answering=plain)

    def main(grid: Grid) -> None:
        (node_id,) = grid.get_node_ids()
        evaluation = task(node_id, "evaluate", **{"server-round": 7})
        for message in (task(node_id), task(node_id), evaluation, task(node_id, "query")):
            grid.send_and_receive([message])

    await fleet.host(app(main))

    device = fleet.devices["phone-1"]
    labels = [device.uplink.label(message) for _, message in device.fetched]
    assert labels == [(1, "train"), (2, "train"), (7, "evaluate"), (1, "query")]
    assert device.fetched[0][1].metadata.created_at == 1_767_636_100.0
    assert {event.phase for event in fleet.events(ev.SelectionMade)} == {"train", "evaluate"}


async def test_an_asynchronous_strategy_pushes_and_pulls_at_its_own_pace() -> None:
    fleet = Fleet(3, answering=plain)
    fleet.devices["phone-3"].work_s = 200.0
    got: list[tuple[float, int]] = []

    def main(grid: Grid) -> None:
        open_ = list(grid.push_messages([task(n) for n in grid.get_node_ids()]))
        while open_:
            replies = list(grid.pull_messages(open_))
            open_ = [t for t in open_ if t not in {r.metadata.reply_to_message_id for r in replies}]
            if replies:
                got.append((fleet.grid.now_s(), len(replies)))
            sleep(5)

    await fleet.host(app(main))

    assert got == [(165.0, 2), (305.0, 1)]


# --- selection


async def test_a_device_that_the_server_still_calls_online_can_be_selected() -> None:
    fleet = Fleet(3)
    later(90, fleet.devices["phone-1"].uplink.silent)

    await fleet.learn(rounds=1, deadline_s=300, cohort={"fraction_evaluate": 0.0})

    assert "phone-1" in {event.device for event in fleet.events(ev.DeviceSelected)}
    assert [event.device for event in fleet.events(ev.DeviceGivenUp)] == ["phone-1"]


async def test_only_devices_that_report_ready_are_selected_if_so_wished() -> None:
    fleet = Fleet(4)
    fleet.readiness.names.discard("phone-2")

    await fleet.learn(rounds=1, selectable="ready", cohort={"fraction_evaluate": 0.0})

    (selection,) = fleet.events(ev.SelectionMade)
    assert (selection.reachable, selection.ready, selection.selected) == (4, 3, 3)
    assert "phone-2" not in {event.device for event in fleet.events(ev.DeviceSelected)}


async def test_whoever_else_draws_random_numbers_changes_no_selection() -> None:
    def chosen(fleet: Fleet) -> list[str]:
        return [event.device for event in fleet.events(ev.DeviceSelected)]

    fleets = [Fleet(10, seed=3), Fleet(10, seed=3), Fleet(10, seed=4)]
    for number, fleet in enumerate(fleets):
        random.seed(number)
        await fleet.learn(rounds=2, cohort={"fraction_train": 0.5})

    assert chosen(fleets[0]) == chosen(fleets[1])
    assert chosen(fleets[0]) != chosen(fleets[2])


# --- too few


async def test_a_server_waits_for_enough_devices_and_begins_the_second_they_are_there() -> None:
    fleet = Fleet(2)
    fleet.devices["phone-2"].comes_s = 7_000.3

    await fleet.learn(rounds=1, patience_s=50_000)

    assert fleet.events(ev.SelectionMade)[0].t_s == 7_001.0
    (event,) = [event for event in fleet.events(ev.TooFewDevices) if event.phase == "train"]
    assert (event.t_s, event.reachable, event.needed) == (100.0, 1, 2)


async def test_a_lull_ends_when_a_silent_node_goes_offline() -> None:
    fleet = Fleet(1)
    asked: list[tuple[float, int]] = []
    later(1_000, fleet.devices["phone-1"].uplink.silent)

    def main(grid: Grid) -> None:
        while nodes := list(grid.get_node_ids()):
            asked.append((fleet.grid.now_s(), len(nodes)))
            sleep(1)
        asked.append((fleet.grid.now_s(), 0))

    await fleet.host(app(main), patience_s=90_000)

    assert [n for _, n in asked] == [1, 1, 0]
    assert asked[1][0] == 101.0
    assert 1_030 < asked[2][0] < 1_061


async def test_a_day_of_waiting_costs_a_handful_of_turns() -> None:
    fleet = Fleet(1)
    asked: list[float] = []

    def main(grid: Grid) -> None:
        for _ in range(100_000):
            grid.get_node_ids()
            asked.append(fleet.grid.now_s())
            sleep(1)

    with pytest.raises(RunEnded, match=r"waited 24.0 h .* than 1"):
        await fleet.host(app(main), patience_s=86_400)

    assert len(asked) < 5
    assert fleet.grid.now_s() == 86_500.0


async def test_a_strategy_that_looks_at_the_clock_sleeps_as_long_as_it_says() -> None:
    from time import time  # noqa: TID251  # what a strategy does

    fleet = Fleet(1)
    turns: list[float] = []

    def main(grid: Grid) -> None:
        grid.get_node_ids()
        until = time() + 50
        while time() < until:
            grid.get_node_ids()
            turns.append(fleet.grid.now_s())
            sleep(1)

    await fleet.host(app(main))

    assert turns == [100.0 + second for second in range(50)]


async def test_too_few_devices_for_too_long_ends_the_run_with_its_cause() -> None:
    fleet = Fleet(1)

    await fleet.learn(rounds=1, patience_s=3_600)

    assert fleet.course.cause == "too_few_devices"
    assert fleet.course.reason == "the server waited 1.0 h for more devices to select from than 1"
    assert len(fleet.events(ev.TooFewDevices)) == 1


async def test_waiting_for_readiness_ends_when_somebody_reports_it() -> None:
    fleet = Fleet(2)
    fleet.readiness.names = {"phone-1"}
    later(5_000, lambda _at_s: fleet.readiness.names.add("phone-2"))

    await fleet.learn(rounds=1, selectable="ready", patience_s=50_000)

    start = fleet.events(ev.SelectionMade)[0].t_s
    assert 5_000 <= start <= 5_011


async def test_the_end_of_days_ends_a_server_that_waits() -> None:
    fleet = Fleet(2, work_s=1e6)

    with pytest.raises(RunEnded):
        await fleet.learn(rounds=1, deadline_s=1e6, days_s=5_000)

    assert not fleet.turns.alive
    assert fleet.course.cause == ""


async def test_the_same_seed_tells_the_same_story() -> None:
    diaries: list[list[tuple[type[ev.Event], str | None]]] = []
    for _ in range(2):
        fleet = Fleet(12)
        for number, device in enumerate(fleet.devices.values()):
            device.work_s = 30.0 + 13 * number
            device.answering = failing if number == 5 else answer
        await fleet.learn(rounds=2, first_round_s=1e5 * (len(diaries) + 1), cohort={"fraction_train": 0.5})
        diaries.append([(type(event), event.device) for event in fleet.diary])

    assert diaries[0] == diaries[1]
