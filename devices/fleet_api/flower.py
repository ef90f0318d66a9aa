"""Flower from inside: every name of flwr that is not public and that speaking the Fleet API needs.

One function per call of the API, each giving a `Request` that knows its path, its bytes and how to read the answer.
These names move between minor versions: `checked` has looked at the installed one before this is imported.
"""

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from flwr.app import ArrayRecord, Message, RecordDict
from flwr.app.message import make_message, remove_content_from_message
from flwr.common.constant import TIMESTAMP_HEADER, ErrorCode
from flwr.common.serde import message_from_proto, message_to_proto, run_from_proto
from flwr.proto import fleet_pb2, heartbeat_pb2, message_pb2, node_pb2, run_pb2
from flwr.supercore.constant import (
    FLEET_HTTP_PUBLIC_KEY_HEADER,
    FLEET_HTTP_SIGNATURE_HEADER,
    OBJECT_PUSH_SESSION_TTL_SECONDS,
)
from flwr.supercore.date import now
from flwr.supercore.error import ApiErrorCode, FlowerError
from flwr.supercore.inflatable.inflatable_object import (
    get_all_nested_objects,
    get_object_tree,
    iterate_object_tree,
    no_object_id_recompute,
)
from flwr.supercore.inflatable.inflatable_utils import inflate_object_from_contents
from flwr.supercore.runtime_version_compatibility import RuntimeVersionMetadata
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # protobuf publishes no types
from google.protobuf.message import Message as Protobuf

__all__ = [
    "OBJECT_PUSH_SESSION_TTL_SECONDS",
    "ApiErrorCode",
    "DecodeError",
    "ErrorCode",
    "Letter",
    "Parcel",
    "Receipt",
    "Request",
    "RunFacts",
    "activate",
    "confirm",
    "content_of",
    "deactivate",
    "envelope",
    "error_code",
    "from_envelope",
    "get_run",
    "heartbeat",
    "message_with",
    "now",
    "parcel_of",
    "pull",
    "pull_object",
    "push",
    "push_object",
    "register",
    "signed_headers",
]

_PROTOBUF = "application/protobuf"
_COMPONENT = dict(RuntimeVersionMetadata.from_local_component("SuperNode").as_metadata())

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Request(Generic[Answer]):
    """One call of the Fleet API; *read* may raise DecodeError for what no SuperLink would answer."""

    path: str
    body: bytes
    read: Callable[[bytes], Answer]


@dataclass(frozen=True, slots=True)
class Letter:
    """A task as a pull gives it: its head, and the names of the objects that its content is made of."""

    head: Message
    content_id: str
    object_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What a node wants to know of a run."""

    fab_id: str
    overrides: Mapping[str, str | int | float | bool]


@dataclass(frozen=True, slots=True)
class Parcel:
    """A reply, taken apart for the way."""

    run_id: int
    object_id: str
    head: message_pb2.Message
    tree: message_pb2.ObjectTree
    objects: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the SuperLink says to the head of a reply: the objects that it has not got yet."""

    session_id: str
    missing: tuple[str, ...]


# --- who is asking


def signed_headers(key: ec.EllipticCurvePrivateKey, public_pem: bytes) -> dict[str, str]:
    """Return the headers that prove, for the next five minutes, that the holder of *key* is asking."""
    timestamp = now().isoformat()
    signature = key.sign(timestamp.encode(), ec.ECDSA(hashes.SHA256()))
    return {
        "content-type": _PROTOBUF,
        "accept": _PROTOBUF,
        FLEET_HTTP_PUBLIC_KEY_HEADER: b64encode(public_pem).decode(),
        TIMESTAMP_HEADER: timestamp,
        FLEET_HTTP_SIGNATURE_HEADER: b64encode(signature).decode(),
        **_COMPONENT,
    }


def error_code(body: str) -> int | None:
    """Return Flower's own code from the body of a refusal, if there is one."""
    error = FlowerError.from_json(body)
    return None if error is None else error.code


# --- the calls


def register(public_pem: bytes) -> Request[int]:
    """Make a key known; the answer is the id of its node."""
    body = fleet_pb2.RegisterNodeFleetRequest(public_key=public_pem)
    return Request(
        "register-node", _bytes(body), lambda data: fleet_pb2.RegisterNodeFleetResponse.FromString(data).node_id
    )


def activate(public_pem: bytes, interval_s: float) -> Request[int]:
    """Call a node online, and promise heartbeats; the answer is its id. Refused for a node that is online."""
    body = fleet_pb2.ActivateNodeRequest(public_key=public_pem, heartbeat_interval=interval_s)
    return Request("activate-node", _bytes(body), lambda data: fleet_pb2.ActivateNodeResponse.FromString(data).node_id)


def deactivate(node_id: int) -> Request[None]:
    """Call a node offline, at once. Refused for a node that is offline."""
    return Request("deactivate-node", _bytes(fleet_pb2.DeactivateNodeRequest(node_id=node_id)), lambda _data: None)


