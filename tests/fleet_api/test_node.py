"""A node at a SuperLink that forgets, fails, loses answers and ends runs."""

import asyncio
import datetime
import time
from collections.abc import Callable

import pytest
from flwr.app import Message
from flwr.app.message import message as message_module

from broker import events as ev
from devices.fleet_api import FleetDoor, Limits, flower
from devices.storage.notes import MemoryNotes
from devices.workload import error_reply
from tests.broker.patience import until
from tests.fleet_api.conftest import Home, failure, update
from tests.fleet_api.superlink import InProcessSuperLink

HOUR = datetime.timedelta(hours=1)
EPOCH = datetime.datetime.fromtimestamp(0.0, datetime.UTC)


async def test_a_device_is_no_node_before_it_is_reachable(home: Home) -> None:
    node = home.device()

    assert node.node_id is None
    assert home.server.wire.calls == []


async def test_a_task_comes_with_a_ring_and_its_reply_arrives(home: Home) -> None:
    node, bell = await home.enrolled(), asyncio.Event()
    node.on_task(bell.set)
    assert node.node_id is not None
    home.server.push(node.node_id)

    await asyncio.wait_for(bell.wait(), 5.0)
    task = node.fetch(home.now_s)
    assert task is not None
    accepted = await node.deliver(home.now_s, update(task))

    assert accepted
    reply = await home.pulled(task)
    assert reply.metadata.src_node_id == node.node_id


async def test_a_silent_node_is_not_heard_of_any_more(home: Home) -> None:
    node = await home.enrolled()

    node.silent(home.now_s)
    await asyncio.sleep(0.05)
    before = len(home.server.wire.calls)
    await asyncio.sleep(0.05)

    assert len(home.server.wire.calls) == before
    assert node.node_id in home.server.online(), "nobody told the server"


async def test_a_node_that_comes_back_beats_and_is_the_same(home: Home) -> None:
    node = await home.enrolled()
    node_id = node.node_id
    node.signed_off(home.now_s)
    await until(lambda: not home.server.online())

    node.reachable(home.now_s)
    await until(lambda: bool(home.server.online()))

    assert home.server.online() == {node_id}
    assert home.server.wire.calls.count("register-node") == 1


async def test_a_new_process_with_the_same_notes_is_the_same_node(home: Home) -> None:
    notes = MemoryNotes()
    first = await home.enrolled(notes=notes)
    first.silent(home.now_s)

    second = home.device(notes=notes)
    second.reachable(home.now_s)
    await until(lambda: home.server.wire.calls.count("send-node-heartbeat") == 1)

    assert second.node_id == first.node_id
    assert home.server.wire.calls.count("activate-node") == 1


async def test_what_a_process_left_unanswered_the_next_one_answers(home: Home) -> None:
    notes = MemoryNotes()
    first = await home.enrolled(notes=notes)
    task = await home.task_for(first)
    first.silent(home.now_s)

    await home.enrolled(notes=notes)

    reply = await home.pulled(task)
    assert reply.error.code == 8
    assert "ProcessKilled" in str(reply.error.reason)


async def test_a_task_that_the_device_lost_is_answered_when_it_takes_the_next(home: Home) -> None:
    node = await home.enrolled()
    lost = await home.task_for(node)

    await home.task_for(node)

    reply = await home.pulled(lost)
    assert reply.error.code == 8
    assert "TaskLost" in str(reply.error.reason)


async def test_signing_off_waits_until_the_reply_was_taken(home: Home) -> None:
    node = await home.enrolled()
    task = await home.task_for(node)
    await node.deliver(home.now_s, update(task))

    node.signed_off(home.now_s)
    await asyncio.sleep(0.1)
    assert home.server.online(), "it lingers"
    reply = await home.pulled(task)

    assert not reply.has_error()
    await until(lambda: not home.server.online())


