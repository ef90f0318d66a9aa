"""Two SuperLinks behind one counter: our twin, and the state of Flower's own, with a clock that tests turn."""

import datetime
import importlib
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Protocol

import pytest
from flwr.app import ConfigRecord, Error, Message, RecordDict
from flwr.server.superlink.linkstate.in_memory_linkstate import InMemoryLinkState
from flwr.supercore.inflatable.inflatable_object import get_all_nested_objects, get_object_tree
from flwr.supercore.object_store.in_memory_object_store import InMemoryObjectStore
from flwr.superlink.federation.noop_federation_manager import NoOpFederationManager

from aggregator.flower import identify
from aggregator.presence import Presence
from aggregator.superlink import SuperLink
from aggregator.tasks import Label, Reply
from aggregator.uplink import NodeUplink

T0_UNIX = 1_767_636_000.0
HEARTBEAT_S = 30.0
DEVICES = ("phone", "watch")

PENDING = "pending"
UPDATE = "update"
"""What a pull gives for a task, where it is not nothing: an update, or ``error <code>``."""


class Post(Protocol):
    """One server and two nodes; every call happens at `now_s`, which only grows."""

    now_s: float

    def to(self, now_s: float) -> None: ...
    def reach(self, device: str) -> None: ...
    def silence(self, device: str) -> None: ...
    def sign_off(self, device: str) -> None: ...
    def online(self) -> set[str]: ...
    def push(self, device: str, ttl_s: float = 43_200.0) -> str: ...
    def fetch(self, device: str) -> str | None: ...
    def deliver(self, device: str, task: str, ttl_s: float | None = None, *, error: bool = False) -> bool: ...
    def begin_upload(self, device: str, task: str) -> bool: ...
    def pull(self, *tasks: str) -> dict[str, str]: ...


def at_once(doing: Coroutine[Any, Any, bool]) -> bool:
    """What *doing* comes to: the twin never waits."""
    try:
        doing.send(None)
    except StopIteration as end:
        return bool(end.value)
    raise AssertionError("it waits")


def told(message: Message) -> str:
    return f"error {message.error.code}" if message.has_error() else UPDATE


