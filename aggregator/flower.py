"""Flower from inside: every name of flwr that is not public and that running a server in virtual time needs.

Checked against the installed version, because these names move between minor versions.
"""

from importlib.metadata import version

from flwr.app import ArrayRecord, Context, Error, Message, Metadata, RecordDict
from flwr.app.message import make_message
from flwr.app.user_config import UserConfig
from flwr.common.constant import (
    HEARTBEAT_PATIENCE,
    MESSAGE_TTL_TOLERANCE,
    MESSAGE_UNAVAILABLE_ERROR_REASON,
    NODE_UNAVAILABLE_ERROR_REASON,
    REPLY_MESSAGE_UNAVAILABLE_ERROR_REASON,
    SUPERLINK_NODE_ID,
    ErrorCode,
)
from flwr.proto.node_pb2 import NodeInfo
from flwr.serverapp.strategy.strategy_utils import aggregate_metricrecords
from flwr.supercore.constant import OBJECT_PUSH_SESSION_TTL_SECONDS
from flwr.supercore.run import Run
from flwr.supercore.task_identity import TaskIdentity

__all__ = [
    "HEARTBEAT_PATIENCE",
    "MESSAGE_TTL_TOLERANCE",
    "MESSAGE_UNAVAILABLE",
    "NODE_UNAVAILABLE",
    "OBJECT_PUSH_SESSION_TTL_SECONDS",
    "REPLY_UNAVAILABLE",
    "SUPERLINK_NODE_ID",
    "TORN_UPLOAD",
    "ErrorCode",
    "Metadata",
    "NodeInfo",
    "Run",
    "aggregate_metricrecords",
    "copied",
    "copy_of_run",
    "identify",
    "make_message",
    "named",
    "server_context",
    "superlink_error",
]

TESTED_WITH = "1.41."
if not version("flwr").startswith(TESTED_WITH):
    raise ImportError(f"flwr {version('flwr')} is installed; fleetbeat needs {TESTED_WITH}*: pip install 'flwr=={TESTED_WITH}*'")

MESSAGE_UNAVAILABLE = Error(ErrorCode.MESSAGE_UNAVAILABLE, MESSAGE_UNAVAILABLE_ERROR_REASON)
REPLY_UNAVAILABLE = Error(ErrorCode.REPLY_MESSAGE_UNAVAILABLE, REPLY_MESSAGE_UNAVAILABLE_ERROR_REASON)
NODE_UNAVAILABLE = Error(ErrorCode.NODE_UNAVAILABLE, NODE_UNAVAILABLE_ERROR_REASON)
TORN_UPLOAD = Error(
    ErrorCode.MESSAGE_UNAVAILABLE,
    "Reply message objects are unavailable. The sender may not have completed the upload before the object-push "
    "session expired.",
)


def identify(run_id: int) -> None:
    """Let new instructions of this process belong to *run_id*: one run per process, because Flower keeps it in a class."""
    TaskIdentity.task_id, TaskIdentity.run_id, TaskIdentity.node_id = 1, run_id, SUPERLINK_NODE_ID


def server_context(run_id: int, run_config: UserConfig) -> Context:
    """Return the context in which a ServerApp is called."""
    return Context(run_id, SUPERLINK_NODE_ID, {}, RecordDict(), dict(run_config))


def copy_of_run(run: Run) -> Run:
    """Return a run of one's own, as Flower's grids do."""
    return Run(**vars(run))


def named(message: Message, message_id: str) -> None:
    """Write the identity that a message got at push into the sender's own object, as Flower's grids do."""
    message.metadata.__dict__["_message_id"] = message_id


def copied(content: RecordDict) -> RecordDict:
    """Return records that share nothing changeable with *content* (arrays are bytes, which never change)."""
    private = content.copy()
    records = private.__dict__["_data"]
    for name, record in records.items():
        own = records[name] = record.copy()
        if not isinstance(own, ArrayRecord):
            values = own.__dict__["_data"]
            for key, value in values.items():
                if isinstance(value, list):
                    values[key] = list(value)
    return private


def superlink_error(error: Error, run_id: int, reply_to: str, created_at: float, message_type: str) -> Message:
    """Return an error that the SuperLink itself makes: its source is the server, only *reply_to* tells whose it is."""
    metadata = Metadata(
        run_id=run_id,
        message_id=f"error-{reply_to}",
        src_node_id=SUPERLINK_NODE_ID,
        dst_node_id=SUPERLINK_NODE_ID,
        reply_to_message_id=reply_to,
        group_id="",
        created_at=created_at,
        ttl=0,
        message_type=message_type,
    )
    return make_message(metadata=metadata, error=error)