async def test_signing_off_does_not_wait_for_ever(home: Home) -> None:
    node = await home.enrolled()
    task = await home.task_for(node)
    await node.deliver(home.now_s, update(task))

    node.signed_off(home.now_s)

    await until(lambda: not home.server.online())
    assert home.server.pull(task.metadata.message_id).error.code == 5  # type: ignore[union-attr]  # a late one, and lost


async def test_who_comes_back_while_it_lingers_stays(home: Home) -> None:
    node = await home.enrolled()
    task = await home.task_for(node)
    await node.deliver(home.now_s, update(task))

    node.signed_off(home.now_s)
    node.reachable(home.now_s)
    await home.pulled(task)
    await asyncio.sleep(0.05)

    assert home.server.online() == {node.node_id}
    assert "deactivate-node" not in home.server.wire.calls


async def test_the_server_forgot_everything_and_the_node_begins_anew_with_its_key(home: Home) -> None:
    node = await home.enrolled()
    old_id = node.node_id
    task = await home.task_for(node)

    home.server.begin()
    assert not await node.deliver(home.now_s, update(task)), "nobody knows that task"
    await until(lambda: home.server.online() == {node.node_id})

    assert node.node_id != old_id
    new = await home.task_for(node)
    assert await node.deliver(home.now_s, update(new))


async def test_a_reply_is_kept_while_the_server_is_away(home: Home) -> None:
    node = await home.enrolled()
    task = await home.task_for(node)
    home.server.wire.down = True

    delivering = asyncio.create_task(node.deliver(home.now_s, update(task)))
    await until(lambda: bool(home.diary))
    assert not delivering.done()
    home.server.wire.down = False

    assert await delivering
    assert not (await home.pulled(task)).has_error()


async def test_an_outage_is_told_once_and_so_is_its_end(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    node = await home.enrolled()
    home.server.wire.down = True

    await until(lambda: bool(home.diary))
    await asyncio.sleep(0.1)
    home.server.wire.down = False
    await until(lambda: len(home.diary) > 1)

    assert [type(event) for event in home.diary] == [ev.ServerLost, ev.ServerFound]
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("devices.fleet_api")]
    assert [line.split(" (")[0].split(",")[0] for line in lines] == [
        "the SuperLink at superlink:8000 does not answer",
        "the SuperLink at superlink:8000 answers again",
    ]
    assert node.node_id in home.server.online()


async def test_a_device_out_of_reach_hears_of_no_outage(home: Home) -> None:
    away = await home.enrolled("phone")
    away.silent(home.now_s)
    await home.enrolled("watch")
    home.server.wire.down = True

    await until(lambda: bool(home.diary))

    assert [event.device for event in home.diary] == ["watch"]


async def test_a_reply_waits_for_a_device_that_is_out_of_reach_itself(home: Home) -> None:
    node = await home.enrolled()
    task = await home.task_for(node)
    node.silent(home.now_s)

    delivering = asyncio.create_task(node.deliver(home.now_s, update(task)))
    await asyncio.sleep(0.05)
    assert not delivering.done()
    node.reachable(home.now_s)

    assert await delivering


async def test_an_abandoned_reply_is_never_sent_and_the_server_hears_of_it(home: Home) -> None:
    node = await home.enrolled()
    task = await home.task_for(node)
    home.server.wire.down = True

    delivering = asyncio.create_task(node.deliver(home.now_s, update(task)))
    await until(lambda: bool(home.diary))
    node.abandon(task, home.now_s)
    home.server.wire.down = False

    assert not await delivering
    reply = await home.pulled(task)
    assert reply.error.code == 8


async def test_a_reply_that_was_given_up_before_it_began_is_told_as_well(home: Home) -> None:
    node = await home.enrolled()
    task = await home.task_for(node)
    assert node.begin_upload(task, home.now_s)

    node.abandon(task, home.now_s)

    assert (await home.pulled(task)).error.code == 8
    assert not await node.deliver(home.now_s, update(task))