class TwinPost:
    """Our SuperLink."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.superlink = SuperLink(7, T0_UNIX, HEARTBEAT_S)
        identify(self.superlink.run_id)
        self.uplinks = {device: NodeUplink(self.superlink, device) for device in DEVICES}
        for node in self.superlink.nodes.values():
            node.presence = Presence(HEARTBEAT_S, 0.0)
        self.messages: dict[str, Message] = {}
        self.heads: dict[str, Reply] = {}

    def to(self, now_s: float) -> None:
        self.now_s = now_s

    def reach(self, device: str) -> None:
        self.uplinks[device].reachable(self.now_s)

    def silence(self, device: str) -> None:
        self.uplinks[device].silent(self.now_s)

    def sign_off(self, device: str) -> None:
        self.uplinks[device].signed_off(self.now_s)

    def online(self) -> set[str]:
        return {self.superlink.nodes[node_id].device for node_id in self.superlink.online(self.now_s)}

    def push(self, device: str, ttl_s: float = 43_200.0) -> str:
        content = RecordDict({"config": ConfigRecord({"server-round": 1})})
        message = Message(content, self.uplinks[device].node_id, "train", ttl=ttl_s)
        return self.superlink.push([message], [Label(1, "train")], self.now_s)[0]

    def fetch(self, device: str) -> str | None:
        message = self.uplinks[device].fetch(self.now_s)
        if message is None:
            return None
        self.messages[message.metadata.message_id] = message
        return message.metadata.message_id

    def deliver(self, device: str, task: str, ttl_s: float | None = None, *, error: bool = False) -> bool:
        said: Any = Error(2, "no") if error else RecordDict()
        reply = self._dated(Message(said, reply_to=self.messages[task]), ttl_s)
        return at_once(self.uplinks[device].deliver(self.now_s, reply))

    def begin_upload(self, device: str, task: str) -> bool:
        return self.uplinks[device].begin_upload(self.messages[task], self.now_s)

    def pull(self, *tasks: str) -> dict[str, str]:
        for task in tasks:
            if task not in self.heads:
                for found in self.superlink.pull([task], self.now_s):
                    if isinstance(found, Reply):
                        self.heads[task] = found
                    else:
                        return {task: told(found)}
        bodies = {task: self.superlink.body_of(self.heads[task], self.now_s) for task in tasks if task in self.heads}
        return {task: PENDING if body is None else told(body) for task, body in bodies.items()}

    def _dated(self, reply: Message, ttl_s: float | None) -> Message:
        if ttl_s is not None:  # as Flower's Message does, had it been made at this virtual moment
            reply.metadata.created_at, reply.metadata.ttl = T0_UNIX + self.now_s, ttl_s
        return reply


@dataclass
class _Upload:
    session: str
    objects: dict[str, bytes]


class FlowerPost:
    """Flower's own state in memory; heartbeats really are sent."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 0.0
        for module in (
            "flwr.server.superlink.linkstate.in_memory_linkstate",
            "flwr.server.superlink.linkstate.utils",
            "flwr.server.utils.validator",
            "flwr.supercore.corestate.in_memory_corestate",
            "flwr.app.message.message",
        ):
            monkeypatch.setattr(importlib.import_module(module), "now", self._date)
        self.state = InMemoryLinkState(NoOpFederationManager(), InMemoryObjectStore())
        self.run_id = self.state.create_run(None, None, None, {}, "@none/default", None, None, "flwr-serverapp")
        identify(self.run_id)
        self.nodes = {device: self.state.create_node("", "", device.encode(), HEARTBEAT_S) for device in DEVICES}
        self.beats_at: dict[str, float] = {}
        self.messages: dict[str, Message] = {}
        self.uploads: dict[str, _Upload] = {}
        self.heads: dict[str, Message] = {}
        self.pushed = 0

    def to(self, now_s: float) -> None:
        while due := [(beat_s, device) for device, beat_s in self.beats_at.items() if beat_s <= now_s]:
            self.now_s, device = min(due)
            self._beat(device)
        self.now_s = now_s

    def reach(self, device: str) -> None:
        if device not in self.beats_at:
            self._beat(device)

    def silence(self, device: str) -> None:
        self.beats_at.pop(device, None)

    def sign_off(self, device: str) -> None:
        self.beats_at.pop(device, None)
        self.state.deactivate_node(self.nodes[device])

    def online(self) -> set[str]:
        names = {node_id: device for device, node_id in self.nodes.items()}
        return {names[node_id] for node_id in self.state.get_nodes(self.run_id)}

    def push(self, device: str, ttl_s: float = 43_200.0) -> str:
        self.pushed += 1
        content = RecordDict({"config": ConfigRecord({"server-round": 1, "number": self.pushed})})
        message = Message(content, self.nodes[device], "train", ttl=ttl_s)
        message.metadata.__dict__["_message_id"] = message.object_id
        return self.state.store_message_ins(message) or ""

    def fetch(self, device: str) -> str | None:
        found = self.state.get_message_ins(self.nodes[device], limit=1)
        for message in found:
            self.messages[message.metadata.message_id] = message
            return message.metadata.message_id
        return None

    def deliver(self, device: str, task: str, ttl_s: float | None = None, *, error: bool = False) -> bool:
        return (task in self.uploads or self._begin(task, self._reply(task, ttl_s, error=error))) and self._end(task)

    def begin_upload(self, device: str, task: str) -> bool:
        return self._begin(task, self._reply(task))

    def _begin(self, task: str, reply: Message) -> bool:
        session = self.state.start_session(self.run_id)
        objects = {key: item.deflate() for key, item in get_all_nested_objects(reply).items()}
        stored, missing = self.state.store_message_and_object_tree(reply, get_object_tree(reply), session)
        if stored:
            self.uploads[task] = _Upload(session, {key: objects[key] for key in missing})
        return stored

    def _end(self, task: str) -> bool:
        upload = self.uploads.pop(task)
        contents = list(upload.objects.items())
        stored = [self.state.store_object(self.run_id, upload.session, key, content) for key, content in contents]
        return all(stored)

    def pull(self, *tasks: str) -> dict[str, str]:
        replies = self.state.get_message_res({task for task in tasks if task not in self.heads}, self.run_id)
        self.state.delete_messages({reply.metadata.reply_to_message_id for reply in replies})
        for reply in replies:
            self.heads[reply.metadata.reply_to_message_id] = reply
        return {task: self._seen(self.heads[task]) for task in tasks if task in self.heads}

    def _seen(self, reply: Message) -> str:
        if reply.has_error():
            return told(reply)
        content = self.state.get_object(self.run_id, reply.metadata.message_id)
        if content is None:
            return "error 3"  # HttpGrid makes it, of an object that is gone
        return UPDATE if content else PENDING

    def _reply(self, task: str, ttl_s: float | None = None, *, error: bool = False) -> Message:
        said: Any = Error(2, "no") if error else RecordDict()
        reply = Message(said, reply_to=self.messages[task], ttl=ttl_s)
        reply.metadata.__dict__["_message_id"] = reply.object_id
        return reply

    def _beat(self, device: str) -> None:
        self.state.acknowledge_node_heartbeat(self.nodes[device], HEARTBEAT_S)
        self.beats_at[device] = (self.now_s // HEARTBEAT_S + 1) * HEARTBEAT_S

    def _date(self) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(T0_UNIX + self.now_s, tz=datetime.UTC)