def heartbeat(node_id: int, interval_s: float) -> Request[bool]:
    """Say that a node is there, whether the server thought so or not; False for a node that was unregistered."""
    body = heartbeat_pb2.SendNodeHeartbeatRequest(node=_node(node_id), heartbeat_interval=interval_s)
    return Request(
        "send-node-heartbeat",
        _bytes(body),
        lambda data: heartbeat_pb2.SendNodeHeartbeatResponse.FromString(data).success,
    )


def pull(node_id: int) -> Request[Letter | None]:
    """Take the next task of a node, which is never handed out again; None when there is none."""
    return Request("pull-messages", _bytes(fleet_pb2.PullMessagesRequest(node=_node(node_id))), _letter)


def get_run(node_id: int, run_id: int) -> Request[RunFacts]:
    """Ask what a run is about."""
    body = run_pb2.GetRunRequest(node=_node(node_id), run_id=run_id)

    def read(data: bytes) -> RunFacts:
        run = run_from_proto(run_pb2.GetRunResponse.FromString(data).run)
        return RunFacts(run.fab_id, dict(run.override_config))

    return Request("get-run", _bytes(body), read)


def pull_object(node_id: int, run_id: int, object_id: str) -> Request[bytes | None]:
    """Fetch one object: empty when it has not come yet, None when it is gone."""
    body = message_pb2.PullObjectRequest(node=_node(node_id), run_id=run_id, object_id=object_id)

    def read(data: bytes) -> bytes | None:
        found = message_pb2.PullObjectResponse.FromString(data)
        return found.object_content if found.object_found else None

    return Request("pull-object", _bytes(body), read)


def confirm(node_id: int, letter: Letter) -> Request[None]:
    """Say that a task came whole, so that the server may free its objects."""
    metadata = letter.head.metadata
    body = message_pb2.ConfirmMessageReceivedRequest(
        node=_node(node_id), run_id=metadata.run_id, message_object_id=metadata.message_id
    )
    return Request("confirm-message-received", _bytes(body), lambda _data: None)


def push(node_id: int, parcel: Parcel) -> Request[Receipt]:
    """Hand in the head of a reply."""
    body = fleet_pb2.PushMessagesRequest(
        node=_node(node_id), messages_list=[parcel.head], message_object_trees=[parcel.tree]
    )

    def read(data: bytes) -> Receipt:
        answer = fleet_pb2.PushMessagesResponse.FromString(data)
        return Receipt(answer.session_id, tuple(answer.objects_to_push))

    return Request("push-messages", _bytes(body), read)


def push_object(node_id: int, parcel: Parcel, session_id: str, object_id: str) -> Request[bool]:
    """Hand in one object of a reply; False if the session does not wait for it."""
    body = message_pb2.PushObjectRequest(
        node=_node(node_id),
        run_id=parcel.run_id,
        session_id=session_id,
        object_id=object_id,
        object_content=parcel.objects[object_id],
    )
    return Request("push-object", _bytes(body), lambda data: message_pb2.PushObjectResponse.FromString(data).stored)


def _bytes(message: Protobuf) -> bytes:
    data: bytes = message.SerializeToString()
    return data


def _node(node_id: int) -> node_pb2.Node:
    return node_pb2.Node(node_id=node_id)


def _letter(data: bytes) -> Letter | None:
    answer = fleet_pb2.PullMessagesResponse.FromString(data)
    if not answer.messages_list:
        return None
    head, tree = message_from_proto(answer.messages_list[0]), answer.message_object_trees[0]
    (content,) = tree.children  # an instruction carries content, never an error
    return Letter(
        head, content.object_id, tuple(dict.fromkeys(part.object_id for part in iterate_object_tree(content)))
    )


# --- messages


def content_of(content_id: str, objects: Mapping[str, bytes]) -> RecordDict:
    """Put a content together from its objects."""
    content = inflate_object_from_contents(content_id, dict(objects))
    assert isinstance(content, RecordDict)
    return content


def message_with(head: Message, content: RecordDict) -> Message:
    """Return the message of *head* with records of its own; arrays, which never change, are shared."""
    private = content.copy()
    records = private.__dict__["_data"]
    for name, record in records.items():
        own = records[name] = record.copy()
        if not isinstance(own, ArrayRecord):
            values = own.__dict__["_data"]
            for key, value in values.items():
                if isinstance(value, list):
                    values[key] = list(value)
    return make_message(metadata=head.metadata, content=private)


def parcel_of(reply: Message) -> Parcel:
    """Take *reply* apart; it gets the id that its content gives it."""
    with no_object_id_recompute():
        object_id = reply.object_id
        reply.metadata.__dict__["_message_id"] = object_id
        tree = get_object_tree(reply)
        objects = {name: part.deflate() for name, part in get_all_nested_objects(reply).items()}
    head = message_to_proto(remove_content_from_message(reply))
    return Parcel(reply.metadata.run_id, object_id, head, tree, objects)


def envelope(message: Message) -> bytes:
    """Return all of *message* but its content."""
    return _bytes(message_to_proto(remove_content_from_message(message)))


def from_envelope(data: bytes) -> Message:
    """Return a message without content, such as `envelope` wrote: enough to answer it with an error."""
    return message_from_proto(message_pb2.Message.FromString(data))