@pytest.mark.parametrize("path", ["push-messages", "push-object"])
async def test_an_answer_that_got_lost_makes_no_reply_refused(home: Home, path: str) -> None:
    node = await home.enrolled()
    task = await home.task_for(node)
    home.server.wire.answers_lost[path] = 2

    assert await node.deliver(home.now_s, update(task))

    assert not (await home.pulled(task)).has_error()


@pytest.mark.parametrize("made", [update, failure])
@pytest.mark.parametrize("date", ["an hour ahead", "an hour behind", "1970"])
async def test_a_reply_that_was_made_while_the_date_was_wrong_is_as_good_as_any(
    home: Home, monkeypatch: pytest.MonkeyPatch, date: str, made: Callable[[Message], Message]
) -> None:
    node = await home.enrolled()
    task = await home.task_for(node)
    right = flower.now()
    wrong = {"an hour ahead": right + HOUR, "an hour behind": right - HOUR, "1970": EPOCH}[date]
    with monkeypatch.context() as wrongly:
        wrongly.setattr(message_module, "now", lambda: wrong)
        reply = made(task)

    assert await node.deliver(home.now_s, reply)

    taken = await home.pulled(task)
    assert (taken.has_error(), taken.metadata.created_at) == (made is failure, task.metadata.created_at)


async def test_a_reply_of_a_date_that_can_be_keeps_it(home: Home) -> None:
    node = await home.enrolled()
    task = await home.task_for(node)
    reply = update(task)
    made = reply.metadata.created_at

    assert await node.deliver(home.now_s, reply)

    assert (await home.pulled(task)).metadata.created_at == made > task.metadata.created_at


async def test_a_busy_server_is_asked_again(home: Home) -> None:
    node = await home.enrolled()
    task = await home.task_for(node)
    home.server.wire.busy.update({"push-messages": 2, "push-object": 3})

    assert await node.deliver(home.now_s, update(task))


async def test_a_reply_that_nobody_waits_for_is_refused(home: Home) -> None:
    node = await home.enrolled()
    task = await home.task_for(node)
    node.signed_off(home.now_s)
    await until(lambda: not home.server.online())
    assert (await home.pulled(task)).error.code == 5
    node.reachable(home.now_s)

    assert not await node.deliver(home.now_s, update(task))


async def test_a_second_answer_is_refused(home: Home) -> None:
    node = await home.enrolled()
    task = await home.task_for(node)

    assert await node.deliver(home.now_s, update(task))
    assert not await node.deliver(home.now_s, update(task))


