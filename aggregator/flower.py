"""Flower from inside: every name of flwr that is not public and that running a server in virtual time needs.

Checked against the installed version, because these names move between minor versions.
"""

from importlib.metadata import version
from types import ModuleType

from flwr.app import ArrayRecord, Context, Error, Message, Metadata, RecordDict
from flwr.app.exception import AppExitException
from flwr.app.message import make_message
from flwr.app.user_config import UserConfig
from flwr.common.config import flatten_dict, get_project_config
from flwr.common.constant import (
    MESSAGE_TTL_TOLERANCE,
    SUPERLINK_NODE_ID,
    ErrorCode,
)
from flwr.compat.common import recorddict_compat
from flwr.proto.node_pb2 import NodeInfo
from flwr.server import server as legacy_server
from flwr.server.client_manager import ClientManager
from flwr.server.client_proxy import ClientProxy
from flwr.server.compat import app as legacy_start
from flwr.server.compat.grid_client_proxy import GridClientProxy
from flwr.server.server import Server
from flwr.server.strategy import Strategy as LegacyStrategy
from flwr.server.workflow import default_workflows as legacy_workflows
from flwr.serverapp.strategy.strategy_utils import aggregate_metricrecords
from flwr.supercore.constant import OBJECT_PUSH_SESSION_TTL_SECONDS, SYSTEM_MESSAGE_TYPE
from flwr.supercore.object_ref import load_app
from flwr.supercore.run import Run
from flwr.supercore.task_identity import TaskIdentity

from aggregator.tasks import Task

__all__ = [
    "MESSAGE_TTL_TOLERANCE",
    "MESSAGE_UNAVAILABLE",
    "NODE_UNAVAILABLE",
    "OBJECT_PUSH_SESSION_TTL_SECONDS",
    "REPLY_UNAVAILABLE",
    "SUPERLINK_NODE_ID",
    "TORN_UPLOAD",
    "AppExitException",
    "ClientManager",
    "ClientProxy",
    "ErrorCode",
    "GridClientProxy",
    "LegacyStrategy",
    "NodeInfo",
    "Run",
    "Server",
    "UserConfig",
    "aggregate_metricrecords",
    "copied",
    "copy_of_run",
    "flatten_dict",
    "get_project_config",
    "identify",
    "instruction",
    "legacy_server",
    "legacy_starters",
    "load_app",
    "named",
    "recorddict_compat",
    "sealed",
    "server_context",
    "superlink_error",
]

TESTED_WITH = "1.41."
if not version("flwr").startswith(TESTED_WITH):
    raise ImportError(f"flwr {version('flwr')} is installed, but fleetbeat needs flwr=={TESTED_WITH}*")

MESSAGE_UNAVAILABLE = Error(ErrorCode.MESSAGE_UNAVAILABLE, "the task expired, or never was")
REPLY_UNAVAILABLE = Error(ErrorCode.REPLY_MESSAGE_UNAVAILABLE, "the reply expired")
NODE_UNAVAILABLE = Error(ErrorCode.NODE_UNAVAILABLE, "the node's heartbeats ceased, or it signed off")
TORN_UPLOAD = Error(ErrorCode.MESSAGE_UNAVAILABLE, "the upload broke off and was not taken up again in time")


def legacy_starters() -> tuple[ModuleType, ModuleType]:
    """Return the modules that start a legacy server: one for strategies, one for workflows."""
    return legacy_start, legacy_workflows


def identify(run_id: int) -> None:
    """Let new instructions of this process belong to *run_id*; one run per process, for Flower keeps it in a class."""
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


def instruction(task: Task, run_id: int, created_at: float) -> Message:
    """Return the message that a node fetches: a copy of its own, dated when the server pushed it."""
    metadata = Metadata(
        run_id=run_id,
        message_id=task.task_id,
        src_node_id=SUPERLINK_NODE_ID,
        dst_node_id=task.node.node_id,
        reply_to_message_id="",
        group_id=task.group_id,
        created_at=created_at,
        ttl=task.ttl_s,
        message_type=task.message_type,
    )
    return make_message(metadata=metadata, content=copied(task.content))


def sealed(reply: Message, task_id: str, run_id: int, created_at: float, ttl_s: float) -> Message:
    """Return the server's own copy of *reply*, with the identity and the date it got there."""
    sent = reply.metadata
    metadata = Metadata(
        run_id=run_id,
        message_id=f"reply-{task_id}",
        src_node_id=sent.src_node_id,
        dst_node_id=SUPERLINK_NODE_ID,
        reply_to_message_id=task_id,
        group_id=sent.group_id,
        created_at=created_at,
        ttl=ttl_s,
        message_type=sent.message_type,
    )
    if reply.has_error():
        return make_message(metadata=metadata, error=reply.error)
    return make_message(metadata=metadata, content=copied(reply.content))


def superlink_error(error: Error, run_id: int, task_id: str, created_at: float) -> Message:
    """Return an error that the SuperLink itself makes: its source is the server, only *task_id* tells whose it is."""
    metadata = Metadata(
        run_id=run_id,
        message_id=f"error-{task_id}",
        src_node_id=SUPERLINK_NODE_ID,
        dst_node_id=SUPERLINK_NODE_ID,
        reply_to_message_id=task_id,
        group_id="",
        created_at=created_at,
        ttl=0,
        message_type=SYSTEM_MESSAGE_TYPE,
    )
    return make_message(metadata=metadata, error=error)
