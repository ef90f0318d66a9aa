"""One contract for two roads to the server: what a device is promised in virtual time, it is promised live."""

import asyncio

import pytest
from flwr.app import ConfigRecord

from tests.broker.patience import until
from tests.fleet_api.conftest import Home, update
from tests.fleet_api.grounds import DEVICES, FleetGround, Ground, TwinGround, fetched


@pytest.fixture(params=["twin", "fleet api"])
async def ground(request: pytest.FixtureRequest, home: Home) -> Ground:
    road: Ground = TwinGround() if request.param == "twin" else FleetGround(home)
    for device in DEVICES:
        await road.reach(device)
    return road


async def test_a_device_that_can_be_reached_is_a_node(ground: Ground) -> None:
    ids = {ground.uplinks[device].node_id for device in DEVICES}

    assert len(ids) == 2
    assert None not in ids
    assert ground.online() == set(DEVICES)


async def test_without_a_task_there_is_nothing_to_fetch(ground: Ground) -> None:
    assert not ground.uplinks["watch"].waiting(ground.now_s)
    assert ground.uplinks["watch"].fetch(ground.now_s) is None


async def test_a_task_rings_at_its_device_and_at_no_other(ground: Ground) -> None:
    rung: list[str] = []
    for device in DEVICES:
        ground.uplinks[device].on_task(lambda device=device: rung.append(device))  # type: ignore[misc]  # a default binds

    ground.push("watch")
    await until(lambda: bool(rung))

    assert rung == ["watch"]
    assert not ground.uplinks["phone"].waiting(ground.now_s)


async def test_tasks_come_once_and_the_oldest_first(ground: Ground) -> None:
    tasks = [ground.push("watch", round_=number) for number in (1, 2, 3)]

    got = [(await fetched(ground)).metadata.message_id for _ in tasks]

    assert got == tasks
    assert ground.uplinks["watch"].fetch(ground.now_s) is None


@pytest.mark.parametrize(("kind", "phase"), [("train", "train"), ("evaluate", "evaluate"), ("train.personal", "train")])
async def test_a_label_tells_round_and_phase(ground: Ground, kind: str, phase: str) -> None:
    ground.push("watch", round_=4, kind=kind)

    task = await fetched(ground)

    assert ground.uplinks["watch"].label(task) == (4, phase)


async def test_how_long_a_task_waited_counts_from_the_push(ground: Ground) -> None:
    before_s = ground.now_s
    ground.push("watch")
    after_s = ground.now_s
    task = await fetched(ground)

    now_s = ground.now_s + 100.0
    waited_s = ground.uplinks["watch"].waited_s(task, now_s)

    assert now_s - after_s - 1e-3 <= waited_s <= now_s - before_s + 1e-3


async def test_a_task_is_dated_when_it_was_pushed(ground: Ground) -> None:
    ground.push("watch", ttl_s=600.0)

    sent = (await fetched(ground)).metadata

    assert (sent.src_node_id, sent.dst_node_id, sent.ttl) == (1, ground.uplinks["watch"].node_id, 600.0)


async def test_a_reply_is_accepted_and_the_server_has_it(ground: Ground) -> None:
    ground.push("watch")
    task = await fetched(ground)

    assert ground.uplinks["watch"].wanted(task, ground.now_s)
    assert ground.uplinks["watch"].begin_upload(task, ground.now_s)
    assert await ground.uplinks["watch"].deliver(ground.now_s, update(task))

    reply = await ground.pull(task.metadata.message_id)
    assert not reply.has_error()
    assert reply.metadata.src_node_id == ground.uplinks["watch"].node_id
    assert reply.metadata.reply_to_message_id == task.metadata.message_id


async def test_a_second_reply_is_refused(ground: Ground) -> None:
    ground.push("watch")
    task = await fetched(ground)

    answers = [await ground.uplinks["watch"].deliver(ground.now_s, update(task)) for _ in range(2)]

    assert answers == [True, False]


async def test_an_expired_task_is_nobodys(ground: Ground) -> None:
    ground.push("watch", ttl_s=0.3)
    task = await fetched(ground)
    assert ground.uplinks["watch"].wanted(task, ground.now_s)

    await asyncio.sleep(0.35)

    assert not ground.uplinks["watch"].wanted(task, ground.now_s)
    assert not ground.uplinks["watch"].begin_upload(task, ground.now_s)
    assert not await ground.uplinks["watch"].deliver(ground.now_s, update(task))


async def test_a_task_that_expires_before_it_is_fetched_is_never_seen(ground: Ground) -> None:
    ground.push("watch", ttl_s=0.3)
    await until(lambda: ground.uplinks["watch"].waiting(ground.now_s))

    await asyncio.sleep(0.35)

    assert not ground.uplinks["watch"].waiting(ground.now_s)
    assert ground.uplinks["watch"].fetch(ground.now_s) is None
    ground.push("watch", round_=2)
    assert ground.uplinks["watch"].label(await fetched(ground)) == (2, "train")


async def test_the_reply_to_a_task_that_was_given_up_is_refused(ground: Ground) -> None:
    ground.push("watch")
    task = await fetched(ground)
    await ground.sign_off("watch")
    await asyncio.sleep(0.01)
    assert (await ground.pull(task.metadata.message_id)).error.code == 5

    await ground.reach("watch")

    assert not await ground.uplinks["watch"].deliver(ground.now_s, update(task))


async def test_who_signs_off_is_offline_and_who_comes_back_is_the_same_node(ground: Ground) -> None:
    node_id = ground.uplinks["watch"].node_id

    await ground.sign_off("watch")
    assert ground.online() == {"phone"}
    await ground.reach("watch")

    assert ground.online() == set(DEVICES)
    assert ground.uplinks["watch"].node_id == node_id


async def test_what_a_device_does_with_its_records_is_its_own_affair(ground: Ground) -> None:
    for device in DEVICES:
        ground.push(device, round_=1)
    mine, yours = await fetched(ground, "watch"), await fetched(ground, "phone")

    mine.content["config"] = ConfigRecord({"server-round": 99})
    mine.content.config_records["config"]["more"] = 1

    assert ground.uplinks["phone"].label(yours) == (1, "train")
    assert dict(yours.content.config_records["config"]) == {"server-round": 1}
