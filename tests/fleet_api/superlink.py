"""A SuperLink in this process: Flower's own state and Fleet API handlers behind a transport that tests can break."""

import base64
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from flwr.app import ArrayRecord, ConfigRecord, Message, RecordDict
from flwr.common.constant import SubStatus
from flwr.proto import fleet_pb2, heartbeat_pb2, message_pb2, run_pb2
from flwr.server.superlink.linkstate.in_memory_linkstate import InMemoryLinkState
from flwr.supercore.error import FlowerError
from flwr.supercore.error.catalog import API_ERROR_MAP
from flwr.supercore.inflatable.inflatable_object import get_all_nested_objects, get_object_tree
from flwr.supercore.object_store.in_memory_object_store import InMemoryObjectStore
from flwr.superlink.federation.noop_federation_manager import NoOpFederationManager
from flwr.superlink.servicer.fleet import fleet_handlers as handlers

from aggregator.flower import identify

OUR_APP = "somebody/fleetbeat"

# path: type of the request, handler, what the handler wants besides request and state
CALLS: dict[str, tuple[Any, Callable[..., Any], str]] = {
    "register-node": (fleet_pb2.RegisterNodeFleetRequest, handlers.register_node, "auth"),
    "activate-node": (fleet_pb2.ActivateNodeRequest, handlers.activate_node, ""),
    "deactivate-node": (fleet_pb2.DeactivateNodeRequest, handlers.deactivate_node, ""),
    "send-node-heartbeat": (heartbeat_pb2.SendNodeHeartbeatRequest, handlers.send_node_heartbeat, ""),
    "pull-messages": (fleet_pb2.PullMessagesRequest, handlers.pull_messages, "store"),
    "push-messages": (fleet_pb2.PushMessagesRequest, handlers.push_messages, ""),
    "get-run": (run_pb2.GetRunRequest, handlers.get_run, ""),
    "pull-object": (message_pb2.PullObjectRequest, handlers.pull_object, ""),
    "push-object": (message_pb2.PushObjectRequest, handlers.push_object, ""),
    "confirm-message-received": (
        message_pb2.ConfirmMessageReceivedRequest,
        handlers.confirm_message_received,
        "store",
    ),
}


@dataclass
class Wire:
    """The way to the server, as a test wants it. It belongs to the door's thread; a test may set its fields."""

    down: bool = False
    answers_lost: Counter[str] = field(default_factory=Counter)
    """By path, how many answers get lost on their way back: the server did what it was asked."""
    busy: Counter[str] = field(default_factory=Counter)
    """By path, how many calls are answered by 503."""
    calls: list[str] = field(default_factory=list)


class InProcessSuperLink:
    """Nodes, one run, tasks and replies; what a ServerApp does, a test does here."""

    def __init__(
        self, app: str = OUR_APP, *, authenticates: bool = False, **overrides: bool | float | int | str
    ) -> None:
        self.wire = Wire()
        self.authenticates = authenticates
        self._app = app
        self._overrides = overrides
        self.begin()

    def begin(self) -> None:
        """Be as after a start without a database."""
        self.state = InMemoryLinkState(NoOpFederationManager(), InMemoryObjectStore())
        self.run_id = self.state.create_run(
            self._app, "1", "hash", dict(self._overrides), "@none/default", None, None, "flwr-serverapp"
        )
        (self._task,) = self.state.get_tasks()
        self.state.claim_task(self._task.task_id)
        self.state.activate_task(self._task.task_id)
        identify(self.run_id)

    def end_run(self) -> None:
        self.state.finish_task(self._task.task_id, SubStatus.COMPLETED, "")

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=httpx.MockTransport(self._answer), base_url="http://superlink:8000/v1/fleet/"
        )

    # --- what a ServerApp does

    def online(self) -> set[int]:
        return set(self.state.get_nodes(self.run_id))

    def push(
        self, node_id: int, *, kind: str = "train", ttl_s: float = 600.0, config: dict[str, int] | None = None
    ) -> str:
        """Lay a task at a node and return its id."""
        sent = {"server-round": 1} if config is None else config
        content = RecordDict({"arrays": ArrayRecord([]), "config": ConfigRecord({**sent})})
        message = Message(content, node_id, kind, ttl=ttl_s)
        message.metadata.__dict__["_message_id"] = message.object_id
        session = self.state.start_session(self.run_id)
        stored, missing = self.state.store_message_and_object_tree(message, get_object_tree(message), session)
        assert stored
        objects = get_all_nested_objects(message)
        for name in missing:
            assert self.state.store_object(self.run_id, session, name, objects[name].deflate())
        return message.metadata.message_id

    def pull(self, task: str) -> Message | None:
        """Take what there is for a task, as a ServerApp does: then it is gone from here."""
        for reply in self.state.get_message_res({task}, self.run_id):
            self.state.delete_messages({task})
            if not reply.has_error():
                assert self.state.get_object(self.run_id, reply.metadata.message_id), "a torn upload"
            self.state.object_store.delete(reply.metadata.message_id)
            return reply
        return None

    # --- what nodes see

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.rpartition("/")[2]
        self.wire.calls.append(path)
        if self.wire.down:
            raise httpx.ConnectError("nobody listens")
        if self.wire.busy[path]:
            self.wire.busy[path] -= 1
            return httpx.Response(503)
        response = self._respond(path, request)
        if self.wire.answers_lost[path]:
            self.wire.answers_lost[path] -= 1
            raise httpx.ReadError("the connection broke")
        return response

    def _respond(self, path: str, request: httpx.Request) -> httpx.Response:
        kind, handler, wants = CALLS[path]
        message = kind.FromString(request.content)
        public_key = base64.b64decode(request.headers["flwr-public-key"])
        node_id = message.node.node_id if hasattr(message, "node") else getattr(message, "node_id", None)
        if node_id is not None and self.state.get_node_id_by_public_key(public_key) != node_id:
            return httpx.Response(401, json={"detail": "Invalid SuperNode authentication"})
        more: dict[str, dict[str, Any]] = {
            "": {},
            "auth": {"enable_supernode_auth": self.authenticates},
            "store": {"store": self.state.object_store},
        }
        try:
            answer = handler(message, self.state, **more[wants])
        except FlowerError as error:
            known = API_ERROR_MAP[error.code]
            return httpx.Response(known.http_status_code, json=error.to_json(known.public_message))
        return httpx.Response(200, content=answer.SerializeToString())
