"""The server's road to a real SuperLink: Flower's own HttpGrid, except that it never waits for a body.

HttpGrid takes the heads of all replies and then fetches their bodies one after the other. A body that its node never
finished sending (it died in between) holds up all others for 180 s, whatever the timeout. Here such a reply is put
aside and looked at again at the next pull.

All names of flwr that are not public and that only a live server needs are in this module; `aggregator.flower`, which
it builds upon, checks the installed version.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from flwr.app import Message
from flwr.proto.message_pb2 import ConfirmMessageReceivedRequest, PullObjectRequest
from flwr.proto.runtime_pb2 import PullAppMessagesRequest
from flwr.supercore.inflatable.inflatable_object import iterate_object_tree
from flwr.supercore.inflatable.inflatable_utils import inflate_object_from_contents
from flwr.supercore.run import RunNotRunningException
from flwr.superlink.grid import HttpGrid

from aggregator.flower import TORN_UPLOAD, Run, superlink_error
from broker.errors import RunEnded


class RunStopped(RunEnded):
    """Somebody told the SuperLink to end this run."""


@dataclass(slots=True)
class _Head:
    """A reply whose head was taken, which the SuperLink gives only once."""

    message_id: str
    task_id: str
    created_at: float
    missing: list[str]
    """Objects of its body that are not here yet."""
    objects: dict[str, bytes] = field(default_factory=dict)


class PatientRoad:
    """What `aggregator.live_grid.LiveGrid` needs of a grid, by way of Flower's HttpGrid."""

    def __init__(self, grid: HttpGrid) -> None:
        self._grid = grid
        self._heads: dict[str, _Head] = {}

    def set_run(self, run: Run) -> None:
        """Remember the run."""
        self._grid.set_run(run)

    @property
    def run(self) -> Run:
        """The run, a copy."""
        return self._grid.run

    def get_node_ids(self) -> Iterable[int]:
        """Return the nodes that the SuperLink calls online."""
        with _ended_if_stopped():
            return self._grid.get_node_ids()

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        """Lay tasks at nodes and return their ids, empty where there is no such node."""
        with _ended_if_stopped():
            return self._grid.push_messages(messages)

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        """Return the replies to *message_ids* that are here as a whole, or of which the SuperLink says they are lost.

        A body that its node has not sent to the end within the 180 s of its session is lost: an error.
        """
        with _ended_if_stopped():
            wanted = list(message_ids)
            asked = [task_id for task_id in wanted if task_id not in self._heads]
            if asked:
                self._take_heads(asked)
            found = [self._message(self._heads[task_id]) for task_id in wanted if task_id in self._heads]
        return [message for message in found if message is not None]

    def _take_heads(self, task_ids: list[str]) -> None:
        answer = self._grid._runtime_client.PullMessages(PullAppMessagesRequest(message_ids=task_ids))
        for sent, tree in zip(answer.messages_list, answer.message_object_trees, strict=True):
            objects = [part.object_id for part in iterate_object_tree(tree)]
            head = sent.metadata
            self._heads[head.reply_to_message_id] = _Head(
                head.message_id, head.reply_to_message_id, head.created_at, objects
            )

    def _message(self, head: _Head) -> Message | None:
        """Fetch what is there of a reply's body; return the reply once it is whole, an error once it never will be."""
        client, me, run_id = self._grid._runtime_client, self._grid.node, self.run.run_id
        while head.missing:
            object_id = head.missing[-1]
            answer = client.PullObject(PullObjectRequest(node=me, run_id=run_id, object_id=object_id))
            if not answer.object_found:
                del self._heads[head.task_id]
                return superlink_error(TORN_UPLOAD, run_id, head.task_id, head.created_at)
            if not answer.object_available:
                return None
            head.objects[object_id] = answer.object_content
            head.missing.pop()
        del self._heads[head.task_id]
        client.ConfirmMessageReceived(
            ConfirmMessageReceivedRequest(node=me, run_id=run_id, message_object_id=head.message_id)
        )
        message = inflate_object_from_contents(head.message_id, head.objects)
        assert isinstance(message, Message)
        message.metadata.__dict__["_message_id"] = head.message_id
        return message


@contextmanager
def _ended_if_stopped() -> Iterator[None]:
    """Translate: Flower's own word for a run that is over is no Exception, and would pass all handlers."""
    try:
        yield
    except RunNotRunningException:
        raise RunStopped("the run was stopped at the SuperLink") from None