async def test_a_run_that_is_over_wants_nothing(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    node = await home.enrolled()
    task = await home.task_for(node)
    home.server.end_run()

    assert not await node.deliver(home.now_s, update(task))
    assert not node.wanted(task, home.now_s)
    assert not [record for record in caplog.records if record.name.startswith("devices.fleet_api")]


async def test_an_error_reply_is_not_waited_for(home: Home) -> None:
    node = await home.enrolled()
    task = await home.task_for(node)
    home.server.wire.down = True

    assert await node.deliver(home.now_s, error_reply(task, "refused: battery"))
    home.server.wire.down = False

    reply = await home.pulled(task)
    assert (reply.error.code, reply.error.reason) == (6, "refused: battery")


async def test_an_error_reply_still_goes_out_with_a_device_that_signs_off(home: Home) -> None:
    node = await home.enrolled()
    task = await home.task_for(node)

    await node.deliver(home.now_s, failure(task))
    node.signed_off(home.now_s)

    assert (await home.pulled(task)).error.code == 2
    await until(lambda: not home.server.online())


async def test_the_next_task_stays_at_the_server_while_one_lies_here(home: Home) -> None:
    node = await home.enrolled()
    assert node.node_id is not None
    for number in (1, 2):
        home.server.push(node.node_id, config={"number": number})
    await until(lambda: node.waiting(home.now_s))
    await asyncio.sleep(0.05)
    left = [m for m in home.server.state.message_ins_store.values() if not m.metadata.delivered_at]
    assert len(left) == 1

    first = await home.fetched(node)
    second = await home.fetched(node)

    assert [task.content.config_records["config"]["number"] for task in (first, second)] == [1, 2]


async def test_a_run_of_another_app_is_answered_by_the_node_itself() -> None:
    server = InProcessSuperLink(app="somebody/else")
    door = FleetDoor(server.client())
    home = Home(server, door)
    node = await home.enrolled()
    assert node.node_id is not None

    task = server.push(node.node_id)
    await until(lambda: bool(server.state.message_res_store))

    reply = server.pull(task)
    door.close()
    assert reply is not None
    assert (reply.error.code, reply.error.reason) == (1, "this fleet's devices run Fleetbeat's own app")
    assert not node.waiting(home.now_s)


async def test_a_run_tells_what_its_user_overrode() -> None:
    server = InProcessSuperLink(local_epochs=4)
    door = FleetDoor(server.client())
    home = Home(server, door)

    task = await home.task_for(await home.enrolled())

    door.close()
    assert door.run_overrides(task.metadata.run_id) == {"local_epochs": 4}


async def test_a_node_registered_by_hand_needs_no_registration() -> None:
    server = InProcessSuperLink(authenticates=True)
    door = FleetDoor(server.client())
    home = Home(server, door)
    node = home.device()
    server.state.create_node("", "", node.public_key, 0)

    node.reachable(home.now_s)
    await until(lambda: server.online() == {node.node_id})

    assert server.wire.calls.count("register-node") == 1, "which was refused"
    door.close()


async def test_a_key_that_nobody_registered_is_told_and_taken_later(caplog: pytest.LogCaptureFixture) -> None:
    server = InProcessSuperLink(authenticates=True)
    door = FleetDoor(server.client())
    home = Home(server, door)
    nodes = [home.device(name) for name in ("watch", "phone")]

    for node in nodes:
        node.reachable(home.now_s)
    await until(lambda: len(home.diary) == 2)
    for node in nodes:
        server.state.create_node("", "", node.public_key, 0)
    await until(lambda: len(home.diary) == 4)

    door.close()
    assert [type(event) for event in home.diary] == [ev.ServerLost] * 2 + [ev.ServerFound] * 2
    lost = home.diary[0]
    assert isinstance(lost, ev.ServerLost)
    assert "Failed to activate SuperNode" in lost.reason
    told = [record.getMessage() for record in caplog.records if record.name.startswith("devices.fleet_api")]
    assert len(told) == 1, told


async def test_all_nodes_of_a_round_fetch_its_content_once(home: Home) -> None:
    nodes = [await home.enrolled(f"watch-{number}") for number in range(5)]
    before = len(home.server.wire.calls)

    for node in nodes:
        task = await home.task_for(node)
        task.content.config_records["config"]["server-round"] = 99  # one device's records are its own

    fetched = home.server.wire.calls[before:].count("pull-object")
    assert fetched == 3 + len(nodes), "content, arrays and config once; each message itself"
    assert home.server.wire.calls.count("get-run") == 1


async def test_all_nodes_together_poll_no_more_than_the_budget_allows() -> None:
    server = InProcessSuperLink()
    door = FleetDoor(server.client(), Limits(polls_per_s=40.0))
    home = Home(server, door)
    for number in range(60):
        await home.enrolled(f"watch-{number}")

    before, began_s = server.wire.calls.count("pull-messages"), time.monotonic()
    await asyncio.sleep(0.5)
    polls, passed_s = server.wire.calls.count("pull-messages") - before, time.monotonic() - began_s

    door.close()
    assert 10 <= polls <= 40.0 * passed_s + 1


async def test_nodes_that_sign_off_are_waited_for_at_the_end(home: Home) -> None:
    node = await home.enrolled()

    node.signed_off(home.now_s)
    home.door.close()

    assert not home.server.online()
