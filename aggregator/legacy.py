"""Legacy servers (``ServerApp(server_fn=…)``) without their threads: one thread does what Flower does with many.

Flower's legacy `Server` sends each message of a phase from a thread of a pool (as many at once as the machine has cores
and four), gathers replies in a set whose order is that of memory addresses, and keeps its list of clients in a thread
that wakes up every five seconds. On a virtual clock these threads could not be waited for, and the same run would give
other bytes each time. So, while a guest runs, all messages of a phase are sent at once, replies come in the order of
their arrival, and the list of clients is brought up to date when somebody asks for it.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from flwr.app import Message, RecordDict
from flwr.common import Code, EvaluateIns, EvaluateRes, FitIns, FitRes
from flwr.serverapp import Grid

from aggregator.flower import (
    ClientManager,
    ClientProxy,
    GridClientProxy,
    LegacyStrategy,
    Server,
    legacy_server,
    legacy_starters,
    recorddict_compat,
)

LOOKS_EVERY_S = 5.0
"""Flower's thread looks for new clients this often."""

Watch = Callable[[LegacyStrategy], LegacyStrategy]
Gathered = tuple[list[tuple[ClientProxy, Any]], list[tuple[ClientProxy, Any] | BaseException]]


@contextmanager
def in_one_thread(grid: Grid, watch: Watch) -> Iterator[None]:
    """Let a legacy server live in this thread; *watch* returns its strategy with somebody looking over its shoulder."""

    def fit_clients(
        client_instructions: Sequence[tuple[ClientProxy, FitIns]],
        max_workers: int | None,
        timeout: float | None,
        group_id: int,
    ) -> Gathered:
        return _ask(grid, client_instructions, "train", _fit_content, _fit_result, timeout, group_id)

    def evaluate_clients(
        client_instructions: Sequence[tuple[ClientProxy, EvaluateIns]],
        max_workers: int | None,
        timeout: float | None,
        group_id: int,
    ) -> Gathered:
        return _ask(grid, client_instructions, "evaluate", _judged_content, _judged_result, timeout, group_id)

    def run_fl(server: Server, config: Any) -> Any:
        server.set_strategy(watch(server.strategy))
        history, _ = server.fit(config.num_rounds, config.round_timeout)
        return history  # nobody is told to disconnect: on a grid that does nothing

    with_strategy, with_workflow = legacy_starters()
    with (
        patch.object(legacy_server, "fit_clients", fit_clients),
        patch.object(legacy_server, "evaluate_clients", evaluate_clients),
        patch.object(with_strategy, "run_fl", run_fl),
        patch.object(with_strategy, "start_update_client_manager_thread", _without_thread),
        patch.object(with_workflow, "start_update_client_manager_thread", _without_thread),
    ):
        yield


def _ask(
    grid: Grid,
    instructions: Sequence[tuple[ClientProxy, Any]],
    message_type: str,
    content: Callable[[Any], RecordDict],
    result: Callable[[RecordDict], FitRes | EvaluateRes],
    timeout: float | None,
    group_id: int,
) -> Gathered:
    """Send all *instructions* at once; return results and failures as the legacy server expects them."""
    messages = [
        Message(content(ins), int(client.cid), message_type, ttl=timeout, group_id=str(group_id))
        for client, ins in instructions
    ]
    replies = list(grid.send_and_receive(messages))
    clients = {message.metadata.message_id: client for message, (client, _) in zip(messages, instructions, strict=True)}
    results: list[tuple[ClientProxy, Any]] = []
    failures: list[tuple[ClientProxy, Any] | BaseException] = []
    for reply in replies:
        client = clients.get(reply.metadata.reply_to_message_id)
        if client is None or reply.has_error():
            reason = reply.error.reason if reply.has_error() else "nobody asked"
            failures.append(ValueError(f"Message contains an Error (reason: {reason})."))
            continue
        said = result(reply.content)
        (results if said.status.code == Code.OK else failures).append((client, said))
    return results, failures


def _fit_content(ins: FitIns) -> RecordDict:
    return recorddict_compat.fitins_to_recorddict(ins, keep_input=True)


def _fit_result(content: RecordDict) -> FitRes:
    return recorddict_compat.recorddict_to_fitres(content, keep_input=False)


def _judged_content(ins: EvaluateIns) -> RecordDict:
    return recorddict_compat.evaluateins_to_recorddict(ins, keep_input=True)


def _judged_result(content: RecordDict) -> EvaluateRes:
    return recorddict_compat.recorddict_to_evaluateres(content)


def _without_thread(
    grid: Grid, client_manager: ClientManager
) -> tuple[threading.Thread, threading.Event, threading.Event]:
    """Stand for Flower's thread of that name: whoever asks the client manager for clients gets those of now."""
    known: dict[int, GridClientProxy] = {}

    def look() -> None:
        there = dict.fromkeys(grid.get_node_ids())
        for gone in [node_id for node_id in known if node_id not in there]:
            client_manager.unregister(known.pop(gone))
        for node_id in there:
            if node_id not in known:
                known[node_id] = GridClientProxy(node_id, grid, grid.run.run_id)
                client_manager.register(known[node_id])

    def looking(method: Callable[..., Any]) -> Callable[..., Any]:
        def ask(*args: Any, **options: Any) -> Any:
            look()
            return method(*args, **options)

        return ask

    available = client_manager.num_available

    def wait_for(num_clients: int, timeout: float = 86_400) -> bool:
        until_s = time.monotonic() + timeout
        while available() < num_clients and time.monotonic() < until_s:
            time.sleep(LOOKS_EVERY_S)  # noqa: TID251  # in the server's thread: virtual
            look()
        return available() >= num_clients

    instead: dict[str, Callable[..., Any]] = {
        name: looking(getattr(client_manager, name)) for name in ("num_available", "all", "sample")
    }
    for name, method in (instead | {"wait_for": wait_for}).items():
        setattr(client_manager, name, method)
    thread = threading.Thread(target=lambda: None, name="no client manager thread")
    thread.start()  # Flower joins it
    told = threading.Event()
    told.set()
    return thread, threading.Event(), told
