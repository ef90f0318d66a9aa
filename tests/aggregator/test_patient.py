"""The road to a real SuperLink never waits for a body that its node has not sent to the end."""

from typing import Any

import pytest
from flwr.app import ConfigRecord, Message, RecordDict
from flwr.app.message import remove_content_from_message
from flwr.common.serde import message_to_proto
from flwr.proto.message_pb2 import ConfirmMessageReceivedRequest, PullObjectRequest, PullObjectResponse
from flwr.proto.node_pb2 import Node
from flwr.proto.runtime_pb2 import PullAppMessagesRequest, PullAppMessagesResponse
from flwr.supercore.inflatable.inflatable_object import get_all_nested_objects, get_object_tree
from flwr.supercore.run import RunNotRunningException

from aggregator.flower import Run, identify
from aggregator.patient import PatientRoad, RunStopped


class FakeGrid:
    """HttpGrid and the SuperLink behind it: replies whose objects come one by one."""

    def __init__(self) -> None:
        self.node = Node(node_id=1)
        self.run = Run.create_empty(7)
        self.over = False
        self.replies: dict[str, Message] = {}
        self.objects: dict[str, bytes] = {}
        self.confirmed: list[str] = []

    @property
    def _runtime_client(self) -> "FakeGrid":
        return self

    def get_node_ids(self) -> list[int]:
        if self.over:
            raise RunNotRunningException
        return [5]

    def begins(self, task_id: str, number: int) -> dict[str, bytes]:
        """Have the head of a reply to *task_id* here; return what its body is made of."""
        instruction = Message(RecordDict(), 5, "train")
        instruction.metadata.__dict__["_message_id"] = task_id
        reply = Message(RecordDict({"config": ConfigRecord({"number": number})}), reply_to=instruction)
        reply.metadata.__dict__["_message_id"] = reply.object_id
        self.replies[task_id] = reply
        parts = {key: part.deflate() for key, part in get_all_nested_objects(reply).items()}
        self.objects.update(dict.fromkeys(parts, b""))
        return parts

    def PullMessages(self, request: PullAppMessagesRequest) -> PullAppMessagesResponse:  # noqa: N802  # Flower's name
        found = [self.replies.pop(task) for task in request.message_ids if task in self.replies]
        return PullAppMessagesResponse(
            messages_list=[message_to_proto(remove_content_from_message(reply)) for reply in found],
            message_object_trees=[get_object_tree(reply) for reply in found],
        )

    def PullObject(self, request: PullObjectRequest) -> PullObjectResponse:  # noqa: N802  # likewise
        content = self.objects.get(request.object_id)
        return PullObjectResponse(
            object_found=content is not None, object_available=bool(content), object_content=content or b""
        )

    def ConfirmMessageReceived(self, request: ConfirmMessageReceivedRequest) -> None:  # noqa: N802  # likewise
        self.confirmed.append(request.message_object_id)


@pytest.fixture
def grid() -> FakeGrid:
    identify(7)
    return FakeGrid()


def road(grid: Any) -> PatientRoad:
    return PatientRoad(grid)


def numbers(replies: Any) -> list[Any]:
    return [reply.content.config_records["config"]["number"] for reply in replies]


def test_a_whole_reply_comes_with_its_identity_and_is_confirmed(grid: FakeGrid) -> None:
    grid.objects.update(grid.begins("task-1", 1))

    (reply,) = road(grid).pull_messages(["task-1", "task-2"])

    assert numbers([reply]) == [1]
    assert reply.metadata.reply_to_message_id == "task-1"
    assert grid.confirmed == [reply.metadata.message_id]


def test_a_torn_reply_keeps_nobody_waiting_and_comes_when_it_is_whole(grid: FakeGrid) -> None:
    torn, whole = grid.begins("task-1", 1), grid.begins("task-2", 2)
    grid.objects.update(whole)
    way = road(grid)

    assert numbers(way.pull_messages(["task-1", "task-2"])) == [2]
    assert numbers(way.pull_messages(["task-1"])) == []
    grid.objects.update(torn)
    assert numbers(way.pull_messages(["task-1"])) == [1]


def test_a_reply_whose_session_ended_is_an_error_of_the_superlinks(grid: FakeGrid) -> None:
    torn = grid.begins("task-1", 1)
    way = road(grid)
    way.pull_messages(["task-1"])
    for part in torn:
        del grid.objects[part]

    (reply,) = way.pull_messages(["task-1"])

    assert (reply.error.code, reply.metadata.src_node_id) == (3, 1)
    assert reply.metadata.reply_to_message_id == "task-1"
    assert list(way.pull_messages(["task-1"])) == []


def test_a_run_that_was_stopped_ends_in_words(grid: FakeGrid) -> None:
    grid.over = True

    with pytest.raises(RunStopped, match="the run was stopped"):
        road(grid).get_node_ids()
