"""One contract for two SuperLinks: what Flower's does with nodes that behave and nodes that do not, ours does too."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.aggregator.posts import DEVICES, PENDING, UPDATE, FlowerPost, Post, TwinPost

PHONE = "phone"


@pytest.fixture(params=["twin", "flower"])
def post(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Post:
    counter: Post = TwinPost() if request.param == "twin" else FlowerPost(monkeypatch)
    for device in DEVICES:
        counter.reach(device)
    return counter


def fetched(post: Post, at_s: float = 3.0) -> str:
    post.push(PHONE)
    post.to(at_s)
    task = post.fetch(PHONE)
    assert task is not None
    return task


def test_a_reply_is_pulled_once(post: Post) -> None:
    task = fetched(post)

    assert post.deliver(PHONE, task)

    post.to(6.0)
    assert post.pull(task) == {task: UPDATE}


def test_nothing_is_pulled_while_a_node_works(post: Post) -> None:
    task = fetched(post)

    post.to(900.0)

    assert post.pull(task) == {}


def test_a_task_is_handed_out_once(post: Post) -> None:
    fetched(post)

    post.to(6.0)

    assert post.fetch(PHONE) is None


def test_tasks_are_handed_out_in_the_order_in_which_they_came(post: Post) -> None:
    first, second = post.push(PHONE), post.push(PHONE)

    assert [post.fetch(PHONE), post.fetch(PHONE)] == [first, second]


def test_a_node_that_was_never_there_gets_no_task(monkeypatch: pytest.MonkeyPatch) -> None:
    for counter in (TwinPost(), FlowerPost(monkeypatch)):
        assert counter.push(PHONE) == ""


def test_a_silent_node_stays_listed_for_two_heartbeats_after_its_last(post: Post) -> None:
    post.to(40.0)
    post.silence(PHONE)  # its last heartbeat was at 30

    post.to(89.0)
    assert PHONE in post.online()
    post.to(90.0)
    assert post.online() == {"watch"}


def test_a_node_that_falls_silent_mid_task_is_given_up_after_two_heartbeats(post: Post) -> None:
    task = fetched(post)
    post.to(40.0)
    post.silence(PHONE)

    post.to(90.0)
    assert post.pull(task) == {}
    post.to(91.0)
    assert post.pull(task) == {task: "error 5"}


def test_a_node_that_comes_back_in_time_was_never_away(post: Post) -> None:
    task = fetched(post)
    post.to(40.0)
    post.silence(PHONE)
    post.to(89.0)
    post.reach(PHONE)

    post.to(200.0)
    assert post.pull(task) == {}
    assert post.deliver(PHONE, task)
    assert post.pull(task) == {task: UPDATE}


def test_a_node_that_comes_back_late_but_before_anybody_looked_was_never_away(post: Post) -> None:
    task = fetched(post)
    post.silence(PHONE)
    post.to(400.0)
    post.reach(PHONE)

    assert post.pull(task) == {}


def test_a_node_that_signs_off_is_given_up_at_once(post: Post) -> None:
    task = fetched(post)
    post.to(10.0)
    post.sign_off(PHONE)

    assert PHONE not in post.online()
    post.to(11.0)
    assert post.pull(task) == {task: "error 5"}


def test_a_finished_update_is_lost_when_its_node_signs_off_before_the_server_looks(post: Post) -> None:
    task = fetched(post)
    assert post.deliver(PHONE, task)
    post.sign_off(PHONE)

    post.to(6.0)
    assert post.pull(task) == {task: "error 5"}


def test_a_finished_update_outlives_silence_until_the_node_is_given_up(post: Post) -> None:
    task = fetched(post)
    post.deliver(PHONE, task)
    post.silence(PHONE)

    post.to(60.0)
    assert post.pull(task) == {task: UPDATE}


def test_an_update_that_comes_after_its_node_was_given_up_is_dropped(post: Post) -> None:
    task = fetched(post)
    post.silence(PHONE)
    post.to(100.0)
    assert post.pull(task) == {task: "error 5"}
    post.reach(PHONE)

    post.to(103.0)
    assert not post.deliver(PHONE, task)


def test_a_task_whose_node_was_given_up_is_not_handed_out_any_more(post: Post) -> None:
    task = post.push(PHONE)
    post.silence(PHONE)
    post.to(100.0)
    assert post.pull(task) == {task: "error 5"}

    post.reach(PHONE)
    assert post.fetch(PHONE) is None


def test_a_node_fetches_even_while_the_server_calls_it_offline(post: Post) -> None:
    task = post.push(PHONE)
    post.silence(PHONE)
    post.to(100.0)

    assert post.fetch(PHONE) == task


def test_a_straggler_finds_its_backlog_and_its_stale_reply_is_kept(post: Post) -> None:
    old = fetched(post)
    post.to(5_000.0)
    new = post.push(PHONE)

    assert post.deliver(PHONE, old)
    assert post.fetch(PHONE) == new
    post.to(9_000.0)
    assert post.pull(old) == {old: UPDATE}


def test_a_task_expires_and_its_reply_is_refused(post: Post) -> None:
    task = post.push(PHONE, ttl_s=100.0)
    assert post.fetch(PHONE) == task

    post.to(100.0)
    assert not post.deliver(PHONE, task)
    assert post.pull(task) == {task: "error 3"}


def test_an_expired_task_is_not_handed_out(post: Post) -> None:
    post.push(PHONE, ttl_s=100.0)

    post.to(100.0)

    assert post.fetch(PHONE) is None


def test_a_reply_with_a_life_of_its_own_expires_with_it(post: Post) -> None:
    task = fetched(post)
    assert post.deliver(PHONE, task, ttl_s=50.0)

    post.to(54.0)
    assert post.pull(task) == {task: "error 4"}


def test_a_reply_lives_as_long_as_its_task_by_default(post: Post) -> None:
    task = post.push(PHONE, ttl_s=1_000.0)
    post.to(900.0)
    assert post.fetch(PHONE) == task
    post.deliver(PHONE, task)

    post.to(999.0)
    assert post.pull(task) == {task: UPDATE}


def test_a_second_reply_is_refused(post: Post) -> None:
    task = fetched(post)
    assert post.deliver(PHONE, task)

    post.to(6.0)
    assert not post.deliver(PHONE, task)


def test_an_apps_error_reaches_the_server_as_it_is(post: Post) -> None:
    task = fetched(post)
    post.deliver(PHONE, task, error=True)

    assert post.pull(task) == {task: "error 2"}


def test_a_task_that_was_pulled_is_unknown_afterwards(post: Post) -> None:
    task = fetched(post)
    post.deliver(PHONE, task)
    post.pull(task)

    post.to(6.0)
    assert not post.deliver(PHONE, task)


def test_a_server_that_pulled_the_head_of_a_reply_waits_for_its_body(post: Post) -> None:
    task = fetched(post)
    assert post.begin_upload(PHONE, task)

    post.to(60.0)
    assert post.pull(task) == {task: PENDING}
    post.to(100.0)
    assert post.deliver(PHONE, task)
    assert post.pull(task) == {task: UPDATE}


def test_a_torn_upload_is_an_error_after_three_minutes(post: Post) -> None:
    task = fetched(post)
    post.begin_upload(PHONE, task)
    post.silence(PHONE)

    post.to(10.0)
    assert post.pull(task) == {task: PENDING}
    post.to(182.0)
    assert post.pull(task) == {task: PENDING}
    post.to(183.0)
    assert post.pull(task) == {task: "error 3"}


def test_a_torn_upload_taken_up_too_late_is_refused(post: Post) -> None:
    task = fetched(post)
    post.begin_upload(PHONE, task)
    post.silence(PHONE)
    post.pull(task)

    post.to(190.0)
    post.reach(PHONE)
    assert not post.deliver(PHONE, task)


def test_a_torn_upload_whose_node_is_given_up_before_the_server_looks_is_a_lost_node(post: Post) -> None:
    task = fetched(post)
    post.begin_upload(PHONE, task)
    post.silence(PHONE)

    post.to(100.0)
    assert post.pull(task) == {task: "error 5"}


Step = tuple[int, str, str]
ACTS: dict[str, Callable[[Post, str, list[str], dict[str, str]], object]] = {
    "reach": lambda post, device, _pushed, _held: post.reach(device),
    "silence": lambda post, device, _pushed, _held: post.silence(device),
    "sign_off": lambda post, device, _pushed, _held: post.sign_off(device),
    "push": lambda post, device, pushed, _held: pushed.append(task) if (task := post.push(device, 900.0)) else None,
    "fetch": lambda post, device, pushed, held: _fetch(post, device, pushed, held),
    "deliver": lambda post, device, _pushed, held: post.deliver(device, held.pop(device)) if device in held else None,
    "pull": lambda post, _device, pushed, _held: _pull(post, pushed),
}


def _fetch(post: Post, device: str, pushed: list[str], held: dict[str, str]) -> int | None:
    if device in held:
        return None
    task = post.fetch(device)
    if task is None:
        return None
    held[device] = task
    return pushed.index(task)


def _pull(post: Post, pushed: list[str]) -> list[tuple[int, str]]:
    return sorted((pushed.index(task), what) for task, what in post.pull(*pushed).items())


def _story(post: Post, steps: list[Step]) -> list[object]:
    pushed: list[str] = []
    held: dict[str, str] = {}
    told: list[object] = []
    for device in DEVICES:
        post.reach(device)
    for wait_s, act, device in steps:
        post.to(post.now_s + wait_s)
        told += [act, ACTS[act](post, device, pushed, held), sorted(post.online())]
    return told


WAITS_S = (1, 10, 29, 30, 31, 60, 300)
"""Around the heartbeats and the tasks' 900 s of life."""
STEPS = st.tuples(st.sampled_from(WAITS_S), st.sampled_from((*ACTS, "push", "fetch", "pull")), st.sampled_from(DEVICES))


@given(st.lists(STEPS, min_size=20, max_size=80))
@settings(deadline=None, max_examples=200, suppress_health_check=list(HealthCheck))
def test_whatever_happens_both_tell_the_same_story(steps: list[Step]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        assert _story(TwinPost(), steps) == _story(FlowerPost(patch), steps)
